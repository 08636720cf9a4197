"""Requests to a FaultServer over a bare socket or `http.client`, so that a test sees every byte."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from g4f_lite.testing import FaultServer
from g4f_lite.testing.shapes import ShapeName

SHAPES: tuple[ShapeName, ...] = ("openai", "anthropic", "gemini", "cohere")
JSON = {"content-type": "application/json"}


def path_of(shape: ShapeName, stream: bool = False, model: str = "m-1") -> str:
    if shape == "gemini":
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
    return {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "cohere": "/v2/chat"}[shape]


def body_of(shape: ShapeName, stream: bool = False, model: str = "m-1") -> bytes:
    return json.dumps({} if shape == "gemini" else {"model": model, "stream": stream}).encode()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: FaultServer, shape: ShapeName = "openai", stream: bool = False, model: str = "m-1") -> Answer:
    """Send a request like the plugin of a service, and wait for the complete reply."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("POST", path_of(shape, stream, model), body_of(shape, stream, model), JSON)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


class Wire:
    """A client that sees every byte, and how the connection ends."""

    def __init__(self, server: FaultServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=5)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def send(self, shape: ShapeName = "openai", stream: bool = False) -> Wire:
        body = body_of(shape, stream)
        head = f"POST {path_of(shape, stream)} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        return self

    def read_until(self, there: Callable[[bytes], bool]) -> bytes:
        came = b""
        while not there(came):
            piece = self.socket.recv(65536)
            assert piece, came
            came += piece
        return came

    def read_to_the_end(self) -> tuple[bytes, str]:
        """Return all bytes, and how it ended: "end" or "reset"."""
        came = b""
        try:
            while piece := self.socket.recv(65536):
                came += piece
        except ConnectionResetError:
            return came, "reset"
        return came, "end"

    def is_silent(self, seconds: float = 0.1) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5)


def split(came: bytes) -> tuple[bytes, bytes]:
    """Return head and body of a reply."""
    head, _, body = came.partition(b"\r\n\r\n")
    return head, body


def dechunked(body: bytes) -> tuple[bytes, bool]:
    """Return the content of the chunks, and whether their end arrived."""
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert rest == b"\r\n"
            return content, True
        content += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return content, False
