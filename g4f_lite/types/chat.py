"""
The request, the completion and the chunks of a chat: immutable, picklable, shaped like OpenAI's objects.

Durations are seconds and points in time are Unix time, unless a name says otherwise.
"""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias

import msgspec
from msgspec import Meta, field

from ..trail import EMPTY_TRAIL, Attempt, Trail
from ..value import JSONObject, Value
from .size_limits import MAX_CHOICES

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers know it, installed or not

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")

Positive: TypeAlias = Annotated[int, Meta(ge=1)]
_FEW = Meta(max_length=MAX_CHOICES)


# -- request -------------------------------------------------------------------------------


class ChatRequest(Value, frozen=True, kw_only=True, omit_defaults=True):
    """
    One chat as a provider gets it: already checked, the model resolved to the provider's id.

    None means that the caller did not set the parameter: it is not sent.
    """

    messages: tuple[JSONObject, ...]
    model: str = ""
    audio: JSONObject | None = None
    frequency_penalty: float | None = None
    function_call: str | JSONObject | None = None
    functions: list[JSONObject] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Positive | None = None
    max_tokens: Positive | None = None
    metadata: JSONObject | None = None
    modalities: list[str] | None = None
    n: Positive | None = None
    parallel_tool_calls: bool | None = None
    prediction: JSONObject | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: str | None = None
    response_format: JSONObject | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream_options: JSONObject | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    tool_choice: str | JSONObject | None = None
    tools: list[JSONObject] | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    user: str | None = None
    verbosity: str | None = None
    web_search_options: JSONObject | None = None
    extra_body: Mapping[str, Any] | None = None
    extra_headers: Mapping[str, str] | None = None

    def asks_for(self, name: str) -> bool:
        """Return whether a parameter is set to a value that is not the default; `n=1` is the default."""
        value = getattr(self, name)
        return value is not None and value not in _DEFAULTS.get(name, ())

    def to_body(self) -> JSONObject:
        """Return the parameters that are set, as OpenAI's request body; the provider adds `extra_body`."""
        others = msgspec.structs.replace(self, messages=(), extra_body=None, extra_headers=None)
        body: JSONObject
        try:
            body = msgspec.to_builtins(others)  # C code, which omits what is not set
        except TypeError:  # it does not support msgspec.Raw, which can be encoded
            body = {name: value for name, value in msgspec.structs.asdict(others).items() if value is not None}
        body["messages"], body["model"] = self.messages, self.model
        return body


_DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "n": (1,), "logprobs": (False,), "top_logprobs": (0,), "frequency_penalty": (0,), "presence_penalty": (0,),
    "logit_bias": ({},), "modalities": (["text"],), "service_tier": ("auto", "default"), "functions": ([],),
    "parallel_tool_calls": (True,), "verbosity": ("medium",), "function_call": ("none", "auto"), "stop": ([],),
    "store": (False,), "metadata": ({},),
}  # fmt: skip
"""Values that are the same as not setting the parameter."""


# -- completion ----------------------------------------------------------------------------


class FunctionCall(Value, frozen=True, kw_only=True, gc=False):
    name: str = ""
    arguments: str = ""
    """JSON text as the model wrote it, which may be invalid."""


class ToolCall(Value, frozen=True, kw_only=True, gc=False):
    id: str = ""
    function: FunctionCall = FunctionCall()
    type: str = "function"
    extra_content: JSONObject | None = None
    """What the service needs back in the next turn, such as signatures, by vendor; no other service gets it."""


ORIGIN = "g4f_lite.origin"
"""The key of `Message.origin` in JSON; it does not collide with a field of a service."""


class Message(Value, frozen=True, kw_only=True):
    """An assistant's message; it can be used in the `messages` of the next request."""

    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: Annotated[tuple[ToolCall, ...], _FEW] | None = None
    reasoning_details: list[Any] | None = None
    """The reasoning as OpenRouter and its like need it back, with signatures; no other service gets it."""
    images: list[JSONObject] | None = None
    """Images that the model made, as parts: `{"type": "image_url", "image_url": {"url": …}}`. Source: OpenRouter."""
    extra_content: JSONObject | None = None
    """As in `ToolCall`."""
    origin: str | None = field(default=None, name=ORIGIN)
    """The service that sent `reasoning_details` or `extra_content`; None if the message has neither."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this message, without fields that are not set (except `content`)."""
        names = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        fields = {its_name: value for name, its_name in names if (value := getattr(self, name)) is not None}
        return {"content": None, **_without_none(msgspec.to_builtins(fields))}


class Choice(Value, frozen=True, kw_only=True):
    index: int = 0
    message: Message = Message()
    finish_reason: str | None = None
    logprobs: Any = None


