"""
Replies and faults for `FaultServer`, in OpenAI's shape. Each is a function of the request, so the
same one serves streams and whole answers, and names the model that was asked for.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from .server import Action, Close, Pause, Received, Reply

FOREVER = 3600.0


# -- bodies --------------------------------------------------------------------------------


def completion(request: Received, text: str = "ok", **changes: Any) -> dict[str, Any]:
    """Return OpenAI's JSON of a whole answer; `changes` go into its message."""
    finish = "tool_calls" if changes.get("tool_calls") else "stop"
    message = {"role": "assistant", "content": text, **changes}
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": usage(text),
    }


def usage(text: str) -> dict[str, int]:
    words = len(text.split())
    return {"prompt_tokens": 5, "completion_tokens": words, "total_tokens": 5 + words}


def events(request: Received, pieces: Iterable[str], finish: str | None = "stop") -> Iterator[dict[str, Any]]:
    """Yield the chunks of a streamed answer: role, pieces, finish reason with usage."""

    def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        head = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_700_000_000}
        return {**head, "model": request.model, "choices": [choice], **more}

    yield chunk({"role": "assistant", "content": ""})
    said = ""
    for piece in pieces:
        said += piece
        yield chunk({"content": piece})
    if finish is not None:
        yield chunk({}, finish, usage=usage(said))


def sse(data: object, event: str | None = None) -> bytes:
    """Return one server-sent event; a string is sent as it is."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def http_chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
END = b"0\r\n\r\n"


# -- replies -------------------------------------------------------------------------------


def raw(*actions: Action) -> Reply:
    """Do just this on the socket."""
    return lambda request: actions


def body(content: bytes, status: int = 200, **headers: str) -> Reply:
    """Answer with these bytes; underscores in header names become hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(head(status, {**_JSON, **given, "content-length": str(len(content))}) + content)


def answer(text: str = "ok", *, headers: Mapping[str, str] | None = None, **changes: Any) -> Reply:
    """Answer well: whole, or word by word to a request that streams."""

    def reply(request: Received) -> Iterable[Action]:
        if request.stream:
            pieces = [piece for piece in text.replace(" ", " \0").split("\0") if piece]
            yield from stream([*events(request, pieces), "[DONE]"], headers=headers)(request)
        else:
            content = json.dumps(completion(request, text, **changes)).encode()
            yield head(200, {**_JSON, **(headers or {}), "content-length": str(len(content))}) + content

    return reply


def error(
    status: int,
    message: str = "scripted error",
    *,
    code: str | None = None,
    type: str = "invalid_request_error",
    param: str | None = None,
    **headers: str,
) -> Reply:
    """Answer with OpenAI's error object."""
    content = {"error": {"message": message, "type": type, "code": code, "param": param}}
    return body(json.dumps(content).encode(), status, **headers)


def stream(parts: Iterable[object], *, headers: Mapping[str, str] | None = None, end: bool = True) -> Reply:
    """Stream these: bytes and actions as they are, anything else as the data of an event."""

    def reply(request: Received) -> Iterable[Action]:
        yield head(200, {**_SSE, **(headers or {})})
        for part in parts:
            if isinstance(part, (Pause, Close)):
                yield part
            else:
                yield http_chunk(part if isinstance(part, bytes) else sse(part))
        if end:
            yield END

    return reply


# -- faults --------------------------------------------------------------------------------


def reset(when: Literal["before", "headers", "body"] = "before") -> Reply:
    """Reset the connection: before any answer, inside the headers, or inside the body."""
    started: dict[str, bytes] = {
        "before": b"",
        "headers": b"HTTP/1.1 200 OK\r\ncontent-",
        "body": head(200, {**_JSON, "content-length": "1000"}) + b'{"id": "x',
    }
    return raw(started[when], Pause(0.01), Close(reset=True))


def cut(after: int = 2, *, how: Literal["end", "close", "reset"] = "close") -> Reply:
    """
    Break off an answer: a stream after so many pieces of content, a whole answer in its middle.

    `end` ends the HTTP body properly, without a finish reason; the others break the connection.
    """

    def reply(request: Received) -> Iterable[Action]:
        if request.stream:
            yield head(200, _SSE)
            for event in events(request, [f"word{number} " for number in range(after)], None):
                yield http_chunk(sse(event))
            if how == "end":
                yield END
                return
        else:
            content = json.dumps(completion(request, "never whole")).encode()
            yield head(200, {**_JSON, "content-length": str(len(content))}) + content[: len(content) // 2]
        yield Pause(0.01)
        yield Close(reset=how == "reset")

    return reply


def silence(where: Literal["headers", "body", "stream"] = "headers", after: int = 0) -> Reply:
    """Say nothing more: before the headers, in a body, or in a stream after so many pieces of content."""

    def reply(request: Received) -> Iterable[Action]:
        if where == "body":
            yield head(200, {**_JSON, "content-length": "1000"}) + b'{"id":'
        elif where == "stream":
            yield head(200, _SSE)
            for event in events(request, [f"word{number} " for number in range(after)], None):
                yield http_chunk(sse(event))
        yield Pause(FOREVER)
        yield Close()

    return reply


def drip(content: bytes, every: float = 0.02) -> Reply:
    """Send these bytes of an answer one at a time, so many seconds apart."""

    def reply(request: Received) -> Iterable[Action]:
        for number in range(len(content)):
            yield content[number : number + 1]
            yield Pause(every)
        yield Close()

    return reply


def comments(every: float = 0.02) -> Reply:
    """Stream keep-alive comments for ever, and never any content."""

    def reply(request: Received) -> Iterable[Action]:
        yield head(200, _SSE)
        while True:
            yield http_chunk(b": keep-alive\n\n")
            yield Pause(every)

    return reply


def garbage() -> Reply:
    """Answer with something that is not HTTP."""
    return raw(b"\x16\x03\x01 this is no HTTP\r\n\r\n", Close())


def html(status: int = 200) -> Reply:
    """Answer with a web page."""
    page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>wait</body></html>"
    return body(page, status, content_type="text/html; charset=utf-8")


def wrong_length(surplus: int = 100) -> Reply:
    """Announce a body longer than the one that comes."""

    def reply(request: Received) -> Iterable[Action]:
        content = json.dumps(completion(request)).encode()
        yield head(200, {**_JSON, "content-length": str(len(content) + surplus)}) + content
        yield Close()

    return reply


def gzipped(text: str = "ok", *, broken: bool = False) -> Reply:
    """Answer compressed; `broken` spoils the compression."""

    def reply(request: Received) -> Iterable[Action]:
        content = gzip.compress(json.dumps(completion(request, text)).encode())
        if broken:
            content = content[:12] + b"\xff" * (len(content) - 12)
        yield head(200, {**_JSON, "content-encoding": "gzip", "content-length": str(len(content))}) + content

    return reply


def redirect(location: str, status: int = 307) -> Reply:
    return body(b"", status, location=location)


def by_model(choose: Callable[[str], Reply]) -> Reply:
    """Choose the reply by the model that was asked for."""
    return lambda request: choose(request.model)(request)
