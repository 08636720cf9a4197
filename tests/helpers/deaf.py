"""A service that accepts a connection and does not read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def deaf() -> Iterator[tuple[str, Callable[[], int]]]:
    """Accept a connection and read nothing, until asked how many bytes come in all."""
    received: list[int] = []
    listen = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            assert listen.wait(30)
            connection.settimeout(10)
            total = 0
            try:
                while piece := connection.recv(1 << 16):
                    total += len(piece)
            except ConnectionResetError:
                pass
            received.append(total)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def all_that_comes() -> int:
            listen.set()
            thread.join(30)
            return received[0]

        yield f"http://127.0.0.1:{listener.getsockname()[1]}", all_that_comes
