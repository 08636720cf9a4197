"""What `create` takes: one list of names for both clients, and the checks before any I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import msgspec
from msgspec import Struct

from ..errors.exceptions import InvalidRequestError
from ..provider.boundary import is_header
from ..suggestions import did_you_mean
from ..types.chat import ChatRequest, Message, OnInterrupt, Timeouts
from ..value import JSONObject

if TYPE_CHECKING:
    from ..provider.base import Provider
    from ..routing.strategies import Strategy
    from ..types.endpoint import EndpointRequest

R = TypeVar("R", bound="ChatRequest | EndpointRequest")

MessageParam = Mapping[str, Any] | Message


class RoutingParams(TypedDict, total=False):
    """Keywords of every call: who is asked, for how long and how often."""

    model: str | None
    provider: str | Provider | type[Provider] | Sequence[str | Provider | type[Provider]] | None
    fallback_models: Sequence[str] | None
    timeout: float | None
    deadline: float | None
    retries: int | None
    timeouts: Timeouts | None
    strategy: str | Strategy | None


class CreateParams(RoutingParams, total=False):
    """Keywords of `create` besides `messages` and `stream`; what is not set is not sent."""

    on_interrupt: OnInterrupt | None
    response_model: type[Any] | None
    max_price: float | Mapping[str, float] | None
    # OpenAI's own
    audio: Mapping[str, Any] | None
    frequency_penalty: float | None
    function_call: str | Mapping[str, Any] | None
    functions: Sequence[Mapping[str, Any]] | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, Any] | None
    modalities: Sequence[str] | None
    n: int | None
    parallel_tool_calls: bool | None
    prediction: Mapping[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    reasoning_effort: str | None
    response_format: Mapping[str, Any] | None
    safety_identifier: str | None
    seed: int | None
    service_tier: str | None
    stop: str | Sequence[str] | None
    store: bool | None
    stream_options: Mapping[str, Any] | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    top_logprobs: int | None
    top_p: float | None
    user: str | None
    verbosity: str | None
    web_search_options: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None


ROUTING = tuple(RoutingParams.__annotations__)
_encoder = msgspec.json.Encoder()
_REQUEST = frozenset(ChatRequest.__struct_fields__) - {"model"}
_KNOWN = frozenset(CreateParams.__annotations__) | {"messages", "stream"}


# -- messages ------------------------------------------------------------------------------


class _Part(Struct):
    type: str


class _Function(Struct):
    name: str
    arguments: str


class _ToolCall(Struct):
    id: str
    function: _Function


class _System(Struct, tag="system", tag_field="role"):
    content: str | list[_Part]


class _Developer(Struct, tag="developer", tag_field="role"):
    content: str | list[_Part]


class _User(Struct, tag="user", tag_field="role"):
    content: str | list[_Part]


class _Assistant(Struct, tag="assistant", tag_field="role"):
    content: str | list[_Part] | None = None
    tool_calls: list[_ToolCall] | None = None


class _Tool(Struct, tag="tool", tag_field="role"):
    content: str | list[_Part]
    tool_call_id: str


class _FunctionResult(Struct, tag="function", tag_field="role"):
    name: str
    content: str | None


class _Messages(Struct):
    """In a struct, whose description msgspec makes once; of a bare union it makes one in each call."""

    messages: list[_System | _Developer | _User | _Assistant | _Tool | _FunctionResult]


ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def check_messages(messages: object) -> list[JSONObject]:
    """
    Return the messages as plain dictionaries.

    Raises:
        InvalidRequestError: names the message and the field that is wrong.
    """
    if isinstance(messages, str):
        raise InvalidRequestError(
            "messages must be a list of messages, not a string; "
            f"write [{{'role': 'user', 'content': {messages[:20]!r}}}]"
        )
    if type(messages) is not list and (isinstance(messages, (Mapping, bytes)) or not isinstance(messages, Iterable)):
        raise InvalidRequestError(f"messages must be a list of messages, not {type(messages).__name__}")
    plain = [
        message
        if type(message) is dict
        else message.to_dict()
        if isinstance(message, Message)
        else dict(message)
        if isinstance(message, Mapping)
        else message
        for message in messages
    ]
    if not plain:
        raise InvalidRequestError("messages is empty; put at least one message into it")
    try:
        msgspec.convert({"messages": plain}, _Messages)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(_explain(error, plain)) from None
    return plain


def _explain(error: Exception, messages: list[Any]) -> str:
    text, _, path = str(error).partition(" - at `$.")
    path = path.rstrip("`")
    if path.endswith(".role"):
        index = int(path[9 : path.index("]")])
        role = messages[index].get("role")
        return f"{path}: {role!r} is no role; use one of {', '.join(ROLES)}{did_you_mean(str(role), ROLES)}"
    if "missing required field `role`" in text:
        return f"{path}: the field 'role' is missing; use one of {', '.join(ROLES)}"
    return f"{path}: {text[0].lower()}{text[1:]}"


# -- everything else -----------------------------------------------------------------------


def unknown_keyword(name: str, known: Collection[str] = _KNOWN, method: str = "create") -> TypeError:
    """Return the error for a keyword that a function does not have."""
    told = f"{method}() has no parameter {name!r}"
    if "extra_body" in known:
        return TypeError(
            f"{told}{did_you_mean(name, sorted(known), '.')} A provider's own parameters go into extra_body"
        )
    return TypeError(told + did_you_mean(name, sorted(known), f"; it has {', '.join(known)}"))


def check_request(params: Mapping[str, Any]) -> ChatRequest:
    """
    Return the request that the keywords of `create` ask for; its model is still to be set.

    Raises:
        TypeError: an unknown keyword; says the nearest one.
        InvalidRequestError: a value that no provider takes; names the field.
    """
    if "messages" not in params:
        raise TypeError("create() needs messages=[…]")
    given: dict[str, Any] = {}
    for name, value in params.items():
        if name in _REQUEST:
            if isinstance(value, float) and not math.isfinite(value):
                raise InvalidRequestError(f"{name} must be a finite number, not {value!r}")
            if value is not None:
                given[name] = value
        elif name not in _KNOWN:
            raise unknown_keyword(name)
    given["messages"] = check_messages(params["messages"])
    if "extra_headers" in given:
        check_headers(given["extra_headers"])
    return as_request(given, ChatRequest)


def as_request(given: Mapping[str, Any], kind: type[R]) -> R:
    """
    Return the parameters as a request.

    Raises:
        InvalidRequestError: one does not fit, or cannot be written as JSON.
    """
    try:
        request = msgspec.convert(given, kind)
        if isinstance(request, ChatRequest):
            _encoder.encode(request)  # C code all the way; what is not set is left out, as in a body
        else:
            _encoder.encode(request.to_body())
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        got = "" if ", got " in text or name not in given else f", got {str(given[name])[:60]}"
        raise InvalidRequestError(f"{name} {text.replace('Expected', 'must be')}{got}") from None
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
    return request


def check_headers(headers: object) -> None:
    if not isinstance(headers, Mapping):
        raise InvalidRequestError("extra_headers must be a mapping of strings")
    for name, value in headers.items():
        if not is_header(name, value):
            raise InvalidRequestError(f"extra_headers[{name!r}] cannot be sent as a header; it must be printable ASCII")
        if name.lower() in ("content-length", "transfer-encoding"):
            raise InvalidRequestError(f"extra_headers[{name!r}] follows from the body; leave it out")


def seconds(name: str, value: object) -> float:
    """
    Return a duration above 0.

    Raises:
        InvalidRequestError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InvalidRequestError(f"{name} must be a number of seconds above 0, not {value!r}")
    return float(value)


def count(name: str, value: object) -> int:
    """
    Return a whole number, 0 or more.

    Raises:
        InvalidRequestError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequestError(f"{name} must be a whole number, 0 or more, not {value!r}")
    return value


def check_callable(name: str, value: Callable[..., Any] | None) -> None:
    """
    Refuse what tenacity could not call.

    Raises:
        InvalidRequestError: not callable, or a coroutine function.
    """
    import inspect

    if value is None:
        return
    if not callable(value):
        raise InvalidRequestError(f"{name} must be one of tenacity's objects or a function, not {value!r}")
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(getattr(value, "__call__", None)):  # noqa: B004  # its kind is asked, not whether it is there
        raise InvalidRequestError(f"{name} must be a plain function, not a coroutine function")
