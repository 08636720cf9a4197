"""Replies of `FaultServer` that violate their protocol or their headers."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib

import pytest
import requests
from helpers.raw_client import SHAPES, Wire, ask, dechunked, split
from helpers.shape_reading import READ, read_openai

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.shapes import ShapeName


@pytest.mark.parametrize("shape", SHAPES)
def test_a_compressed_answer_is_what_its_header_says(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.gzipped("It is", shape=shape), replies.gzipped(broken=True, shape=shape))
    reply = ask(server, shape)
    assert reply.headers["content-encoding"] == "gzip"
    assert READ[shape](json.loads(gzip.decompress(reply.body))).text == "It is"
    broken = ask(server, shape)
    assert broken.headers["content-encoding"] == "gzip"
    with pytest.raises((zlib.error, gzip.BadGzipFile)):
        gzip.decompress(broken.body)


def test_the_requests_library_meets_the_same_faults(server: FaultServer) -> None:
    server.script(replies.gzipped("hi"), replies.gzipped(broken=True), replies.reset(), replies.cut(), replies.cut())
    broken = requests.exceptions.ContentDecodingError
    gone = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
    with requests.Session() as session:
        assert read_openai(session.post(server.base_url, json={}, timeout=5).json()).text == "hi"
        for stream, error in ((False, broken), (False, gone), (False, gone), (True, gone)):
            with pytest.raises(error):
                session.post(server.base_url, json={"stream": stream}, timeout=5)


def test_garbage_is_not_http(server: FaultServer) -> None:
    server.script(replies.garbage())
    with pytest.raises(http.client.BadStatusLine):
        ask(server)


def test_a_web_page_comes_with_its_status_and_type(server: FaultServer) -> None:
    server.script(replies.html(), replies.html(503))
    page = ask(server)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert ask(server).status == 503


def test_a_redirect_points_elsewhere(server: FaultServer) -> None:
    server.script(replies.redirect("http://elsewhere.invalid/"), replies.redirect("/v2", 302))
    first, second = ask(server), ask(server)
    assert (first.status, first.headers["location"], first.body) == (307, "http://elsewhere.invalid/", b"")
    assert (second.status, second.headers["location"]) == (302, "/v2")


def test_any_body_with_any_status_and_headers(server: FaultServer) -> None:
    server.script(replies.body(b"\x00", 418, content_type="text/plain", x_ratelimit_reset="1s"))
    reply = ask(server)
    assert (reply.status, reply.body) == (418, b"\x00")
    assert (reply.headers["content-type"], reply.headers["x-ratelimit-reset"]) == ("text/plain", "1s")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", b'raw data: {"type": "ping"}\n\ndata: text\n\n'),
        ("anthropic", b'raw event: ping\ndata: {"type": "ping"}\n\ndata: text\n\n'),
        ("gemini", b'raw data: {"type": "ping"}\r\n\r\ndata: text\r\n\r\n'),
        ("cohere", b'raw event: ping\ndata: {"type": "ping"}\n\ndata: text\n\n'),
    ],
)
def test_any_stream_has_the_framing_of_its_shape(shape: ShapeName, expected: bytes, server: FaultServer) -> None:
    parts = [b"raw ", {"type": "ping"}, replies.Pause(0.001), "text"]
    server.script(replies.stream(parts, shape=shape, headers={"x-quota": "1"}), replies.stream(parts, end=False))
    reply = ask(server, shape, stream=True)
    assert (reply.body, reply.headers["x-quota"]) == (expected, "1")
    with Wire(server) as wire:
        came = wire.send(shape, stream=True).read_until(lambda came: b"data: text" in came and came.endswith(b"\n\r\n"))
        assert dechunked(split(came)[1]) == (expected, False)
        assert wire.is_silent(0.05)


def test_a_stream_can_close_or_reset_anywhere(server: FaultServer) -> None:
    server.script(
        replies.stream(["a", replies.Close()]), replies.stream(["a", replies.Pause(0.01), replies.Close(reset=True)])
    )
    for expected in ("end", "reset"):
        with Wire(server) as wire:
            came, end = wire.send(stream=True).read_to_the_end()
            assert (dechunked(split(came)[1]), end) == ((b"data: a\n\n", False), expected)


def test_raw_actions_are_performed_unchanged(server: FaultServer) -> None:
    sent = replies.head(204, {"x-a": "b"})
    server.script(replies.raw(sent[:10], replies.Pause(0.01), sent[10:]), replies.raw(replies.Close()))
    with Wire(server) as wire:
        assert wire.send().read_until(lambda came: len(came) == len(sent)) == sent
        assert wire.send().read_to_the_end() == (b"", "end")
    assert sent == b"HTTP/1.1 204 Scripted\r\nx-a: b\r\n\r\n"
