"""Records by key, each with a time at which it is due: where a store keeps what it knows."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

FOREVER = 1 << 62
"""The time of a record that is never due, in Unix milliseconds."""

T = TypeVar("T")


class Table(Protocol[T]):
    """Times are Unix milliseconds. A record that is changed must be put again."""

    def get(self, key: str) -> T | None:
        """Return a record; None if there is none."""
        ...

    def put(self, key: str, record: T, due: int) -> None:
        """Store a record."""
        ...

    def drop(self, key: str) -> None:
        """Forget a record, if there is one."""
        ...

    def due(self, now: int) -> list[tuple[str, T]]:
        """Return the records whose time has come. They stay until they are dropped or put again."""
        ...

    def items(self) -> list[tuple[str, T]]:
        """Return all records."""
        ...

    def __len__(self) -> int: ...


class MemoryTable(Generic[T]):
    """A table in memory. Not locked."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[T, int]] = {}
        self._heap: list[tuple[int, str]] = []
        """For each record its time; also times that it had before."""

    def get(self, key: str) -> T | None:
        row = self._rows.get(key)
        return None if row is None else row[0]

    def put(self, key: str, record: T, due: int) -> None:
        row = self._rows.get(key)
        self._rows[key] = record, due
        if due != FOREVER and (row is None or row[1] != due):
            heapq.heappush(self._heap, (due, key))
            if len(self._heap) > 2 * len(self._rows) + 64:
                self.mend()

    def mend(self) -> None:
        """Make the heap anew: it has grown, or a signal has interrupted who took times from it."""
        self._heap = [(due, key) for key, (_, due) in self._rows.items() if due != FOREVER]
        heapq.heapify(self._heap)

    def drop(self, key: str) -> None:
        self._rows.pop(key, None)

    def due(self, now: int) -> list[tuple[str, T]]:
        found: dict[str, T] = {}
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if (row := self._rows.get(key)) is not None and row[1] == due:
                found[key] = row[0]
        return list(found.items())

    def items(self) -> list[tuple[str, T]]:
        return [(key, record) for key, (record, _) in self._rows.items()]

    def __len__(self) -> int:
        return len(self._rows)


NewTable: TypeAlias = Callable[[str, type[Any]], Table[Any]]
"""Makes a table of a name and the type of its records."""


def in_memory(name: str, record: type[Any]) -> Table[Any]:
    """Make a table in memory."""
    return MemoryTable[Any]()
