"""The idle connections of a pool of `Client`."""

from __future__ import annotations

import queue
from collections import deque
from typing import Any


class IdleConnections:
    """
    In place of urllib3's `queue.LifoQueue`, which a Ctrl-C can leave locked for ever: it may come when its lock, of a
    class written in Python, has been taken and `with` does not know it yet. Nothing here waits, so no lock is needed.

    After a Ctrl-C in the middle of it, a connection may be put back a second time. urllib3's placeholders are left out.
    """

    def __init__(self, maxsize: int) -> None:
        self._most = maxsize
        self.queue: deque[Any] = deque()

    def put(self, connection: Any, block: bool = False) -> None:
        if connection is None or connection in self.queue:
            return
        if len(self.queue) >= self._most:
            raise queue.Full
        self.queue.append(connection)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        try:
            return self.queue.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self.queue)
