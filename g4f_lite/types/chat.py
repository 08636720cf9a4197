"""
The completion of a chat: immutable, picklable, shaped like OpenAI's objects.

Durations are seconds and points in time are Unix time, unless a name says otherwise.
"""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic

import msgspec
from msgspec import field

from ..records import prices
from ..records.trail import EMPTY_TRAIL, Attempt, Trail
from ..value import JSONObject, decode_lenient
from .chunks import FEW, reasoning_in
from .logprobs import Logprobs, sent_logprobs, show_objects
from .results import OpenResult, Result, SentField, shown, without_none
from .usage import Usage

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers know it, installed or not

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")


class FunctionCall(Result, frozen=True, kw_only=True, gc=False):
    """The name of the function that the model calls, and the arguments."""

    name: str = ""
    arguments: str = ""
    """JSON text as the model wrote it, which may be invalid."""


class CustomCall(Result, frozen=True, kw_only=True, gc=False):
    """The name of a custom tool of OpenAI's that the model calls, and a text in the form that the tool asks for."""

    name: str = ""
    input: str = ""


class ToolCall(Result, frozen=True, kw_only=True, gc=False):
    """A call of a function or a custom tool that the model asks for; the result goes back with its `id`."""

    _ours: ClassVar[frozenset[str]] = frozenset(("custom", "extra_content"))
    id: str = ""
    function: FunctionCall = FunctionCall()
    type: str = "function"
    custom: CustomCall | None = None
    """Set if the type is `custom`; `function` has the same name and text."""
    extra_content: JSONObject | None = None
    """What the service needs back in the next turn, such as signatures, by vendor; no other service gets it."""


ORIGIN, EXTRA = "g4f_lite.origin", "g4f_lite.extra"
"""The keys of `Message.origin` and `Message.extra` in JSON; they do not collide with fields of a service."""


class Message(OpenResult, frozen=True, kw_only=True):
    """An assistant's message; it can be used in the `messages` of the next request."""

    _ours: ClassVar[frozenset[str]] = frozenset(
        ("reasoning", "reasoning_content", "reasoning_details", "images", "extra_content")
    )
    annotations = SentField()
    """What the text refers to, such as pages of the web, as the service sent it."""

    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: Annotated[tuple[ToolCall, ...], FEW] | None = None
    reasoning_details: list[Any] | None = None
    """The reasoning as OpenRouter and its like need it back, with signatures; no other service gets it."""
    function_call: FunctionCall | None = None
    """The older form of a tool call."""
    audio: JSONObject | None = None
    """Sound: `id`, `data` in base64, `transcript`, `expires_at`."""
    images: list[JSONObject] | None = None
    """Images that the model made, as parts: `{"type": "image_url", "image_url": {"url": …}}`. Source: OpenRouter."""
    extra_content: JSONObject | None = None
    """As in `ToolCall`."""
    origin: str | None = field(default=None, name=ORIGIN)
    """The service that sent `reasoning_details` or `extra_content`; None if the message has neither."""
    extra: JSONObject = field(default_factory=dict, name=EXTRA)
    """As in `ChatCompletion`; it is not sent in the next request."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this message, without `extra` and fields that are not set (except `content`)."""
        names = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        fields = {its_name: value for name, its_name in names if (value := getattr(self, name)) is not None}
        del fields[EXTRA]
        plain: JSONObject = {"content": None, **without_none(msgspec.to_builtins(fields))}
        for call in plain.get("tool_calls", ()):
            if "custom" in call:
                del call["function"]
        return plain


class Choice(OpenResult, frozen=True, kw_only=True):
    """One of the answers; there is one, unless the request asks for `n`."""

    index: int = 0
    message: Message = Message()
    finish_reason: str | None = None
    logprobs: Logprobs = None
    """Objects if the service sent OpenAI's form, else what it sent."""
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this choice, with `extra`."""
        return {
            "index": self.index,
            "message": {**self.message.to_dict(), **self.message.extra},
            "logprobs": sent_logprobs(self),
            "finish_reason": self.finish_reason,
            **self.extra,
        }


show_objects(Choice)


class ChatCompletion(OpenResult, Generic[T], frozen=True, kw_only=True):
    """One complete answer; `T` is the type of `parsed`."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    """The model that answered, as the provider names it."""
    choices: Annotated[tuple[Choice, ...], FEW] = ()
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """
    Fields that the service sent, and that have no attribute here, such as `x_groq` or `citations`.

    For services with OpenAI's protocol; `raw` has those of the others. After a stream: texts and lists of the message
    are joined, of other fields the last value is kept.
    """
    # Ours; the encoded names do not collide with fields of a service.
    provider: str = field(default="", name="g4f_lite.provider")
    trail: Trail = field(default=EMPTY_TRAIL, name="g4f_lite.trail")
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")
    parsed: T = field(default=None, name="g4f_lite.parsed")  # type: ignore[assignment]  # see below
    """The answer as an object of the call's `response_model`; None without one, or if the model called a tool."""
    metadata = SentField()
    moderation = SentField()

    @property
    def text(self) -> str:
        """The first choice's text, or ""."""
        return (self.choices[0].message.content or "") if self.choices else ""

    @property
    def reasoning(self) -> str:
        """The first choice's reasoning text, or "", from whichever field the provider uses."""
        if not self.choices:
            return ""
        message = self.choices[0].message
        return message.reasoning or message.reasoning_content or reasoning_in(message.reasoning_details)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The first choice's tool calls, or ()."""
        return (self.choices[0].message.tool_calls or ()) if self.choices else ()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.trail.attempts

    @property
    def cost(self) -> float | None:
        """
        USD: as the service says, else by usage and genai-prices, at the prices of the time of the request.

        None without usage or the extra `prices`, or if the price of a part is unknown.
        """
        if self.usage is None:
            return None
        if self.usage.cost is not None:
            return self.usage.cost
        tier = self.usage.rates or self.service_tier
        attempts = self.attempts
        at = attempts[-1].started_at if attempts else None
        return prices.cost(self.provider, self.model, self.usage, tier=tier, at=at)

    @property
    def raw(self) -> Any:
        """The provider's own JSON, decoded again at each access; None after a stream."""
        return None if self.raw_json is None else decode_lenient(self.raw_json)

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this completion, with the `extra` of each of its parts."""
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [choice.to_dict() for choice in self.choices],
            "usage": None if self.usage is None else self.usage.to_dict(),
            "system_fingerprint": self.system_fingerprint,
            "service_tier": self.service_tier,
            **self.extra,
        }

    def __repr__(self) -> str:
        parts = [f"{self.provider}:{self.model if self.model.isprintable() else shown(self.model)}"]
        if self.text or not self.tool_calls:
            parts.append(f"text={shown(self.text)}")
        if self.tool_calls:
            parts.append(f"tool_calls={shown([call.function.name for call in self.tool_calls])}")
        if self.choices:
            parts.append(f"finish_reason={self.choices[0].finish_reason!r}")
        if self.choices[1:]:
            parts.append(f"{len(self.choices)} choices")
        if self.usage is not None:
            parts.append(f"{self.usage.prompt_tokens} + {self.usage.completion_tokens} tokens")
        return f"ChatCompletion({', '.join(parts)})"
