"""
The completion and the chunks of a chat: immutable, picklable, shaped like OpenAI's objects.

Durations are seconds and points in time are Unix time, unless a name says otherwise.
"""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from typing import TYPE_CHECKING, Annotated, Any, Generic

import msgspec
from msgspec import Meta, field

from ..trail import EMPTY_TRAIL, Attempt, Trail
from ..value import NOT_JSON, JSONObject, Value, decode_lenient
from .chat_request import ChatRequest as ChatRequest  # noqa: PLC0414  # a name of this module too
from .chat_request import Positive as Positive  # noqa: PLC0414
from .size_limits import MAX_CHOICES

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers know it, installed or not

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")

_FEW = Meta(max_length=MAX_CHOICES)


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


ORIGIN, EXTRA = "g4f_lite.origin", "g4f_lite.extra"
"""The keys of `Message.origin` and `Message.extra` in JSON; they do not collide with fields of a service."""


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
        return {"content": None, **_without_none(msgspec.to_builtins(fields))}


class Choice(Value, frozen=True, kw_only=True):
    index: int = 0
    message: Message = Message()
    finish_reason: str | None = None
    logprobs: Any = None
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`."""


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
    """Tokens as the provider counted them. Two are equal if their counts are, whatever their `extra`."""

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
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`; of the details too, under their name."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self._counts() == other._counts()

    def __hash__(self) -> int:
        return hash(self._counts())

    def _counts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name != "extra")

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this usage, with `extra`."""
        given: JSONObject = _without_none(msgspec.to_builtins(self))
        counts = {name: value for name, value in given.items() if not name.startswith("g4f_lite.")}
        for name, value in self.extra.items():
            inside = counts.get(name)
            counts[name] = {**inside, **value} if isinstance(inside, dict) and isinstance(value, dict) else value
        return counts


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
        return None if self.raw_json is None else decode_lenient(self.raw_json)

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this completion, with the `extra` of each of its parts."""
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    "index": choice.index,
                    "message": {**choice.message.to_dict(), **choice.message.extra},
                    "logprobs": choice.logprobs,
                    "finish_reason": choice.finish_reason,
                    **choice.extra,
                }
                for choice in self.choices
            ],
            "usage": None if self.usage is None else self.usage.to_dict(),
            "system_fingerprint": self.system_fingerprint,
            "service_tier": self.service_tier,
            **self.extra,
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


def unknown_fields(given: JSONObject, kind: type[msgspec.Struct]) -> JSONObject:
    """Return the fields of a JSON object that a struct has no attribute for; nulls are omitted."""
    rest = given.keys() - kind.__struct_encode_fields__
    return {name: value for name in given if name in rest and (value := given[name]) is not None} if rest else {}


# -- chunks --------------------------------------------------------------------------------


def message_in(choice: JSONObject) -> JSONObject:
    """Return the message of a choice in an event: a service that does not stream sends a whole answer as one."""
    message = choice.get("delta") or choice.get("message")
    return message if isinstance(message, dict) else {}


def unknown_in_choice(choice: JSONObject) -> JSONObject:
    """As `unknown_fields`, for a choice in an event; its message and its usage are read elsewhere."""
    return {k: v for k, v in unknown_fields(choice, ChunkChoice).items() if k not in ("message", "usage")}


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
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")

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
        return "".join(delta.reasoning or delta.reasoning_content or "" for delta in deltas)

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
                    "index": choice.index,
                    "delta": {
                        **_without_none(msgspec.to_builtins(choice.delta)),
                        **unknown_fields(message_in(own), Delta),
                    },
                    "logprobs": choice.logprobs,
                    "finish_reason": choice.finish_reason,
                    **unknown_in_choice(own),
                }
                for choice, own in zip(self.choices, given, strict=False)
            ],
            **({"usage": self.usage.to_dict()} if self.usage else {}),
            **({"system_fingerprint": self.system_fingerprint} if self.system_fingerprint else {}),
            **({"service_tier": self.service_tier} if self.service_tier else {}),
            **unknown_fields(event, ChatCompletionChunk),
        }

    def __repr__(self) -> str:
        return super(ChatCompletionChunk, msgspec.structs.replace(self, raw_json=None)).__repr__()
