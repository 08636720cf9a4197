"""Numbers by chance: how a scenario describes them, and how they are drawn. Pure: the chance is passed in."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log
from random import Random
from typing import TypeAlias

from ..types.tables import Table

_Z95 = 1.6448536269514722
"""How many standard deviations the 95th percentile of a normal distribution is above its middle."""


MOST = 1_000_000.0
"""Of seconds and of tokens: eleven days, and as many as the longest prompts have."""


class Spread(Table, frozen=True):
    """A distribution: one of its forms."""

    uniform: tuple[float, float] | None = None
    """The least and the most."""
    median: float | None = None
    p95: float | None = None
    """With `median`: a log-normal distribution, as most times of services have."""
    exponential: float | None = None
    """The mean."""
    values: list[float] | None = None
    """Recorded values, each as likely as another."""
    quantiles: list[float] | None = None
    """The least, the most, and others at equal distances between; what lies between two is equally likely."""

    def fault(self) -> str | None:
        """Return what is wrong; None if nothing is."""
        forms = [name for name in ("uniform", "median", "exponential", "values", "quantiles") if self._has(name)]
        if len(forms) != 1:
            return "must be a number or one of { uniform }, { median, p95 }, { exponential }, { values }, { quantiles }"
        if self._has("p95") and forms != ["median"]:
            return "p95 belongs to median"
        numbers = [number for name in self.__struct_fields__ for number in _numbers(getattr(self, name))]
        if not numbers or not all(0 <= number <= MOST for number in numbers):
            return f"must have numbers, 0 or more, and {MOST:,.0f} at most"
        if self.median is not None and (self.p95 is None or not 0 < self.median <= self.p95):
            return "needs a median above 0, and a p95 that is not below it"
        if self.uniform is not None and self.uniform[0] > self.uniform[1]:
            return "uniform is [least, most]"
        if self.quantiles is not None and (len(self.quantiles) < 2 or self.quantiles != sorted(self.quantiles)):
            return "quantiles must be two or more numbers that rise"
        return None

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None


Distribution: TypeAlias = float | Spread


def fault_of(distribution: Distribution, *, above_0: bool = False) -> str | None:
    """Return what is wrong with a distribution; None if nothing is."""
    if isinstance(distribution, Spread):
        return distribution.fault()
    if above_0 and not 0 < distribution <= MOST:
        return f"must be more than 0, and {MOST:,.0f} at most"
    return None if 0 <= distribution <= MOST else f"must be 0 or more, and {MOST:,.0f} at most"


def sampler(distribution: Distribution, chance: Random) -> Callable[[], float]:
    """Return what draws a number of a distribution."""
    if not isinstance(distribution, Spread):
        fixed = float(distribution)
        return lambda: fixed
    random = chance.random
    if distribution.uniform is not None:
        least, most = distribution.uniform
        return lambda: least + (most - least) * random()
    if distribution.median is not None and distribution.p95 is not None:
        middle, width = log(distribution.median), log(distribution.p95 / distribution.median) / _Z95
        gauss = chance.gauss
        return lambda: exp(gauss(middle, width))
    if distribution.exponential is not None:
        mean = distribution.exponential
        return lambda: -mean * log(1.0 - random())
    if distribution.values is not None:
        values, count = tuple(distribution.values), len(distribution.values)
        return lambda: values[int(random() * count)]
    marks = tuple(distribution.quantiles or (0.0, 0.0))
    steps = len(marks) - 1

    def between() -> float:
        place = random() * steps
        index = int(place)
        return marks[index] + (marks[index + 1] - marks[index]) * (place - index)

    return between


def _numbers(value: object) -> list[float]:
    if value is None:
        return []
    return [*value] if isinstance(value, (list, tuple)) else [float(value)]  # type: ignore[arg-type]  # a field of it
