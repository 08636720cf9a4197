"""The data that a service can make a client read and keep is bounded."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.chunked_bodies import HEAD, read, serving
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import (
    AsyncClient,
    ChatCompletionChunk,
    Client,
    G4FLiteError,
    MalformedResponseError,
    OpenaiTemplate,
    StreamInterruptedError,
    Timeouts,
    Trail,
)
from g4f_lite.call.chunk_reader import ChunkReader
from g4f_lite.errors.exceptions import ProviderError
from g4f_lite.errors.reply import ErrorReply
from g4f_lite.provider.leg import Leg
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import head, http_chunk, sse
from g4f_lite.testing.script import Action, Close, Received
from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.size_limits import MAX_CHOICES, MAX_STREAM
from g4f_lite.types.time_limit import TimeLimit

pytestmark = pytest.mark.no_cover  # it measures memory, and the lines that it runs are covered by others

PATIENT = Timeouts(first_token=60, stall=60, total=60)
SIZES = {b"+5": 5, b"0x5": 5, b" 5": 5, b"5 ": 5, b"0_5": 5, b"1_0": 16}
"""Sizes that Python's `int` accepts and HTTP does not."""


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


class Flood:
    """Streams one event for ever, and counts the bytes that the client accepts."""

    def __init__(self, delta: dict[str, str]) -> None:
        event = http_chunk(sse({"choices": [{"index": 0, "delta": delta, "pad": "x" * 60_000}]}))
        self._event = event
        self.taken = 0

    def __call__(self, request: Received) -> Iterator[Action]:
        yield head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        while True:
            yield self._event
            self.taken += len(self._event)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
@pytest.mark.parametrize("delta", [{}, {"content": "word "}], ids=["empty", "content"])
def test_an_endless_stream_is_stopped(mode: str, delta: dict[str, str], server: FaultServer) -> None:
    flood = Flood(delta)
    server.script(flood)
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0, "timeouts": PATIENT}
    outcome = run(mode, settings, {"provider": "plain"})
    error: G4FLiteError | BaseException | None = outcome.error
    if delta:
        assert isinstance(error, StreamInterruptedError)
        error = error.__cause__
    assert isinstance(error, MalformedResponseError)
    assert f"larger than {MAX_STREAM >> 20} MiB" in str(error)
    assert MAX_STREAM * 0.9 < flood.taken < MAX_STREAM + (64 << 20)  # the rest is in buffers of the system


@pytest.mark.parametrize(("size", "length"), SIZES.items())
def test_an_invalid_chunk_size_ends_the_body(size: bytes, length: int) -> None:
    transport = HTTPTransport()
    body = b"3\r\nabc\r\n" + size + b"\r\n" + b"x" * length + b"\r\n0\r\n\r\n"
    with serving(HEAD + body) as url, pytest.raises(ProviderError):
        list(read(transport, url))
    transport.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_negative_size_is_not_read_to_the_end(mode: str, server: FaultServer) -> None:
    taken = 0

    def endless(request: Received) -> Iterator[Action]:
        nonlocal taken
        yield HEAD + b"-1\r\n"
        for _ in range(2000):
            yield b"x" * 65536
            taken += 65536
        yield Close()

    server.script(endless)
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0, "timeouts": PATIENT}
    assert isinstance(run(mode, settings, {"provider": "plain"}).error, ProviderError)
    assert taken < 64 << 20  # of 125 MiB: the content of system buffers


def test_trailers_are_bounded() -> None:
    transport = HTTPTransport()
    started = time.monotonic()
    with serving(HEAD + b"3\r\nabc\r\n0\r\n" + b"x: y\r\n" * 1000 + b"\r\n") as url:
        with pytest.raises(MalformedResponseError):
            list(read(transport, url))
    assert time.monotonic() - started < 9
    transport.close()


@pytest.mark.parametrize("delta", [{}, {"content": "word "}], ids=["empty", "content"])
def test_the_memory_of_a_stream_is_that_of_its_text(delta: dict[str, str]) -> None:
    reader = plain_reader()
    piece = sse({"choices": [{"index": 0, "delta": delta}]}) * 1000
    tracemalloc.start()
    for _ in range(25):
        reader.feed(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reader.text == delta.get("content", "") * 25_000
    assert peak < 4 << 20  # a chunk takes some 600 bytes, and there are 25 000


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_chunks_without_content_before_the_first_content_take_bounded_room(mode: str, server: FaultServer) -> None:
    empty = b"".join(sse({"choices": [{"index": 0, "delta": {}}]}) for _ in range(1000))
    role = {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    last = {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}
    server.script(replies.stream([role, *[empty] * 25, last]))
    tracemalloc.start()
    chunks, trail = stream(mode, server)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 << 20  # 25 000 chunks of some 250 bytes
    assert (chunks[0].choices[0].delta.role, "".join(chunk.text for chunk in chunks)) == ("assistant", "ok")
    assert 1000 < len(chunks) < 10_000
    left_out = 25_002 - len(chunks)
    assert f"{left_out} chunks without content" in str(trail)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_thousand_chunks_without_content_are_handed_out(mode: str, server: FaultServer) -> None:
    empty = {"choices": [{"index": 0, "delta": {}}]}
    last = {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}
    server.script(replies.stream([*[empty] * 1000, last]))
    chunks, trail = stream(mode, server)
    assert len(chunks) == 1001
    assert "handed out" not in str(trail)


def stream(mode: str, server: FaultServer) -> tuple[list[ChatCompletionChunk], Trail]:
    """Return all chunks of one stream, and its trail."""
    settings: dict[str, Any] = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "timeouts": PATIENT}

    async def read_async() -> tuple[list[ChatCompletionChunk], Trail]:
        async with AsyncClient(**settings) as client:
            opened = await client.chat.completions.create(messages=MESSAGES, provider="plain", stream=True)
            return [chunk async for chunk in opened], opened.completion.trail

    if mode.startswith("async"):
        return asyncio.run(read_async())
    with Client(**settings) as client:
        opened = client.chat.completions.create(messages=MESSAGES, provider="plain", stream=True)
        return list(opened), opened.completion.trail


def test_a_stream_has_no_more_choices_than_an_answer() -> None:
    reader = plain_reader()
    reader.feed(b"".join(sse({"choices": [{"index": number, "delta": {}}]}) for number in range(MAX_CHOICES)))
    reader.check()
    reader.feed(sse({"choices": [{"index": MAX_CHOICES, "delta": {}}]}))
    with pytest.raises(MalformedResponseError, match="more than 1024 choices"):
        reader.check()


def test_a_stream_has_no_tool_calls_without_end() -> None:
    reader = plain_reader()
    for start in range(0, 20_000, 1000):
        events = []
        for number in range(start, start + 1000):
            call = {"index": number, "id": f"call_{number}", "function": {"name": "f", "arguments": "{}"}}
            events.append(sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
        if not reader.closed:
            reader.feed(b"".join(events))
    with pytest.raises(StreamInterruptedError, match="more than 1024 tool calls"):
        reader.check()
    (choice,) = reader.completion().choices
    assert len(choice.message.tool_calls or ()) < 10_000


def plain_reader() -> ChunkReader:
    limit = TimeLimit(time, Timeouts(), time.monotonic() + 600, stream=True)
    request = ChatRequest(model="first", messages=({"role": "user", "content": "Hi"},))
    return ChunkReader(Leg(Plain(), "first"), request, limit, _unasked, status=200, headers={})


def _unasked(reply: ErrorReply) -> ProviderError:
    raise AssertionError(reply)