class TokenDetails(Value, frozen=True, kw_only=True, gc=False):
    cached_tokens: int | None = None
    cached_tokens_details: "TokenDetails | None" = None
    """The kinds of the cached tokens."""
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Those of `cache_write_tokens` that are kept for an hour."""
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    video_tokens: int | None = None


class Usage(Value, frozen=True, kw_only=True, gc=False):
    """Tokens as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    # Ours, see ChatCompletion; set by the code of a provider.
    web_searches: int | None = field(default=None, name="g4f_lite.web_searches")
    audio_seconds: float | None = field(default=None, name="g4f_lite.audio_seconds")
    """Length of the sound in the prompt, where it has a price of its own."""
    cost: float | None = field(default=None, name="g4f_lite.cost")
    """USD, if the service says what it charges."""
    rates: str | None = field(default=None, name="g4f_lite.rates")
    """The service's name for the prices that hold, if `service_tier` does not say it."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this usage."""
        counts = msgspec.to_builtins(self)
        return {name: value for name, value in _without_none(counts).items() if not name.startswith("g4f_lite.")}


class ChatCompletion(Value, Generic[T], frozen=True, kw_only=True):
    """One complete answer; `T` is the type of `parsed`."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    """The model that answered, as the provider names it."""
    choices: Annotated[tuple[Choice, ...], _FEW] = ()
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    # Ours; the encoded names do not collide with fields of a service.
    provider: str = field(default="", name="g4f_lite.provider")
    trail: Trail = field(default=EMPTY_TRAIL, name="g4f_lite.trail")
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")
    parsed: T = field(default=None, name="g4f_lite.parsed")  # type: ignore[assignment]  # see below
    """The answer as an object of the call's `response_model`; None without one, or if the model called a tool."""

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
        return message.reasoning or message.reasoning_content or ""

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
        from ..prices import cost

        tier = self.usage.rates or self.service_tier
        at = self.attempts[-1].started_at if self.attempts else None
        return cost(self.provider, self.model, self.usage, tier=tier, at=at)

    @property
    def raw(self) -> Any:
        """The provider's own JSON, decoded again at each access; None after a stream."""
        return None if self.raw_json is None else msgspec.json.decode(self.raw_json)

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this completion."""
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    "index": choice.index,
                    "message": choice.message.to_dict(),
                    "logprobs": choice.logprobs,
                    "finish_reason": choice.finish_reason,
                }
                for choice in self.choices
            ],
            "usage": None if self.usage is None else self.usage.to_dict(),
            "system_fingerprint": self.system_fingerprint,
            "service_tier": self.service_tier,
        }

    def __repr__(self) -> str:
        return f"ChatCompletion({self.provider}:{self.model}, text={self.text[:60]!r}, usage={self.usage!r})"


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: item if name in ("extra_content", "reasoning_details") else _without_none(item)  # sent back unchanged
            for name, item in value.items()
            if item is not None
        }
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


# -- chunks --------------------------------------------------------------------------------


class FunctionCallDelta(Value, frozen=True, kw_only=True, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Value, frozen=True, kw_only=True, gc=False):
    """A piece of a tool call; pieces of one call share its `index`."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None
    extra_content: JSONObject | None = None


class Delta(Value, frozen=True, kw_only=True, gc=False):
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: Annotated[tuple[ToolCallDelta, ...], _FEW] | None = None
    reasoning_details: list[Any] | None = None
    images: list[JSONObject] | None = None
    extra_content: JSONObject | None = None


class ChunkChoice(Value, frozen=True, kw_only=True, gc=False):
    index: int = 0
    delta: Delta = Delta()
    finish_reason: str | None = None
    logprobs: Any = None


class ChatCompletionChunk(Value, frozen=True, kw_only=True, gc=False):
    """One piece of a streamed answer."""

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = ""
    choices: Annotated[tuple[ChunkChoice, ...], _FEW] = ()
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    # Ours, see ChatCompletion.
    restarted: bool = field(default=False, name="g4f_lite.restarted")
    """The stream was interrupted and another leg starts over: discard what came before this chunk."""

    @property
    def text(self) -> str:
        """The first choice's piece of text, or ""."""
        return (self.choices[0].delta.content or "") if self.choices and self.choices[0].index == 0 else ""

    @property
    def reasoning(self) -> str:
        """The first choice's piece of reasoning text, or ""."""
        if not self.choices or self.choices[0].index != 0:
            return ""
        delta = self.choices[0].delta
        return delta.reasoning or delta.reasoning_content or ""

    def has_content(self) -> bool:
        """True for non-empty text, reasoning, refusal, images, or a piece of a tool call."""
        for choice in self.choices:
            delta = choice.delta
            if delta.content or delta.reasoning or delta.reasoning_content or delta.tool_calls or delta.refusal:
                return True
            if delta.images:
                return True
        return False

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this chunk."""
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    "index": choice.index,
                    "delta": _without_none(msgspec.to_builtins(choice.delta)),
                    "logprobs": choice.logprobs,
                    "finish_reason": choice.finish_reason,
                }
                for choice in self.choices
            ],
            **({"usage": self.usage.to_dict()} if self.usage else {}),
        }
