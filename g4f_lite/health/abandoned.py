"""
The streams of this process that their callers have neither read to the end nor closed.

Rule: a finalizer only puts them here, because it may run at any moment, even while its thread holds a lock. They are
closed by whoever makes a call, waits in line for what a stream may hold of a limit, or looks at a shared state.
"""

from __future__ import annotations

import os
from queue import Empty, SimpleQueue
from typing import Protocol


class Closable(Protocol):
    def close(self) -> None:
        """End its attempt and its call, if they have not ended."""


streams = SimpleQueue[Closable]()
"""Those of this process: a forked child has another queue, and each stream refers to that of its own process."""


def close_all() -> None:
    """Close those that are there."""
    while not streams.empty():
        try:
            stream = streams.get_nowait()
        except Empty:  # another thread was faster
            return
        try:
            stream.close()
        except BaseException:  # a signal: the next one goes on with it
            streams.put(stream)
            raise


def _after_fork() -> None:
    global streams
    streams = SimpleQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
