"""
Replies and faults for `FaultServer`. Each is a function of the request, so the same one serves streams and complete
answers, and names the requested model.

Rule: a reply only describes actions; the server performs them.

`shape=` is the protocol to answer in: "openai", "anthropic", "gemini", "cohere", or a `Shape` of your own. The default
is the protocol of the request's path.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from . import choosing
from .framing import framed
from .script import Action, Close, Pause, Received, Reply
from .shapes import SHAPES, AnyShape, Failure, OpenaiShape, Said, Shape, openai_endpoints, resolved
from .shapes.contract import count, words
from .shapes.openai import usage as _usage
from .wire import END, head, http_chunk, sse

by_model, by_prompt, delayed = choosing.by_model, choosing.by_prompt, choosing.delayed

__all__ = [
    "END",
    "FOREVER",
    "Action",
    "Close",
    "Pause",
    "Received",
    "Reply",
    "answer",
    "body",
    "by_model",
    "comments",
    "completion",
    "cut",
    "drip",
    "error",
    "events",
    "garbage",
    "gzipped",
    "head",
    "html",
    "http_chunk",
    "models",
    "raw",
    "redirect",
    "reset",
    "silence",
    "sse",
    "stream",
    "usage",
    "wrong_length",
]

FOREVER = 3600.0

_JSON = {"content-type": "application/json"}
_STREAMS = {
    "sse": "text/event-stream",
    "json_lines": "application/x-ndjson",
    "json_array": "application/json",
}


# -- bodies --------------------------------------------------------------------------------


def completion(request: Received, text: str = "ok", *, shape: AnyShape = None, **said: Any) -> dict[str, Any]:
    """Return the JSON of a complete answer; `said` takes the keywords of `answer`."""
    return _shape(shape, request).whole(request.model, _say(words(text), **said))


def usage(text: str) -> dict[str, int]:
    """Return OpenAI's usage object: one token per word, and five for the prompt."""
    return _usage(count(text))


def events(
    request: Received, pieces: Iterable[str], finish: str | None = "stop", *, shape: AnyShape = None, **said: Any
) -> Iterator[dict[str, Any]]:
    """Yield the JSON of a stream's events: its start, the pieces and, unless `finish` is None, its end."""
    return _shape(shape, request).chunks(request.model, _say(pieces, **said)._replace(finish=finish))


