"""
The numbers of a process: counters, gauges and histograms in memory.

prometheus_client takes a lock and two frames for each change, which is too slow for a dozen of them in a call. Here one
lock is taken for all changes of a hook, by whoever makes them.
"""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from typing import Protocol

from ..records.trail import Attempt
from .conventions import Definition


class Cell(Protocol):
    """One series of a metric. A counter or a gauge has `inc`, a gauge `set`, a histogram `observe`."""

    def inc(self, amount: float = 1, /) -> None: ...
    def set(self, value: float, /) -> None: ...
    def observe(self, value: float, /) -> None: ...


class Cells(Protocol):
    """Where the numbers go."""

    def cell(self, definition: Definition, values: tuple[str, ...]) -> Cell:
        """Return a new series; the values are those of the definition's labels."""

    def clear(self) -> None:
        """Forget all series: this process is a child, and counts its own calls alone."""


class Source(Protocol):
    """Who changes the numbers."""

    def count(self) -> None:
        """Count what waits to be counted, before the numbers are read."""


class Number:
    """A counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1, /) -> None:
        self.value += amount

    def set(self, value: float, /) -> None:
        self.value = value

    def observe(self, value: float, /) -> None:
        raise TypeError("a number has no distribution")


class Distribution:
    """A histogram: how many values each bucket has, not cumulated, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, /) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def inc(self, amount: float = 1, /) -> None:
        raise TypeError("a distribution has no single number")

    set = inc


class Numbers:
    """All numbers, by metric and labels. Whoever changes one holds the lock."""

    def __init__(self) -> None:
        self.sources: dict[bool, Source] = {}
        """Where something may wait to be counted, by whether the old names are used."""
        self.lock = Lock()
        self.series: dict[Definition, dict[tuple[str, ...], Number | Distribution]] = {}
        self.unpriced: list[tuple[Cell, Attempt]] = []
        """Answers whose price is looked up when the numbers are read, and the numbers to which it is added."""

    def cell(self, definition: Definition, values: tuple[str, ...]) -> Number | Distribution:
        new = Distribution(definition.buckets) if definition.kind == "histogram" else Number()
        return self.series.setdefault(definition, {}).setdefault(values, new)

    def clear(self) -> None:
        self.series = {}
        self.unpriced.clear()


class Several:
    """The same series in several places."""

    def __init__(self, cells: list[Cell]) -> None:
        self._cells = cells

    def inc(self, amount: float = 1, /) -> None:
        for cell in self._cells:
            cell.inc(amount)

    def set(self, value: float, /) -> None:
        for cell in self._cells:
            cell.set(value)

    def observe(self, value: float, /) -> None:
        for cell in self._cells:
            cell.observe(value)


class Observed:
    """A counter whose old name is that of a histogram: each amount is one value of it."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def inc(self, amount: float = 1, /) -> None:
        self._cell.observe(amount)

    set = observe = inc


class Nothing:
    """A series that nobody has: of a metric that has no old name."""

    def inc(self, amount: float = 1, /) -> None: ...
    def set(self, value: float, /) -> None: ...
    def observe(self, value: float, /) -> None: ...
