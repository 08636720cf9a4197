"""The SQLite file that the processes of one machine share: what was spent, which routes rest, and the last calls."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_LOCKED_S = 5.0


class AdminFile:
    """
    A file with tables.

    Args:
        path: None for memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._memory: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        """Held while the one in memory is used."""

    @contextmanager
    def open(self, *tables: str) -> Iterator[sqlite3.Connection]:
        """
        Open it for one transaction.

        Args:
            tables: the statements that make the tables, if they are not there.

        Raises:
            OSError, sqlite3.Error: it cannot be used.
        """
        if self.path is None:
            with self._lock:
                with self._in_memory() as memory:
                    for table in tables:
                        memory.execute(table)
                    yield memory
            return
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(self.path, timeout=_LOCKED_S)) as connection, connection:
            for table in tables:
                connection.execute(table)
            yield connection

    def close(self) -> None:
        """Forget what is in memory. A thread that still wants to use it gets an error."""
        with self._lock:
            self._in_memory().close()

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(":memory:", check_same_thread=False)
        return self._memory
