"""Compressed bodies are decompressed in small pieces, and the limit is asked between two of them."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib

import pytest
from helpers.odd_row import sized

from g4f_lite import Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport.async_http import AsyncHTTPTransport
from g4f_lite.transport.common import DECODED_PIECE
from g4f_lite.transport.decoding import Decoder, NotDecodable
from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.http import HTTPRequest
from g4f_lite.types.time_limit import TimeLimit

PLAIN = b"plain " * 50
CODES = {
    "gzip": (True, gzip.compress(PLAIN)),
    "gzip in three members": (True, b"".join(map(gzip.compress, (PLAIN[:10], PLAIN[10:20], PLAIN[20:])))),
    "deflate": (False, zlib.compress(PLAIN)),
    "deflate without its header": (False, zlib.compress(PLAIN)[2:-4]),
}
SIZE = 4 << 20


def decode(decoder: Decoder, pieces: list[bytes], most: int) -> bytes:
    body = b""
    for piece in pieces:
        decoder.feed(piece)
        while found := decoder.take(most):
            assert len(found) <= most
            body += found
    decoder.finish()
    return body


@pytest.mark.parametrize("most", [1, 7, 1 << 14])
@pytest.mark.parametrize("step", [1, 10, 1 << 14])
@pytest.mark.parametrize("name", CODES)
def test_the_body_is_the_same_however_it_is_split(name: str, step: int, most: int) -> None:
    is_gzip, coded = CODES[name]
    pieces = [coded[at : at + step] for at in range(0, len(coded), step)]
    assert decode(Decoder(gzip=is_gzip), pieces, most) == PLAIN


@pytest.mark.parametrize("name", CODES)
def test_a_body_that_is_cut_anywhere_is_refused(name: str) -> None:
    is_gzip, coded = CODES[name]
    for end in range(1, len(coded)):
        if coded[end:].startswith(b"\x1f\x8b\x08"):
            continue  # the end of a member could be the end of the body
        with pytest.raises(NotDecodable):
            decode(Decoder(gzip=is_gzip), [coded[:end]], 1 << 14)


class CountingClock:
    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return time.monotonic()

    def time(self) -> float:
        return time.time()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_limit_is_asked_for_each_piece(mode: str, server: FaultServer) -> None:
    server.script(replies.raw(sized(gzip.compress(bytes(SIZE)), b"content-encoding: gzip")))
    clock = CountingClock()
    limit = TimeLimit(clock, Timeouts(), time.monotonic() + 60)
    request = HTTPRequest(url=server.base_url)

    async def read_async() -> list[int]:
        transport = AsyncHTTPTransport()
        stream = await transport.open(request, limit)
        sizes = []
        while piece := await stream.read():
            sizes.append(len(piece))
        await stream.close()
        await transport.aclose()
        return sizes

    if mode == "async":
        sizes = asyncio.run(read_async())
    else:
        with HTTPTransport().open(request, limit) as stream:
            sizes = []
            while piece := stream.read():
                sizes.append(len(piece))
    assert sum(sizes) == SIZE
    assert max(sizes) <= DECODED_PIECE
    assert clock.looks >= len(sizes)
