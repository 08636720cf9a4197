"""Answers that are larger than the callers take, in one way or another, and bytes that nobody has asked for."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator

from g4f_lite.testing import Received, replies
from g4f_lite.testing.replies import Action, Reply, head, http_chunk

MOST = 100_000
"""`max_response_bytes` of the callers."""
_JSON, _SSE = {"content-type": "application/json"}, {"content-type": "text/event-stream"}
_CHUNKED = {"transfer-encoding": "chunked"}


def more(chance: random.Random) -> bytes:
    """
    Return what follows an answer that is complete: an answer to nobody, or bytes that are none.

    It goes out together with the answer: if it came later, nobody could tell it from the answer to the next request.
    """
    body = json.dumps({"choices": [{"message": {"content": "999999999.0.0 "}, "finish_reason": "stop"}]}).encode()
    unasked = head(200, {**_JSON, "content-length": str(len(body))}) + body
    return chance.choice((unasked, b"more bytes", b"\r\n", b"HTTP/1.1 408 Request Timeout\r\n\r\n"))


def _packed(request: Received, content: bytes) -> Iterator[Action]:
    zipped = gzip.compress(content)
    kind = _SSE if request.stream else _JSON
    yield head(200, {**kind, "content-encoding": "gzip", "content-length": str(len(zipped))}) + zipped


def floods(text: str) -> list[Reply]:
    """
    Return replies that must not be taken for the answer.

    Args:
        text: what they say; it is not recorded as an answer.
    """
    event = replies.sse({"choices": [{"index": 0, "delta": {"content": text}}]})
    large = json.dumps({"choices": [{"message": {"content": text + " " * MOST}, "finish_reason": "stop"}]}).encode()

    def bomb(request: Received) -> Iterator[Action]:
        yield from _packed(request, event * (4_000_000 // len(event)) if request.stream else large + b" " * 4_000_000)

    def oversized(request: Received) -> Iterator[Action]:
        yield head(200, {**_JSON, "content-length": str(len(large))}) + large

    def endless(request: Received) -> Iterator[Action]:
        yield head(200, _SSE | _CHUNKED)
        for _ in range(20):
            yield http_chunk(event * (20_000 // len(event)))

    def large_event(request: Received) -> Iterator[Action]:
        yield head(200, _SSE | _CHUNKED)
        yield http_chunk(event) + http_chunk(b"data: " + large + b"\n\n") + replies.END

    def objects(request: Received) -> Iterator[Action]:
        body = b'{"choices":[' + b"{}," * 30_000 + b"{}]}"
        yield head(200, {**_JSON, "content-length": str(len(body))}) + body

    def missing_choice(request: Received) -> Iterator[Action]:
        second = {"choices": [{"index": 1, "delta": {"content": text}}]}
        first = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        yield from replies.stream([first, second])(request)

    return [bomb, oversized, endless, large_event, objects, missing_choice]
