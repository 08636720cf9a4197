"""
The chunks of a streamed chat: immutable, picklable, shaped like OpenAI's objects.
"""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, field

from ..value import NOT_JSON, JSONObject, decode_lenient
from .logprobs import Logprobs, sent_logprobs, show_objects
from .results import OpenResult, Result, SentField, unknown_fields
from .size_limits import MAX_CHOICES
from .usage import Usage

FEW = Meta(max_length=MAX_CHOICES)


def message_in(choice: JSONObject) -> JSONObject:
    """Return the message of a choice in an event: a service that does not stream sends a whole answer as one."""
    message = choice.get("delta") or choice.get("message")
    return message if isinstance(message, dict) else {}


def unknown_in_choice(choice: JSONObject) -> JSONObject:
    """As `unknown_fields`, for a choice in an event; its message and its usage are read elsewhere."""
    return {k: v for k, v in unknown_fields(choice, ChunkChoice).items() if k not in ("message", "usage")}


class FunctionCallDelta(Result, frozen=True, kw_only=True, gc=False):
    """A piece of the name or of the arguments of a call."""

    name: str | None = None
    arguments: str | None = None


class CustomCallDelta(Result, frozen=True, kw_only=True, gc=False):
    """A piece of the name or of the text of a call of a custom tool."""

    name: str | None = None
    input: str | None = None


class ToolCallDelta(Result, frozen=True, kw_only=True, gc=False):
    """A piece of a tool call; pieces of one call share its `index`."""

    _ours: ClassVar[frozenset[str]] = frozenset(("custom", "extra_content"))

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None
    custom: CustomCallDelta | None = None
    extra_content: JSONObject | None = None


class Delta(Result, frozen=True, kw_only=True, gc=False):
    """What a chunk adds to a message; None for what it does not add to."""

    _ours: ClassVar[frozenset[str]] = frozenset(
        ("reasoning", "reasoning_content", "reasoning_details", "audio", "images", "extra_content")
    )
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: Annotated[tuple[ToolCallDelta, ...], FEW] | None = None
    reasoning_details: list[Any] | None = None
    function_call: FunctionCallDelta | None = None
    audio: JSONObject | None = None
    images: list[JSONObject] | None = None
    extra_content: JSONObject | None = None

    def has_content(self) -> bool:
        """True for non-empty text, reasoning, refusal, audio, images, or a piece of a tool call."""
        return bool(
            self.content or self.reasoning or self.reasoning_content or self.tool_calls or self.refusal
            or self.audio or self.images or self.function_call
        )  # fmt: skip


class ChunkChoice(Result, frozen=True, kw_only=True, gc=False):
    """What a chunk adds to one of the answers."""

    index: int = 0
    delta: Delta = Delta()
    finish_reason: str | None = None
    logprobs: Logprobs = None
    """As in `Choice`."""
    if TYPE_CHECKING:
        kept_logprobs: ClassVar[Any]
        """The field itself, see `show_objects`."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this choice."""
        return {
            "index": self.index,
            "delta": self.delta.to_dict(),
            "logprobs": sent_logprobs(self),
            "finish_reason": self.finish_reason,
        }


show_objects(ChunkChoice)


def reasoning_in(details: list[Any] | None) -> str:
    """Return the texts and summaries in OpenRouter's `reasoning_details`, which some gateways send alone."""
    texts = [one.get("text") or one.get("summary") for one in details or () if isinstance(one, dict)]
    return "".join(text for text in texts if isinstance(text, str))


class ChatCompletionChunk(OpenResult, frozen=True, kw_only=True, gc=False):
    """One piece of a streamed answer."""

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = ""
    choices: Annotated[tuple[ChunkChoice, ...], FEW] = ()
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    # Ours, see ChatCompletion.
    restarted: bool = field(default=False, name="g4f_lite.restarted")
    """The stream was interrupted and another leg starts over: discard what came before this chunk."""
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")
    moderation = SentField()

    @property
    def raw(self) -> Any:
        """The service's own event, decoded again at each access; None if the chunk was made in this process."""
        return None if self.raw_json is None else decode_lenient(self.raw_json)

    @property
    def extra(self) -> JSONObject:
        """As in `ChatCompletion`: fields of the event itself; those of its choices are in `raw`."""
        return unknown_fields(self._openai_event(), ChatCompletionChunk)

    def _openai_event(self) -> JSONObject:
        try:
            raw = self.raw
        except NOT_JSON:  # in a field that has no attribute
            return {}
        return raw if isinstance(raw, dict) and isinstance(raw.get("choices"), list) else {}

    @property
    def text(self) -> str:
        """The first choice's piece of text, or ""."""
        if self.choices[1:]:  # in any order, and perhaps several of one choice
            return "".join(one.delta.content or "" for one in self.choices if one.index == 0)
        return (self.choices[0].delta.content or "") if self.choices and self.choices[0].index == 0 else ""

    @property
    def reasoning(self) -> str:
        """The first choice's piece of reasoning text, or ""."""
        deltas = (one.delta for one in self.choices if one.index == 0)
        return "".join(
            delta.reasoning or delta.reasoning_content or reasoning_in(delta.reasoning_details) for delta in deltas
        )

    def has_content(self) -> bool:
        """As `Delta.has_content`, of any choice."""
        for choice in self.choices:  # a loop: a generator would cost a call for each chunk
            if choice.delta.content:
                return True
            if choice.delta.has_content():
                return True
        return False

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this chunk, with the service's extra fields."""
        event = self._openai_event()
        given = [one if isinstance(one, dict) else {} for one in event.get("choices", ())]
        given += [{}] * (len(self.choices) - len(given))
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    **(plain := choice.to_dict()),
                    "delta": {**plain["delta"], **unknown_fields(message_in(own), Delta)},
                    **unknown_in_choice(own),
                }
                for choice, own in zip(self.choices, given, strict=False)
            ],
            **({"usage": self.usage.to_dict()} if self.usage else {}),
            **({"system_fingerprint": self.system_fingerprint} if self.system_fingerprint else {}),
            **({"service_tier": self.service_tier} if self.service_tier else {}),
            **unknown_fields(event, ChatCompletionChunk),
        }
