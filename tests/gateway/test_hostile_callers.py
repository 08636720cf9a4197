"""Callers that send what is no HTTP, no body, or a body that no library sends."""

from __future__ import annotations

import json
import logging
import socket
from http.client import HTTPResponse
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables

from g4f_lite.gateway.keys import ANYBODY
from g4f_lite.gateway.models import Names
from g4f_lite.gateway.settings import Model
from g4f_lite.testing import FaultServer

CHAT, UPLOAD = "/v1/chat/completions", "/v1/audio/transcriptions"
FORM = "Content-Type: multipart/form-data; boundary=a"


def sent(gateway: Running, path: str, *headers: str, body: bytes = b"", end: str = "\r\n") -> tuple[int, bytes]:
    """Send this and nothing more. Return the status and the rest of the answer."""
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {KEY}", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(end.join(lines).encode() + body)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, str(answer.headers).encode() + answer.read()


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        (CHAT, ["Content-Length: 100"], b'{"a'),
        (CHAT, ["Transfer-Encoding: chunked"], b"3\r\nabc\r\n"),
        (UPLOAD, [FORM, "Content-Length: 100"], b"--a\r\n"),
        ("/v1/messages", ["Content-Length: 100"], b""),
    ],
)
def test_a_body_that_stops_to_come_is_refused(path: str, headers: list[str], body: bytes, groq: FaultServer) -> None:
    with running(tables(groq, server={"client_stall": 0.2}, keys=key_table())) as gateway:
        status, answer = sent(gateway, path, *headers, body=body)
        assert (status, gateway.under_way) == (408, 0)
    assert b"x-should-retry: true" in answer


@pytest.mark.parametrize("path", [CHAT, UPLOAD])
def test_a_body_that_is_announced_as_too_large_is_not_waited_for(path: str, groq: FaultServer) -> None:
    with running(tables(groq, keys=key_table())) as gateway:
        status, answer = sent(gateway, path, FORM, "Expect: 100-continue", "Content-Length: 99999999999")
    assert (status, b"request_too_large" in answer) == (413, True)


@pytest.mark.parametrize(("path", "headers"), [(CHAT, []), (UPLOAD, [FORM]), ("/v1/messages", [])])
def test_a_body_that_cannot_be_unpacked_is_the_fault_of_its_caller(
    path: str, headers: list[str], groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tables(groq, keys=key_table())) as gateway:
        status, answer = sent(gateway, path, *headers, "Content-Encoding: gzip", "Content-Length: 3", body=b"abc")
    assert (status, b"invalid_request_error" in answer) == (400, True)
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_what_is_no_http_is_refused_and_its_key_is_not_logged(
    groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with running(tables(groq, keys=key_table())) as gateway:
        assert sent(gateway, CHAT, "Content-Length: 2", body=b"{}", end="\n")[0] == 400
        assert requests.get(f"{gateway.url}/health/live", timeout=30).status_code == 200
    assert "has sent is no HTTP: BadStatusLine" in caplog.text  # aiohttp from 3.12 tells from where
    assert KEY not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"g4f_lite": {"deadline": "soon"}}, 400),
        ({"g4f_lite": {"deadline": [1]}}, 400),
        ({"g4f_lite": {"deadline": True}}, 400),
        ({"g4f_lite": {"deadline": float("nan")}}, 400),
        ({"messages": [{"role": "user", "content": [1, None, []]}]}, 400),
        ({"model": "x" * 257}, 404),
        ({"model": ["x" * 10_000]}, 400),
    ],
)
def test_a_field_that_no_library_sends_is_the_fault_of_its_caller(
    more: dict[str, Any], status: int, groq: FaultServer
) -> None:
    body = json.dumps({"messages": MESSAGES, **more})
    with running(tables(groq, keys=key_table(tpm=100_000))) as gateway:
        answer = requests.post(
            f"{gateway.url}{CHAT}", data=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=30
        )
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "invalid_request_error")
    assert len(answer.content) < 500
    assert groq.received == []


def test_a_star_that_a_caller_sends_stands_for_itself() -> None:
    names = Names({"*-at-*": Model(routes=["groq:*-*"])}, list)
    target = names.target("a*b-at-c", ANYBODY)
    assert target is not None and target.routes == ("groq:a*b-c",)
