"""The records of `FaultServer` about the requests that it receives."""

from __future__ import annotations

import json
import time

import pytest
import requests

from g4f_lite.testing import FaultServer, Received
from g4f_lite.testing.shapes import ShapeName


def test_every_request_is_recorded(server: FaultServer) -> None:
    body = json.dumps({"model": "m-2", "stream": False, "messages": ["héllo"]}).encode()
    requests.post(f"{server.base_url}/chat/completions?a=b", data=body, headers={"X-Key": "k:1 "}, timeout=5)
    (received,) = server.received
    assert (received.method, received.path) == ("POST", "/v1/chat/completions?a=b")
    assert (received.headers["x-key"], received.headers["host"]) == ("k:1", f"127.0.0.1:{server.port}")
    assert (received.body, received.json["messages"]) == (body, ["héllo"])
    assert (received.model, received.stream, server.models) == ("m-2", False, ["m-2"])


def test_a_chunked_request_is_read_to_its_end(server: FaultServer) -> None:
    with requests.Session() as session:
        for model in ("m-3", "m-4"):
            parts = iter([b'{"model": ', f'"{model}", '.encode(), b'"stream": true}'])
            session.post(server.base_url, data=parts, timeout=5)
    assert [(received.model, received.stream) for received in server.received] == [("m-3", True), ("m-4", True)]
    assert server.connections == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"{}"])
def test_a_body_that_names_no_model_is_accepted(body: bytes, server: FaultServer) -> None:
    assert requests.post(f"{server.origin}/", data=body, timeout=5).status_code == 200
    assert (server.received[0].model, server.received[0].stream, server.received[0].body) == ("", False, body)


@pytest.mark.parametrize(
    ("path", "shape", "model", "stream"),
    [
        ("/v1/chat/completions", "openai", "body-model", True),
        ("/", "openai", "body-model", True),
        ("/v1/messages", "anthropic", "body-model", True),
        ("/anthropic/v1/messages?beta=true", "anthropic", "body-model", True),
        ("/v1/messages/batches", "openai", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini", "gemini-2.5-pro", False),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini", "gemini-2.5-pro", True),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini", "gemini-2.5-pro", True),
        ("/v1/publishers/google/models/a%2Fb:generateContent?x=y", "gemini", "a/b", False),
        ("/v2/chat", "cohere", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:countTokens", "openai", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:generateContents", "openai", "body-model", True),
    ],
)
def test_shape_model_and_stream_are_found_where_each_service_has_them(
    path: str, shape: ShapeName, model: str, stream: bool
) -> None:
    received = Received("POST", path, {}, b'{"model": "body-model", "stream": true}')
    assert (received.shape, received.model, received.stream) == (shape, model, stream)


def test_a_form_is_read_as_it_was_sent(server: FaultServer) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n--x\r\n"
    files = {"file": ("a.wav", content), "model": (None, "ears"), "kinds[]": (None, "word")}
    requests.post(f"{server.origin}/v1/audio/transcriptions", files=files, timeout=5)
    (request,) = server.received
    assert request.form == {"file": [content], "model": [b"ears"], "kinds[]": [b"word"]}
    assert (request.model, request.filename, request.endpoint) == ("ears", "a.wav", "/audio/transcriptions")


def test_a_slow_receiver_pauses_after_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(read_pause=0.02) as slow:
        begun = time.monotonic()
        requests.post(f"{slow.origin}/v1/audio/transcriptions", data=b"x" * (1 << 20), timeout=5)
        assert time.monotonic() - begun >= 15 * 0.02
        assert len(slow.received[0].body) == 1 << 20
