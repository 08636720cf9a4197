"""
What was spent, by day, key, team and model, as the processes of one machine have counted it.

Rule: a call adds to a table in memory; a thread adds that to the file. What a key may still spend is in `quotas`, not
here: this tells where money went.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Mapping
from typing import TypeAlias

from ...transport.async_threads import off_loop
from ...types.declared_limits import NANO
from ...value import JSONObject
from ..records import Record
from .file import AdminFile

log = logging.getLogger("g4f_lite.gateway")

BY = ("key", "team", "model", "day")
_DAY_S = 86_400
_KEPT_DAYS = 400
_NUMBERS = ("calls", "failed", "prompt_tokens", "completion_tokens", "nano_usd", "unpriced")
_TABLE = f"""
CREATE TABLE IF NOT EXISTS spend (
    day INTEGER NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL, model TEXT NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in _NUMBERS)}, PRIMARY KEY (day, key, team, model)
)"""
_ADD = (
    f"INSERT INTO spend VALUES ({', '.join('?' * (4 + len(_NUMBERS)))}) ON CONFLICT DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _NUMBERS)
)
_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in _NUMBERS)

_Row: TypeAlias = tuple[int, str, str, str]
"""Day (since 1970, UTC), key, team, model."""


class Spend:
    """
    Args:
        file: that other processes add to as well.
    """

    def __init__(self, file: AdminFile) -> None:
        self._file = file
        self._pending: dict[_Row, list[int]] = {}
        self._writing = asyncio.Lock()
        self._has_failed = False

    def add(self, record: Record) -> None:
        """Count a call that has ended."""
        trail = record.trail
        if trail is None or not (attempts := trail.attempts):
            return
        last = attempts[-1]
        row = (int(record.began // _DAY_S), record.key, record.team or "", last.known_route)
        if (numbers := self._pending.get(row)) is None:
            numbers = self._pending[row] = [0] * len(_NUMBERS)
        numbers[0] += 1
        if trail.outcome not in ("ok", "closed"):
            numbers[1] += 1
        for one in attempts:
            if (usage := one.usage) is not None:
                numbers[2] += getattr(usage, "prompt_tokens", None) or 0
                numbers[3] += getattr(usage, "completion_tokens", None) or 0
        if record.cost is not None:
            numbers[4] += round(record.cost * NANO)
        elif trail.outcome == "ok" and last.key is not None:  # without a key, nobody bills it
            numbers[5] += 1

    async def flush(self) -> None:
        """Write what was counted since the last time. What cannot be written is kept, and the log says why."""
        async with self._writing:
            pending, self._pending = self._pending, {}
            if not pending:
                return
            try:
                await off_loop(self._write, pending)
                self._has_failed = False
            except (OSError, sqlite3.Error) as error:
                for row, numbers in pending.items():
                    others = self._pending.setdefault(row, [0] * len(numbers))
                    others[:] = map(sum, zip(others, numbers, strict=True))
                if not self._has_failed:
                    log.warning("what is spent cannot be written to %s: %s", self._file.path, error)
                self._has_failed = True

    async def report(self, days: int) -> JSONObject:
        """
        Return what was spent in the last days, today included.

        Raises:
            OSError, sqlite3.Error: the file cannot be read.
        """
        await self.flush()
        first = int(time.time() // _DAY_S) - days + 1
        async with self._writing:
            return await off_loop(self._read, first)

    def _write(self, pending: Mapping[_Row, list[int]]) -> None:
        oldest = int(time.time() // _DAY_S) - _KEPT_DAYS
        with self._file.open(_TABLE) as file:
            file.executemany(_ADD, [(*row, *numbers) for row, numbers in pending.items()])
            file.execute("DELETE FROM spend WHERE day < ?", (oldest,))

    def _read(self, first: int) -> JSONObject:
        found: JSONObject = {"since": _day(first)}
        with self._file.open(_TABLE) as file:
            where = f"{_SUMS} FROM spend WHERE day >= ?"
            found["total"] = _as_json(file.execute(f"SELECT {where}", (first,)).fetchone())
            for column in BY:
                order = "1" if column == "day" else "sum(nano_usd) DESC, sum(calls) DESC"
                rows = file.execute(f"SELECT {column}, {where} GROUP BY 1 ORDER BY {order}", (first,))
                found[column] = [
                    {"name": _day(name) if column == "day" else name, **_as_json(numbers)} for name, *numbers in rows
                ]
        return found


def _day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(number * _DAY_S))


def _as_json(numbers: list[int]) -> JSONObject:
    found = dict(zip(_NUMBERS, numbers, strict=True))
    return {"usd": found.pop("nano_usd") / NANO, **found}
