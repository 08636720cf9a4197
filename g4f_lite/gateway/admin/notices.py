"""
Which routes were put to rest, or woken, by hand: told to the other processes of the machine, also to those to come.

Rule: whoever decides applies it at once; the others hear of it within a second.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from uuid import uuid4

from .file import AdminFile

_TABLE = """
CREATE TABLE IF NOT EXISTS notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT, teller TEXT NOT NULL, route TEXT NOT NULL, until REAL NOT NULL,
    forgotten_at REAL NOT NULL
)"""
_KEPT_S = 60.0


class Notice(NamedTuple):
    """Until when a route rests, as Unix time; 0 for one that was woken."""

    route: str
    until: float


class Notices:
    """The notices of the processes that share a file. Raises (from all methods): as `AdminFile.open`."""

    def __init__(self, file: AdminFile) -> None:
        self._file = file
        self._own = uuid4().hex
        self._heard = 0

    def tell(self, notice: Notice) -> None:
        """Let the others know."""
        now = time.time()
        with self._file.open(_TABLE) as table:
            table.execute("DELETE FROM notices WHERE forgotten_at < ?", (now,))
            if not notice.until:  # a rest is kept for longer, and who comes later is not to hear of it alone
                table.execute("DELETE FROM notices WHERE route = ?", (notice.route,))
            table.execute(
                "INSERT INTO notices (teller, route, until, forgotten_at) VALUES (?, ?, ?, ?)",
                (self._own, notice.route, notice.until, max(notice.until, now + _KEPT_S)),
            )

    def heard(self) -> list[Notice]:
        """Return what others have told since the last time, in order; the first time, all that still holds."""
        with self._file.open(_TABLE) as table:
            rows = table.execute(
                "SELECT number, teller, route, until FROM notices WHERE number > ? ORDER BY number", (self._heard,)
            ).fetchall()
        self._heard = rows[-1][0] if rows else self._heard
        return [Notice(route, until) for _, teller, route, until in rows if teller != self._own]
