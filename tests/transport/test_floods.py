"""A service that sends without end holds neither a call beyond its limit, nor memory, nor the event loop."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from helpers.driving import MODES, run

from g4f_lite import (
    ConnectionFailedError,
    DeadlineExceededError,
    G4FLiteError,
    MalformedResponseError,
    OpenaiTemplate,
    ProviderTimeoutError,
    Timeouts,
)
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import END, head, http_chunk
from g4f_lite.testing.script import Action, Close, Received, Reply
from g4f_lite.transport.async_http import AsyncHTTPTransport
from g4f_lite.transport.common import MOST_LATE, PIECE
from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.http import HTTPRequest, HTTPResponse
from g4f_lite.types.size_limits import MAX_RESPONSE_BODY
from g4f_lite.types.time_limit import TimeLimit

CHUNKED = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
SIZE = 8 << 20


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


def for_ever(start: bytes, piece: bytes) -> Reply:
    def reply(request: Received) -> Iterator[Action]:
        yield start
        while True:
            yield piece

    return reply


def compressed(request: Received) -> Iterator[Action]:
    """Send compressed comments for ever: a few bytes of the socket are thousands of pieces."""
    yield head(200, {**CHUNKED, "content-encoding": "gzip"})
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    plain = b": x\n\n" * 200_000
    while True:
        yield http_chunk(packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH))


OPEN = head(200, CHUNKED)
ENDLESS: dict[str, Reply] = {
    "compressed comments": compressed,
    "one byte in each chunk": for_ever(OPEN, http_chunk(b" ") * 10_000),
    "a chunk extension for each byte": for_ever(OPEN, b"1;" + b"y" * 60_000 + b"\r\nx\r\n"),
}
REFUSED: dict[str, Reply] = {
    "headers": for_ever(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000),
    "one header": for_ever(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 65_536),
    "provisional answers": for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "continues": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "trailers": for_ever(OPEN + http_chunk(b": x\n\n") + b"0\r\n", b"x: y\r\n" * 1000),
    "one trailer": for_ever(OPEN + http_chunk(b": x\n\n") + b"0\r\nx: ", b"y" * 65_536),
}


def flood(mode: str, reply: Reply, server: FaultServer, timeout: float) -> G4FLiteError | None:
    """Return the error of a call."""
    server.script(reply)
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0, "timeouts": Timeouts()}
    return run(mode, settings, {"provider": "plain", "timeout": timeout}).error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_ends_at_the_deadline(name: str, mode: str, server: FaultServer) -> None:
    started = time.monotonic()
    error = flood(mode, ENDLESS[name], server, timeout=0.3)
    assert time.monotonic() - started < 0.3 + 5  # the 50 ms of the contract and a busy machine
    if name == "compressed comments" and "stream" not in mode and isinstance(error, MalformedResponseError):
        # On a quick machine, this limit is reached first.
        assert f"larger than {MAX_RESPONSE_BODY >> 20} MiB" in str(error)
    else:
        assert isinstance(error, DeadlineExceededError)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_whose_framing_has_no_end_is_refused(name: str, mode: str, server: FaultServer) -> None:
    tracemalloc.start()
    error = flood(mode, REFUSED[name], server, timeout=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error, MalformedResponseError)
    assert peak < 16 << 20


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("junk", [b"zz\r\nabc\r\n", b"0\r\nx: " + b"y" * 200_000], ids=["a chunk size", "a trailer"])
def test_broken_framing_is_not_waited_for(junk: bytes, mode: str, server: FaultServer) -> None:
    begun = OPEN + http_chunk(b": x\n\n")
    error = flood(mode, replies.raw(begun, replies.Pause(0.05), junk, replies.Pause(30)), server, timeout=20)
    assert isinstance(error, (MalformedResponseError, ConnectionFailedError))


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_limit_is_kept_while_there_is_data(mode: str, server: FaultServer) -> None:
    server.script(bomb())
    limit = TimeLimit(time, Timeouts(), time.monotonic() + 60)
    request = HTTPRequest(url=server.base_url)

    async def read_async() -> None:
        transport = AsyncHTTPTransport()
        stream = await transport.open(request, limit)
        try:
            assert await stream.read()
            limit.expires_at = limit.now()
            for _ in range(MOST_LATE + 1):
                await stream.read()
        finally:
            await stream.close()
            await transport.aclose()

    with pytest.raises(ProviderTimeoutError):
        if mode == "async":
            asyncio.run(read_async())
        with HTTPTransport().open(request, limit) as stream:
            assert stream.read()
            limit.expires_at = limit.now()
            for _ in range(MOST_LATE + 1):
                stream.read()


def test_other_tasks_run_while_there_is_data(server: FaultServer) -> None:
    server.script(bomb())
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def read_all() -> list[int]:
        transport = AsyncHTTPTransport()
        stream = await transport.open(
            HTTPRequest(url=server.base_url), TimeLimit(time, Timeouts(), time.monotonic() + 60)
        )
        sizes = [len(await stream.read())]  # all of it has come now
        other = asyncio.create_task(take_turns())
        while sizes[-1]:
            sizes.append(len(await stream.read()))
        other.cancel()
        await stream.close()
        await transport.aclose()
        return sizes

    sizes = asyncio.run(read_all())
    assert sum(sizes) == SIZE
    assert max(sizes) <= PIECE
    assert turns >= SIZE // PIECE - 2


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_compressed_body_is_whole_although_its_connection_closed_before_it_was_read(
    mode: str, server: FaultServer
) -> None:
    server.script(replies.raw(head(200, {"content-encoding": "gzip"}) + COMPRESSED, Close()))
    limit = TimeLimit(time, Timeouts(), time.monotonic() + 60)
    request = HTTPRequest(url=server.base_url)

    async def send_async() -> HTTPResponse:
        transport = AsyncHTTPTransport()
        try:
            return await transport.send(request, limit)
        finally:
            await transport.aclose()

    response = asyncio.run(send_async()) if mode == "async" else HTTPTransport().send(request, limit)
    assert response.body == bytes(SIZE)


def _compress(plain: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(plain) + packer.flush()


COMPRESSED = _compress(bytes(SIZE))
"""Some 8 KiB, which come in one piece."""


def bomb() -> Reply:
    return replies.raw(head(200, {**CHUNKED, "content-encoding": "gzip"}) + http_chunk(COMPRESSED) + END)
