"""Decodes bodies and events of services with a protocol of their own, and builds completions. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from g4f_lite import (
    ChatCompletion,
    ChatRequest,
    Choice,
    ErrorReply,
    HTTPResponse,
    MalformedResponseError,
    Message,
    OpenaiTemplate,
    ReplyError,
    ServerSentEvent,
    TokenDetails,
    ToolCall,
    Usage,
)

from .odd_values import decode_loosely
from .turns import JSONObject

T = TypeVar("T")
Parts: TypeAlias = Annotated[list[T], msgspec.Meta(max_length=4096)]
"""Parts of a message, or its calls: each is looked at in Python, so a service must not send any number of them."""
MOST = 1024
"""Choices of an answer, and calls of a message, that the library takes."""
Choices: TypeAlias = Annotated[list[T], msgspec.Meta(max_length=MOST)]
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for a body of a million brackets
_NO_DETAILS = TokenDetails()
_NUMBERS = {"NaN": None, "Infinity": 1e308, "-Infinity": -1e308}
"""What stands for numbers that are not JSON."""


def decode_body(response: HTTPResponse, decoder: msgspec.json.Decoder[T]) -> T:
    """
    Return the answer in a complete body.

    Raises:
        ReplyError: it is an error, in any of the known shapes.
        MalformedResponseError: it does not have the service's shape.
    """
    body = response.body.removeprefix(b"\xef\xbb\xbf")  # some gateways write a mark of UTF-8 before JSON
    if b'"error"' in body and is_error(_loosely(body)):
        raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=body))
    try:
        return _decode(body, decoder)
    except _NOT_JSON as error:
        raise no_answer(response, _what_is(body, error)) from None


def decode_event(event: ServerSentEvent, decoder: msgspec.json.Decoder[T]) -> T:
    """As `decode_body`, for one event of a stream."""
    data = event.data
    if event.event == "error" or (b'"error"' in data and is_error(_loosely(data))):
        raise ReplyError(ErrorReply(status=200, body=data, in_stream=True))
    try:
        return _decode(data, decoder)
    except _NOT_JSON:
        refuse_error(data)
        raise MalformedResponseError(f"an event is not as it should be: {data[:40]!r}") from None


def no_answer(response: HTTPResponse, what: str) -> MalformedResponseError:
    """
    Return the exception for a body that is no answer of the service.

    Raises:
        ReplyError: it is an error in a form of another service, as a gateway has.
    """
    try:
        _other_service().parse_response(response)
    except MalformedResponseError:
        pass
    return MalformedResponseError(what, status=response.status)


def refuse_error(data: bytes) -> None:
    """As `no_answer`, for the data of an event that says nothing in the service's form."""
    try:
        _other_service().new_stream(ChatRequest(messages=(), model="")).feed(ServerSentEvent(data=data))
    except MalformedResponseError:
        pass


@cache
def _other_service() -> OpenaiTemplate:
    return OpenaiTemplate(name="other")


def _decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode JSON, also with NaN (Google's log probabilities), half a surrogate pair, or counts in another form."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError:
        body = _repaired(body)
    return decode_loosely(body, decoder)


def _repaired(body: bytes) -> bytes:
    """Return what only Python's `json` reads as plain JSON; half a surrogate pair is U+FFFD."""
    import json

    try:
        plain = json.dumps(json.loads(body.decode(), parse_constant=_NUMBERS.get), ensure_ascii=False)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def failure(error: Mapping[str, Any], *, status: int = 200, in_stream: bool) -> ReplyError:
    """Return the exception for an answer that reports an error in the service's own way."""
    body = msgspec.json.encode({"error": error})
    return ReplyError(ErrorReply(status=status, body=body, in_stream=in_stream))


def is_error(answer: Any) -> bool:
    """Return whether this is `{"error": …}` or `{"type": "error", …}`, also in a list (Google)."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return False
    return bool(answer.get("error")) or any(answer.get(name) == "error" for name in ("type", "status", "event"))


def only_choice(
    message: Message,
    finish: str | None,
    *,
    id: str,
    model: str,
    usage: Usage | None,
    service_tier: str | None = None,
) -> ChatCompletion:
    choice = Choice(message=message, finish_reason=finish)
    return ChatCompletion(id=id, model=model, choices=(choice,), usage=usage, service_tier=service_tier)


def message_of(
    texts: Sequence[str],
    thoughts: Iterable[str],
    calls: tuple[ToolCall, ...],
    extra_content: JSONObject | None = None,
    *,
    images: list[JSONObject] | None = None,
    audio: JSONObject | None = None,
) -> Message:
    """
    Return a message; its content is None only if there are tool calls or sound instead.

    Raises:
        MalformedResponseError: there are more calls than any answer has.
    """
    if len(calls) > MOST:
        raise MalformedResponseError(f"the answer has {len(calls)} tool calls; more than {MOST} are not taken")
    return Message(
        content="".join(texts) if texts or not (calls or audio) else None,
        audio=audio,
        images=images or None,
        reasoning="".join(thoughts) or None,
        tool_calls=calls or None,
        extra_content=extra_content,
    )


def arguments_of(written: msgspec.Raw) -> str:
    """
    Return a call's arguments as JSON; an object inside a string, as gateways send it, is meant as the object.

    Raises:
        MalformedResponseError: they are no UTF-8, which nobody has checked before.
    """
    try:
        text = str(memoryview(written), "utf-8")  # not of a copy in bytes, which may be as large as the answer
    except UnicodeDecodeError:
        raise MalformedResponseError("the arguments of a call are no UTF-8") from None
    if text[:1] == '"' and text.endswith('}"'):
        inner = msgspec.json.decode(text, type=str)
        text = inner if isinstance(_loosely(inner.encode()), dict) else text
    return text if text not in ("", "null") else "{}"


def usage_of(
    prompt: int,
    output: int,
    *,
    total: int | None = None,
    of_prompt: TokenDetails = _NO_DETAILS,
    of_output: TokenDetails = _NO_DETAILS,
    web_searches: int | None = None,
    rates: str | None = None,
) -> Usage:
    """
    Return the token counts in OpenAI's form.

    Args:
        total: the service's own total; None: the sum of prompt and output.
        of_prompt, of_output: the parts that the service reports.
        web_searches, rates: as in `Usage`.
    """
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=output,
        total_tokens=prompt + output if total is None else total,
        prompt_tokens_details=None if of_prompt == _NO_DETAILS else of_prompt,
        completion_tokens_details=None if of_output == _NO_DETAILS else of_output,
        web_searches=web_searches,
        rates=rates,
    )


def _loosely(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except _NOT_JSON:
        return None


def _what_is(body: bytes, error: Exception) -> str:
    start = body[:200].strip()
    if not start:
        return "the answer is empty"
    if start.startswith(b"<"):
        return "the answer is a web page, not JSON; is the base URL right?"
    if isinstance(error, msgspec.ValidationError):
        return f"the answer has not the service's shape: {str(error)[:80]}"
    return f"the answer is not JSON: {start[:60].decode('utf-8', 'replace')!r}"
