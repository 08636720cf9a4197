"""
A provider on loopback whose answers and faults are scripted.

It speaks HTTP/1.1 over plain sockets, because it does what HTTP libraries do not allow: it interrupts answers,
announces wrong lengths, resets connections and sends single bytes.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from .script import Action, Pause, Received, Reply
from .shapes import AnyShape, resolved

_READ = 1 << 16


class FaultServer:
    """
    Answers on 127.0.0.1, on a free port, until closed.

    If `on` has set replies for the request's model, one of them is sent; else the next of `script`. The last reply is
    repeated. Without either the answer is "ok". All requests are in `received`.

    Args:
        shape: the protocol of all requests, a name or an object; None: the path of each decides.
        read_pause: seconds to wait after each 64 KiB of a request's body, to receive uploads slowly.
    """

    def __init__(self, *, shape: AnyShape = None, read_pause: float = 0.0) -> None:
        self.shape = resolved(shape)
        self.read_pause = read_pause
        self.received: list[Received] = []
        self._models: dict[str, deque[Reply]] = {}
        self._queue: deque[Reply] = deque()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        """How many connections have been accepted."""
        self._acceptor = self._start(self._accept)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The address to give to `base_urls=`."""
        return f"{self.origin}/v1"

    @property
    def models(self) -> list[str]:
        """The requested models, in order."""
        return [request.model for request in self.received]

    @property
    def open_connections(self) -> int:
        with self._lock:
            return len(self._connections)

    def script(self, *replies: Reply) -> Self:
        """Answer the next requests with these replies, and repeat the last one. A TypeError if one is no reply."""
        queue = _queue_of(replies)
        with self._lock:
            self._queue = queue
        return self

    def on(self, model: str, *replies: Reply) -> Self:
        """
        Answer requests for this model with these replies, and repeat the last one.

        Instead of a model, the end of a path can be given, such as `/models`. A TypeError if one is no reply.
        """
        queue = _queue_of(replies)
        with self._lock:
            self._models[model] = queue
        return self

    def close(self) -> None:
        """Stop listening, close all connections, and wait for the threads."""
        self._closed.set()
        _shut(self._listener)
        self._listener.close()
        self._acceptor.join(5)  # joined first: after it, no connection is added
        with self._lock:
            open_now = list(self._connections)
        for connection in open_now:
            _shut(connection)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- threads ---------------------------------------------------------------------------

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name="fault-server", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
                self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while (request := _read_request(reader, self._pause_reading)) is not None:
                    request = request._replace(read_by=self.shape)
                    with self._lock:
                        self.received.append(request)
                        reply = self._next_reply(request)
                    for action in reply(request):
                        if not self._act(connection, action):
                            return
        except OSError:
            pass  # the client is gone
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _next_reply(self, request: Received) -> Reply:
        from .replies import answer

        queue = self._models.get(request.model) or self._models.get(request.endpoint) or self._queue
        if not queue:
            return answer("ok")
        return queue.popleft() if len(queue) > 1 else queue[0]

    def _pause_reading(self) -> bool:
        """Wait for `read_pause`; return True if the server is closed meanwhile."""
        return self.read_pause > 0 and self._closed.wait(self.read_pause)

    def _act(self, connection: socket.socket, action: Action) -> bool:
        """Do one action; return False if it ends the connection."""
        if isinstance(action, bytes):
            connection.sendall(action)
            return True
        if isinstance(action, Pause):
            return self._pause(connection, action.seconds)
        if action.reset:  # closing with linger 0 sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        else:
            _shut(connection)
        return False

    def _pause(self, connection: socket.socket, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0:
            if self._closed.wait(min(remaining, 0.02)):
                return False
            connection.setblocking(False)
            try:
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    return False
            except BlockingIOError:
                pass
            finally:
                connection.setblocking(True)
        return True


def _queue_of(replies: tuple[Reply, ...]) -> deque[Reply]:
    for one in replies:
        if not callable(one):
            raise TypeError(
                f"a reply is made by `replies`, as replies.answer('hello') is, and not {one!r:.80};"
                " several are given as several arguments"
            )
    return deque(replies)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _read_request(reader: Any, pause: Callable[[], bool]) -> Received | None:
    """Return the next request; None if the client has closed the connection."""
    line = reader.readline(65536).decode("latin-1").split()
    if len(line) < 2:
        return None
    headers: dict[str, str] = {}
    while (header := reader.readline(65536).decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if "content-length" in headers:
        received = bytearray()
        while (remaining := int(headers["content-length"]) - len(received)) > 0:
            if not (piece := reader.read(min(remaining, _READ))) or (remaining > len(piece) and pause()):
                return None
            received += piece
        body = bytes(received)
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(reader.readline(65536), 16):
            body += reader.read(size)
            reader.readline()
        reader.readline()
    return Received(line[0], line[1], headers, body)
