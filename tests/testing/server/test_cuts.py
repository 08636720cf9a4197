"""Answers of `FaultServer` that end before they are complete."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from helpers.raw_client import SHAPES, Wire, ask, body_of, dechunked, path_of, split
from helpers.shape_reading import READ, READ_STREAM, Read, events_of

from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import answer
from g4f_lite.testing.shapes import ShapeName


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", ["end", "close", "reset"])
@pytest.mark.parametrize("after", [0, 3])
def test_a_stream_is_interrupted_after_the_given_number_of_pieces(
    after: int, how: Any, shape: ShapeName, server: FaultServer
) -> None:
    server.script(replies.cut(after, how=how, shape=shape), answer("next"))
    with Wire(server) as wire:
        wire.send(shape, stream=True)
        if how == "end":
            came, end = wire.read_until(lambda came: came.endswith(replies.END)), "kept"
            wire.send(shape)
            assert b"next" in wire.read_until(lambda came: b"next" in came)
        else:
            came, end = wire.read_to_the_end()
    head, body = split(came)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream" in head
    content, ended = dechunked(body)
    assert (end, ended) == {"end": ("kept", True), "close": ("end", False), "reset": ("reset", False)}[how]
    assert READ_STREAM[shape](events_of(content, shape)) == Read("".join(f"word{n} " for n in range(after)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("how", "end"), [("close", "end"), ("end", "end"), ("reset", "reset")])
def test_a_complete_answer_is_interrupted_in_its_middle(
    how: Any, end: str, shape: ShapeName, server: FaultServer
) -> None:
    server.script(replies.cut(how=how, shape=shape))
    with Wire(server) as wire:
        came, ended = wire.send(shape).read_to_the_end()
    assert ended == end
    head, body = split(came)
    request = Received("POST", path_of(shape), {}, body_of(shape))
    content = json.dumps(replies.completion(request, "never whole", shape=shape)).encode()
    assert f"content-length: {len(content)}".encode() in head
    assert body == content[: len(content) // 2]


@pytest.mark.parametrize(
    ("when", "last"),
    [("before", b""), ("headers", b"HTTP/1.1 200 OK\r\ncontent-"), ("body", b'length: 1000\r\n\r\n{"id": "x')],
)
def test_a_reset_comes_at_the_given_moment(when: Any, last: bytes, server: FaultServer) -> None:
    server.script(replies.reset(when))
    with Wire(server) as wire:
        came, end = wire.send().read_to_the_end()
    assert (came[-len(last) :] if last else came, end) == (last, "reset")


@pytest.mark.parametrize("shape", SHAPES)
def test_fewer_bytes_are_sent_than_announced(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.wrong_length(40, shape=shape))
    with Wire(server) as wire:
        came, end = wire.send(shape).read_to_the_end()
    head, body = split(came)
    assert READ[shape](json.loads(body)).text == "ok"
    assert (f"content-length: {len(body) + 40}".encode() in head, end) == (True, "end")
    with pytest.raises(http.client.IncompleteRead, match="40 more expected"):
        ask(server, shape)
