"""
The streams of this process that their callers have neither read to the end nor closed.

Rule: a finalizer only puts them here, because it may run at any moment, even while its thread holds a lock. They are
closed by whoever makes a call, waits in line for what a stream may hold of a limit, or looks at a shared state.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Protocol

from ..forks import reset_in_child


class Closable(Protocol):
    def close(self) -> None:
        """End its attempt and its call, if they have not ended."""


class _Streams:
    def __init__(self) -> None:
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        """Streams of before a fork are the parent's to close; each refers to the queue of its own process."""
        self.queue = SimpleQueue[Closable]()

    def close_all(self) -> None:
        """Close those that are there."""
        while not self.queue.empty():
            try:
                stream = self.queue.get_nowait()
            except Empty:  # another thread was faster
                return
            try:
                stream.close()
            except BaseException:  # a signal: the next one goes on with it
                self.queue.put(stream)
                raise


abandoned_streams = _Streams()
