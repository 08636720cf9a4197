"""The SQLite file that the processes of one machine share: what was spent, and which routes rest."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
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

    @contextmanager
    def open(self, table: str) -> Iterator[sqlite3.Connection]:
        """
        Open it for one transaction.

        Args:
            table: the statement that makes the table, if it is not there.

        Raises:
            OSError, sqlite3.Error: it cannot be used.
        """
        if self.path is None:
            if self._memory is None:
                self._memory = sqlite3.connect(":memory:", check_same_thread=False)
            connection = self._memory
        else:
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = sqlite3.connect(self.path, timeout=_LOCKED_S)
        try:
            with connection:
                connection.execute(table)
                yield connection
        finally:
            if connection is not self._memory:
                connection.close()
