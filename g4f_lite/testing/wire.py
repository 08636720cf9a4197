"""The bytes of HTTP/1.1 and of the events of streams, as pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping

END = b"0\r\n\r\n"
"""The end of a chunked body."""


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers."""
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def http_chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def sse(data: object, event: str | None = None, *, newline: str = "\n") -> bytes:
    """Return one server-sent event; a string is sent as it is."""
    text = data if isinstance(data, str) else json.dumps(data)
    lines = [f"event: {event}"] if event else []
    return newline.join([*lines, f"data: {text}", "", ""]).encode()


def json_line(data: object) -> bytes:
    """Return one line of a stream of JSON lines; a string is sent as it is."""
    return (data if isinstance(data, str) else json.dumps(data)).encode() + b"\n"
