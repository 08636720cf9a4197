"""The server: the first part of a request's path names the case whose answer is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote

from .cases import Case


class Server:
    """Answers each connection once, from a thread of its own."""

    def __init__(self, cases: Mapping[str, Case], limit: int) -> None:
        self._cases = cases
        self._limit = limit
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, case: str) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/{quote(case, safe='')}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=self._listener.accept()[:1], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as reader:
            path = reader.readline().split(b" ")[1].decode()
            length = 0
            while (line := reader.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            reader.read(length)
            for piece in self._cases[unquote(path.split("/")[1])].send(self._limit):
                connection.sendall(piece)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._listener.close()
