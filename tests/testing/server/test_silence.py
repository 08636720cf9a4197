"""Replies of `FaultServer` that stop, keep a connection alive, or arrive byte by byte."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from helpers.driving import eventually
from helpers.raw_client import SHAPES, Wire, dechunked, split
from helpers.shape_reading import READ_STREAM, Read, events_of

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply
from g4f_lite.testing.shapes import ShapeName

SILENCES: dict[str, tuple[Reply, Callable[[bytes], bool]]] = {
    "before the headers": (replies.silence(), lambda came: came == b""),
    "in the body": (replies.silence("body"), lambda came: came.endswith(b'\r\n\r\n{"id":')),
    "at the start of a stream": (replies.silence("stream"), lambda came: b"assistant" in came),
    "in a stream": (replies.silence("stream", 2), lambda came: b"word1" in came),
    "after keep-alives": (replies.stream([b": x\n\n", replies.Pause(60)]), lambda came: b": x" in came),
}


@pytest.mark.parametrize("name", SILENCES)
def test_silence_ends_when_the_client_disconnects(name: str, server: FaultServer) -> None:
    reply, there = SILENCES[name]
    server.script(reply)
    with Wire(server) as wire:
        came = wire.send(stream=True).read_until(there)
        assert b'finish_reason": "' not in came
        assert wire.is_silent()
        assert server.open_connections == 1
    assert eventually(lambda: server.open_connections == 0, within=2)


@pytest.mark.parametrize("name", SILENCES)
def test_silence_ends_when_the_server_closes(name: str) -> None:
    reply, there = SILENCES[name]
    with FaultServer() as server:
        server.script(reply)
        with Wire(server) as wire:
            wire.send(stream=True).read_until(there)
            assert wire.is_silent(0.02)
            began = time.monotonic()
            server.close()
            assert time.monotonic() - began < 1
            rest, end = wire.read_to_the_end()
            assert (end, dechunked(rest)[1]) == ("end", False)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stalled_stream_sends_the_given_pieces_first(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.silence("stream", 3, shape=shape))
    with Wire(server) as wire:
        wire.send(shape, stream=True)
        came = wire.read_until(lambda came: b"word2" in came and came.endswith(b"\n\r\n"))
        assert wire.is_silent(0.05)
    content, ended = dechunked(split(came)[1])
    assert (READ_STREAM[shape](events_of(content, shape)), ended) == (Read("word0 word1 word2 "), False)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", b": keep-alive\n\n"),
        ("anthropic", b'event: ping\ndata: {"type": "ping"}\n\n'),
        ("gemini", b": keep-alive\r\n\r\n"),
        ("cohere", b": keep-alive\n\n"),
    ],
)
def test_only_keep_alives_are_sent_and_without_end(shape: ShapeName, expected: bytes, server: FaultServer) -> None:
    server.script(replies.comments(0.001, shape=shape))
    chunk = replies.http_chunk(expected)
    with Wire(server) as wire:
        came = wire.send(shape, stream=True).read_until(lambda came: came.count(chunk) > 20)
    pieces = split(came)[1].split(chunk)
    assert set(pieces[:-1]) == {b""}
    assert eventually(lambda: server.open_connections == 0)


def test_dripped_bytes_are_sent_one_at_a_time(server: FaultServer) -> None:
    content = b"HTTP/1.1 200 OK\r\n\r\n" + b"drop"
    server.script(replies.drip(content, every=0.01))
    with Wire(server) as wire:
        began = time.monotonic()
        wire.send()
        came = [wire.socket.recv(65536)]
        assert len(came[0]) == 1
        while piece := wire.socket.recv(65536):
            came.append(piece)
    assert b"".join(came) == content
    assert time.monotonic() - began >= 0.01 * len(content)
    assert len(came) > len(content) / 2
