"""A state in the memory of this process, which several clients may share."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from ...forks import reset_in_child
from ...types.time_limit import Clock
from ...value import Unpicklable
from ..shared_state import Answer, Command
from .books import Books
from .clock import uptime_ms
from .ledger import Used
from .table import MemoryTable


class MemoryState(Unpicklable):
    """
    Limits and health that live as long as this object. Threads may share it; a fork gives the child an empty one.

    Args:
        clock: None for the machine's.
    """

    is_local = True

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        self._lock, self._news = threading.Lock(), threading.Event()
        self._started_ms = 0 if self._clock is not None else time.time_ns() // 1_000_000 - uptime_ms()
        self._tables: list[MemoryTable[Any]] = []
        self._books = Books(self._new_table)
        self._interrupted = False
        """The handler of a signal has raised in the middle of a command."""

    def _new_table(self, name: str, record: type) -> MemoryTable[Any]:
        self._tables.append(table := MemoryTable[Any]())
        return table

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds; a change of the machine's clock does not matter."""
        return self._started_ms + (uptime_ms() if self._clock is None else int(self._clock.time() * 1000))

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        with self._lock:
            if self._interrupted:
                for table in self._tables:
                    table.mend()
                self._books.ledger.mend()
            self._interrupted = True
            now, cursor = self.now_ms(), self._books.notices.cursor
            answers = [self._books.execute(command, now) for command in commands]
            self._interrupted = False
            if self._books.notices.cursor != cursor:
                self._news.set()
        return answers

    def used(self, scope: str) -> dict[tuple[str, str], Used]:
        """Return what is used of the limits of a scope, by unit and window."""
        with self._lock:
            return self._books.ledger.used(scope, self.now_ms())

    def wait(self, seconds: float) -> None:
        if self._news.wait(seconds):
            self._news.clear()

    def close(self) -> None:
        self._news.set()