def _say(
    pieces: Iterable[str],
    *,
    finish: str | None = None,
    reasoning: str = "",
    tool_calls: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Said:
    return Said(tuple(pieces), finish or ("tool_calls" if tool_calls else "stop"), reasoning, tool_calls, more)


def _interrupted(pieces: int) -> Said:
    return Said([f"word{number} " for number in range(pieces)], finish=None)


def _shape(shape: AnyShape, request: Received) -> Shape:
    return resolved(shape) or request.read_by or SHAPES[request.shape]


def _in(shape: AnyShape, reply: Callable[[Received, Shape], Iterable[Action]]) -> Reply:
    """Return a reply that gets its shape when a request arrives. An unknown name raises `ValueError` at once."""
    known = resolved(shape)

    def answered(request: Received) -> Iterable[Action]:
        spoken = _shape(known, request)
        return reply(request._replace(read_by=known) if known else request, spoken)

    return answered


# -- replies -------------------------------------------------------------------------------


def raw(*actions: Action) -> Reply:
    """Do exactly these actions on the socket."""
    return lambda request: actions


def body(content: bytes, status: int = 200, **headers: str) -> Reply:
    """Answer with these bytes; underscores in header names become hyphens."""
    return raw(_whole(content, _named(headers), status))


def answer(
    text: str = "ok",
    *,
    shape: AnyShape = None,
    headers: Mapping[str, str] | None = None,
    finish: str | None = None,
    reasoning: str = "",
    tool_calls: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Reply:
    """
    Answer successfully: in one piece, or word by word if the request asks for a stream.

    Args:
        finish: OpenAI's finish reason, or one of the shape's own.
        tool_calls: in OpenAI's form, for every shape.
        more: fields for OpenAI's or Anthropic's message, or Gemini's candidate, sent as they are.
    """
    said = _say(words(text), finish=finish, reasoning=reasoning, tool_calls=tool_calls, **more)

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        if request.stream:
            parts = [*shape.chunks(request.model, said), *shape.DONE]
            yield from stream(parts, headers=headers, shape=shape)(request)
        else:
            yield _whole_answer(shape, request, said, headers or {})

    return _in(shape, reply)


def models(*ids: str) -> Reply:
    """Answer the endpoint for models with this list."""
    return body(_dump(openai_endpoints.models(ids)))


def error(
    status: int,
    message: str = "scripted error",
    *,
    shape: AnyShape = None,
    after: int | None = None,
    code: str | None = None,
    type: str | None = None,
    param: str | None = None,
    details: Sequence[object] = (),
    **headers: str,
) -> Reply:
    """
    Answer with an error.

    Args:
        after: if the request asks for a stream: pieces of content to send first, under status 200.
        type: OpenAI's or Anthropic's type, or Gemini's status; by default the usual one for `status`.
        code, param: sent only by OpenAI's shape.
        details: sent only by Gemini's shape.
    """
    if not isinstance(status, int):
        raise TypeError(f"the status of an error is a number such as 503, not {status!r:.80}")
    failure = Failure(status, message, type, code, param, details)

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        content = shape.error(failure)
        if after is None or not request.stream:
            return body(_dump(content), status, **headers)(request)
        parts = [*shape.chunks(request.model, _interrupted(after)), content]
        return stream(parts, headers=_named(headers), shape=shape)(request)

    return _in(shape, reply)


def stream(
    parts: Iterable[object],
    *,
    shape: AnyShape = None,
    headers: Mapping[str, str] | None = None,
    end: bool = True,
) -> Reply:
    """Stream these parts: bytes and actions unchanged, anything else as the data of an event."""

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        yield head(200, {**_started(shape), **(headers or {})})
        for part in framed(shape, parts, closed=end):
            yield part if isinstance(part, (Pause, Close)) else http_chunk(part)
        if end:
            yield END

    return _in(shape, reply)


def _whole(content: bytes, headers: Mapping[str, str] = {}, status: int = 200, *, surplus: int = 0) -> bytes:
    """Return a response with its body; its content length is too high by `surplus` bytes."""
    return head(status, {**_JSON, **headers, "content-length": str(len(content) + surplus)}) + content


def _whole_answer(
    shape: Shape, request: Received, said: Said, headers: Mapping[str, str] = {}, *, surplus: int = 0
) -> bytes:
    content, kind = _content(shape, request, said)
    return _whole(content, {"content-type": kind, **headers}, surplus=surplus)


def _content(shape: Shape, request: Received, said: Said) -> tuple[bytes, str]:
    """Return body and content type of a complete answer, of chat or another endpoint."""
    if request.endpoint and (shape is SHAPES["openai"] or isinstance(shape, OpenaiShape)):
        return openai_endpoints.whole(request, said)
    return _dump(shape.whole(request.model, said)), _JSON["content-type"]


def _dump(content: object) -> bytes:
    return json.dumps(content).encode()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


# -- faults --------------------------------------------------------------------------------


def reset(when: Literal["before", "headers", "body"] = "before") -> Reply:
    """Reset the connection: before any answer, inside the headers, or inside the body."""
    started: dict[str, bytes] = {
        "before": b"",
        "headers": b"HTTP/1.1 200 OK\r\ncontent-",
        "body": head(200, {**_JSON, "content-length": "1000"}) + b'{"id": "x',
    }
    return raw(started[when], Pause(0.01), Close(reset=True))


def cut(after: int = 2, *, how: Literal["end", "close", "reset"] = "close", shape: AnyShape = None) -> Reply:
    """
    Interrupt an answer: a stream after `after` pieces of content, a complete answer in its middle.

    `end` ends the HTTP body properly, without a finish reason; `close` and `reset` end the connection.
    """

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        if request.stream:
            yield from _start(shape, request, after)
            if how == "end":
                yield END
                return
        else:
            content, kind = _content(shape, request, Said(["never ", "whole"]))
            half = content[: len(content) // 2]
            yield _whole(half, {"content-type": kind}, surplus=len(content) - len(half))
        yield Pause(0.01)
        yield Close(reset=how == "reset")

    return _in(shape, reply)


def silence(
    where: Literal["headers", "body", "stream"] = "headers", after: int = 0, *, shape: AnyShape = None
) -> Reply:
    """Send nothing more: before the headers, in a body, or in a stream after `after` pieces of content."""

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        if where == "body":
            yield head(200, {**_JSON, "content-length": "1000"}) + b'{"id":'
        elif where == "stream":
            yield from _start(shape, request, after)
        yield Pause(FOREVER)
        yield Close()

    return _in(shape, reply)


def _start(shape: Shape, request: Received, pieces: int) -> Iterator[bytes]:
    """Yield a stream up to this many pieces of content."""
    yield head(200, _started(shape))
    yield from map(http_chunk, framed(shape, shape.chunks(request.model, _interrupted(pieces)), closed=False))


def _started(shape: Shape) -> dict[str, str]:
    """Return the headers of a stream."""
    return {"content-type": _STREAMS[shape.FRAMING], "transfer-encoding": "chunked"}


def drip(content: bytes, every: float = 0.02) -> Reply:
    """Send these bytes of an answer one at a time, `every` seconds apart."""

    def reply(request: Received) -> Iterable[Action]:
        for number in range(len(content)):
            yield content[number : number + 1]
            yield Pause(every)
        yield Close()

    return reply


def comments(every: float = 0.02, *, shape: AnyShape = None) -> Reply:
    """Stream keep-alives without end and without content: comments or pings."""

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        yield head(200, _started(shape))
        while True:
            yield http_chunk(shape.KEEP_ALIVE)
            yield Pause(every)

    return _in(shape, reply)


def garbage() -> Reply:
    """Answer with something that is not HTTP."""
    return raw(b"\x16\x03\x01 this is no HTTP\r\n\r\n", Close())


def html(status: int = 200) -> Reply:
    """Answer with a web page."""
    page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>wait</body></html>"
    return body(page, status, content_type="text/html; charset=utf-8")


def wrong_length(surplus: int = 100, *, shape: AnyShape = None) -> Reply:
    """Announce a longer body than is sent."""

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        yield _whole_answer(shape, request, Said(["ok"]), surplus=surplus)
        yield Close()

    return _in(shape, reply)


def gzipped(text: str = "ok", *, broken: bool = False, shape: AnyShape = None) -> Reply:
    """Answer compressed with gzip; `broken` corrupts the compressed data."""

    def reply(request: Received, shape: Shape) -> Iterable[Action]:
        plain, kind = _content(shape, request, _say(words(text)))
        content = gzip.compress(plain)
        if broken:
            content = content[:12] + b"\xff" * (len(content) - 12)
        yield _whole(content, {"content-encoding": "gzip", "content-type": kind})

    return _in(shape, reply)


def redirect(location: str, status: int = 307) -> Reply:
    """Redirect to another address."""
    return body(b"", status, location=location)


def rate_limited(limit: int, window: float, reply: Reply | None = None) -> Reply:
    """
    Answer so many requests in any window of time; refuse the others with 429 and the time to wait.

    Args:
        window: seconds.
        reply: the answer; by default "ok".
    """

    def refusal(wait: float) -> Reply:
        return error(429, "rate limit reached", code="rate_limit_exceeded", retry_after=f"{wait:.3f}")

    return choosing.rate_limited(limit, window, reply or answer(), refusal)
