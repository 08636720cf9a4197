"""A whole answer that is sent at once is what aiohttp would send, and a connection ends or stays as the caller asks."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from helpers.gateways import MESSAGES, Running, running, tables

from g4f_lite.testing import FaultServer, replies

SMALL, LARGE = "Sunday", "Sunday " * 10_000


@pytest.fixture
def gateway(groq: FaultServer) -> Iterator[Running]:
    with running(tables(groq)) as found:
        yield found


def connected(gateway: Running) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def request(version: str = "1.1", *lines: str) -> bytes:
    body = json.dumps({"model": "groq:one", "messages": MESSAGES})
    head = [
        f"POST /v1/chat/completions HTTP/{version}",
        "Host: gateway",
        f"Content-Length: {len(body)}",
        *lines,
        "",
        "",
    ]
    return ("\r\n".join(head) + body).encode()


def answers(there: socket.socket, count: int = 1) -> list[tuple[str, dict[str, str], str]]:
    """Return status line, headers and text of the next answers."""
    found = []
    with there.makefile("rb") as file:
        for _ in range(count):
            status, headers = file.readline().decode().rstrip(), {}
            while line := file.readline().decode().rstrip():
                name, _, value = line.partition(": ")
                assert name.lower() not in headers
                headers[name.lower()] = value
            body = json.loads(file.read(int(headers["content-length"])))
            found.append((status, headers, body["choices"][0]["message"]["content"]))
    return found


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("version", "lines", "connection"),
    [
        ("1.1", [], None),
        ("1.1", ["Connection: close"], "close"),
        ("1.0", [], None),
        ("1.0", ["Connection: keep-alive"], "keep-alive"),
    ],
)
def test_it_has_all_headers_and_the_connection_stays_as_the_caller_asks(
    groq: FaultServer, gateway: Running, version: str, lines: list[str], connection: str | None, text: str
) -> None:
    groq.script(*[replies.answer(text)] * 2)
    stays = connection == "keep-alive" or (version == "1.1" and connection is None)
    with connected(gateway) as there:
        for _ in range(1 + stays):
            there.sendall(request(version, *lines))
            ((status, headers, said),) = answers(there)
            assert said == text
            assert status == f"HTTP/{version} 200 OK"
            assert headers.get("connection") == connection
            assert headers["content-type"] == "application/json"
            assert {"date", "server", "x-request-id", "x-g4f-route", "x-g4f-attempts"} <= headers.keys()
        if not stays:
            assert there.recv(1) == b""


def test_requests_that_come_together_are_answered_in_their_order(groq: FaultServer, gateway: Running) -> None:
    said = [SMALL, LARGE, "Monday", "Tuesday"]
    groq.script(*map(replies.answer, said))
    with connected(gateway) as there:
        there.sendall(request() * len(said))
        assert [text for _, _, text in answers(there, len(said))] == said


def test_the_last_answer_of_a_gateway_that_stops_ends_the_connection(groq: FaultServer, gateway: Running) -> None:
    groq.script(replies.answer(SMALL))
    with connected(gateway) as there:
        gateway.gateway.answering.leaving = True
        there.sendall(request())
        ((_, headers, _),) = answers(there)
        assert headers["connection"] == "close"
        assert there.recv(1) == b""
    gateway.gateway.answering.leaving = False
