"""A service with a protocol of its own, whose streams may have any framing, and its provider."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    ErrorReply,
    HTTPRequest,
    HTTPResponse,
    MalformedResponseError,
    Message,
    Provider,
    ReplyError,
    ServerSentEvent,
    StreamFraming,
    StreamParser,
)
from g4f_lite.testing import Failure, Said, Shape


class Plain(Provider):
    name = "plain"
    login_url = "https://plain.example/keys"
    api_base = "https://plain.example/v1"
    api_key_env = ("PLAIN_API_KEY",)
    default_model = "plain-1"

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        body = {**request.to_body(), "stream": stream, **(request.extra_body or {})}
        headers = {
            "authorization": f"Bearer {key}",
            **{name.lower(): value for name, value in (request.extra_headers or {}).items()},
        }
        return HTTPRequest(url=f"{self.api_base}/talk", headers=headers, body=msgspec.json.encode(body))

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        said = read(response.body)
        choice = Choice(message=Message(content=said.get("reply", "")), finish_reason=said.get("ended"))
        return ChatCompletion(choices=(choice,))

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return Parser()


class Parser:
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        said = read(event.data)
        choice = ChunkChoice(delta=Delta(content=said.get("reply", "")), finish_reason=said.get("ended"))
        return [ChatCompletionChunk(choices=(choice,))]

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()


def read(data: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedResponseError(f"no JSON: {data[:40]!r}") from None
    if not isinstance(said, dict) or not said.keys() & {"reply", "ended", "error"}:
        raise MalformedResponseError(f"neither reply nor end: {data[:40]!r}")
    if "error" in said:
        raise ReplyError(ErrorReply(status=200, body=data))
    return said


class Service(Shape):
    def __init__(self, framing: str) -> None:
        self.FRAMING = framing

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return {"reply": said.text, "ended": said.finish}

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        for piece in said.pieces:
            yield {"reply": piece}
        if said.finish is not None:
            yield {"ended": said.finish}

    def error(self, failure: Failure) -> dict[str, Any]:
        return {"error": {"message": failure.message}}


class Lines(Plain):
    name = "lines"
    stream_framing = "json_lines"


class Array(Plain):
    name = "array"
    stream_framing = "json_array"


class LengthPrefixed:
    """Four bytes of length before each event."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, piece: bytes) -> Iterable[ServerSentEvent]:
        self._tail += piece
        while len(self._tail) >= 4 and len(self._tail) >= 4 + (size := struct.unpack(">I", self._tail[:4])[0]):
            yield ServerSentEvent(data=bytes(self._tail[4 : 4 + size]))
            del self._tail[: 4 + size]

    def close(self) -> Iterable[ServerSentEvent]:
        return ()


class Prefixed(Plain):
    name = "prefixed"

    def new_framing(self) -> StreamFraming | None:
        return LengthPrefixed()


class PrefixedService(Service):
    def __init__(self) -> None:
        super().__init__("sse")

    def sse(self, data: object) -> bytes:
        event = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        return struct.pack(">I", len(event)) + event


class Whole(Plain):
    """A service that never streams."""

    name = "whole"
    capabilities = frozenset()

    def new_stream(self, request: ChatRequest) -> StreamParser:
        raise AssertionError("it does not stream")


SERVICES: dict[str, tuple[type[Plain], Shape]] = {
    "sse": (Plain, Service("sse")),
    "json_lines": (Lines, Service("json_lines")),
    "json_array": (Array, Service("json_array")),
    "own": (Prefixed, PrefixedService()),
    "whole": (Whole, Service("sse")),
}
