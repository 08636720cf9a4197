"""Callers who hang up, at every step of a call: nothing is left behind, here or at the service."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Pause, Received

UNHEARD = ("before the head", "in the head", "in the body")
"""Steps at which no service has been asked yet."""
STEPS = (*UNHEARD, "while the service is silent", "before content", "after content", "between attempts")
"""The last one leaves the route with a wait of 20 s."""
WAYS = [("/v1/chat/completions", False), ("/v1/chat/completions", True), ("/v1/messages", True)]


def request(path: str, stream: bool) -> bytes:
    body = json.dumps({"messages": MESSAGES, "stream": stream, "model": "auto", "max_tokens": 99}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nx-api-key: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Service:
    """Answers as far as a step says, and then not any more."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.said = threading.Event()

    def __call__(self, received: Received) -> Iterator[Action]:
        if self.step == "between attempts":
            yield from replies.error(429, "later", retry_after="20")(received)
        elif self.step in ("before content", "after content"):
            parts = [part for part in replies.answer("one two three")(received) if isinstance(part, bytes)]
            whole = b"".join(parts)
            head = whole.index(b"\r\n\r\n") + 4
            yield whole[:-200] if self.step == "after content" else whole[: head + 5]
        self.said.set()
        if self.step != "between attempts":
            yield Pause(60.0)


def hang_up(gateway: Running, service: Service, asked: bytes) -> None:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 20) as caller:
        if service.step in UNHEARD:
            end = asked.index(b"\r\n\r\n") + 4
            caller.sendall(
                asked[: {"before the head": 0, "in the head": end - 9, "in the body": end + 9}[service.step]]
            )
            if service.step == "in the body":
                assert eventually(lambda: gateway.under_way == 1, 30)
            return
        caller.sendall(asked)
        assert service.said.wait(20)
        if service.step == "after content":
            received = b""
            while b"data: " not in received:
                received += caller.recv(1 << 16)
        assert eventually(lambda: gateway.under_way == 1, 30)


@pytest.mark.parametrize(("path", "stream"), WAYS)
def test_a_caller_who_leaves_leaves_nothing_behind(path: str, stream: bool, groq: FaultServer) -> None:
    keys: dict[str, Any] = key_table(parallel=1)  # the next one finds no place if anything is left
    client = {"routes": ["groq:one"], "patience": 60.0}
    with running(tables(groq, client=client, keys=keys)) as gateway:
        for step in STEPS:
            if step == "after content" and not stream:
                continue
            groq.script(service := Service(step))
            asked, expected = len(groq.received), 0 if step in UNHEARD else 1
            hang_up(gateway, service, request(path, stream))
            assert eventually(lambda: gateway.under_way == 0, 30), step
            if step != "between attempts":  # that request has ended well
                assert eventually(lambda: groq.open_connections == 0, 30), step
            assert len(groq.received) == asked + expected, step
