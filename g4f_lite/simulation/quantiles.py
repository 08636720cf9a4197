"""Quantiles of any number of values, in a memory that does not grow: a histogram on a logarithmic scale. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log

_STEP = log(1.01)
"""A bin is 1 % wide, and its middle stands for it, so that a quantile is wrong by 0.5 % at most."""
_LEAST = 1e-6


class Quantiles:
    """Of values that are 0 or more."""

    __slots__ = ("_bins", "_least", "_most", "count")

    def __init__(self) -> None:
        self.count = 0
        self._least, self._most = inf, 0.0
        self._bins: dict[int, int] = {}

    def add(self, value: float) -> None:
        index = int(log(value / _LEAST) / _STEP) if value > _LEAST else -1
        self._bins[index] = self._bins.get(index, 0) + 1
        self.count += 1
        if value < self._least:  # noqa: PLR1730  # `min` takes three times as long
            self._least = value
        if value > self._most:  # noqa: PLR1730
            self._most = value

    def at(self, shares: Sequence[float]) -> list[float | None]:
        """Return the quantiles at these shares, which rise: 0.5 is the median; None for each if there is no value."""
        found: list[float | None] = []
        passed, ordered = 0, iter(sorted(self._bins.items()))
        index = -1
        for share in shares:
            if not self.count:
                found.append(None)
                continue
            while passed < share * self.count:
                index, more = next(ordered)
                passed += more
            found.append(min(max(_LEAST * 1.01 ** (index + 0.5), self._least), self._most))
        return found
