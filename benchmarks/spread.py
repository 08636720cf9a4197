"""A figure that was measured many times, and whether runs agree on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median, quantiles
from typing import NamedTuple

AIM_S = 0.1
"""CPU time that one measurement takes, if a single call does not take more."""


class Spread(NamedTuple):
    """
    The median of all rounds, and the middle 90 % of them.

    Two runs that differ only by chance fail to agree once in a thousand times with 25 rounds, once in twenty with 10,
    once in three with 5 (simulated).
    """

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        cuts = quantiles(values, n=20, method="inclusive")
        return cls(median(values), cuts[0], cuts[-1])

    def __mul__(self, factor: float) -> Spread:  # type: ignore[override]  # repeating a tuple is of no use here
        return Spread(*(value * factor for value in (self.middle, self.low, self.high)))

    def __str__(self) -> str:
        return f"{figure(self.middle)} ({figure(self.low)} to {figure(self.high)})"


def figure(value: float) -> str:
    """Return the value with three digits, or more before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def agree(spreads: Sequence[Spread]) -> bool:
    """Return whether the middle of each lies in the interval of every other."""
    return all(
        one.low <= other.middle <= one.high and other.low <= one.middle <= other.high
        for one, other in combinations(spreads, 2)
    )


def units(cpu_of: Callable[[int], float]) -> int:
    """
    Return how many units of work make one measurement, at least one. The trials warm up the worker.

    Args:
        cpu_of: does this many units and returns the CPU seconds that they took.
    """
    count = 1
    while (cpu := cpu_of(count)) < AIM_S / 4:
        count *= 2
    return max(1, round(count * AIM_S / cpu))
