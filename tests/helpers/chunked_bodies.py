"""A server that sends bodies in HTTP chunks piece by piece, and `Client`'s transport, which reads them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.http import HTTPRequest
from g4f_lite.types.time_limit import TimeLimit
from g4f_lite.types.timeouts import Timeouts

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@contextmanager
def serving(*pieces: bytes, times: int = 1) -> Iterator[str]:
    """Answer each request on one connection with these pieces, then close it."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(times):
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(0.002)  # so that each piece is usually read by itself; no test depends on it

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def read(transport: HTTPTransport, url: str) -> Iterable[bytes]:
    limit = TimeLimit(time, Timeouts(), time.monotonic() + 10, stream=True)
    with transport.open(HTTPRequest(url=url), limit) as stream:
        while piece := stream.read():
            yield piece
