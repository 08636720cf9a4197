"""What is no HTTP gets an error of OpenAI's shape, as every other request, and nothing of it is quoted."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from importlib.util import find_spec
from itertools import count

import pytest
import requests
from helpers.gateways import KEY, key_table, running, tables

from g4f_lite.testing import FaultServer

BEGIN = b"POST /v1/chat/completions HTTP/1.1\r\nHost: here\r\n"
SECRET = KEY.encode()


@pytest.mark.parametrize(
    "sent",
    [
        b"hello " + SECRET + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SECRET + b"\r\n\r\n",  # TLS
        b"GET /v1/models HTTP/9.9\r\n\r\n",
        b"GET /v1/models " + SECRET + b"/1.1\r\n\r\n",
        b"G@T /v1/models HTTP/1.1\r\nHost: here\r\n\r\n",
        BEGIN + b"no colon " + SECRET + b"\r\n\r\n",
        BEGIN + b"Authorization : Bearer " + SECRET + b"\r\n\r\n",
        BEGIN + b"Content-Length: many\r\n\r\n",
        BEGIN + b"Content-Length: -1\r\n\r\n",
        BEGIN + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        BEGIN + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        BEGIN + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        BEGIN + b"Authorization: Bearer " + SECRET + b"\0\r\n\r\n",
    ],
    ids=map(str, count(1)),
)
def test_what_is_no_http_gets_an_error_object(sent: bytes, groq: FaultServer) -> None:
    with running(tables(groq, keys=key_table())) as gateway:
        with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=30) as connection:
            connection.sendall(sent)
            answer = HTTPResponse(connection)
            answer.begin()
            body = answer.read()
            assert connection.recv(1) == b""  # it is closed: nobody knows where the next request begins
        assert requests.get(f"{gateway.url}/health/live", timeout=30).status_code == 200
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/json")
    error = json.loads(body)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "malformed_http")
    assert answer.headers["x-request-id"].startswith("g4f-") and answer.headers["x-should-retry"] == "false"
    assert SECRET not in body + str(answer.headers).encode()
    assert groq.received == []


@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param(
            b"Content-Encoding: br", "send the body as gzip or deflate, or as it is",
            marks=pytest.mark.skipif(
                any(map(find_spec, ("brotli", "brotlicffi"))), reason="aiohttp can unpack it with this package"
            ),
        ),
        (b"X-Long: " + b"a" * 20_000, "has more than 8190 bytes"),
    ],
    ids=["packed", "long"],
)  # fmt: skip
def test_what_can_be_mended_is_said(head: bytes, said: str, groq: FaultServer) -> None:
    with running(tables(groq, keys=key_table())) as gateway:
        with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=30) as connection:
            connection.sendall(BEGIN + head + b"\r\nContent-Length: 2\r\n\r\n{}")
            answer = HTTPResponse(connection)
            answer.begin()
            error = json.loads(answer.read())["error"]
    assert (answer.status, error["code"]) == (400, "malformed_http") and said in error["message"]
