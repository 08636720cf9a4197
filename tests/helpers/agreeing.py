"""Whether the figures of two reports agree: within 10 %, or, where they are small, within absolute tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

COUNT, SECONDS, USD = 4, 0.1, 0.01
"""Of counts of calls or requests, of times, and of money."""
MOST_RATE = 14
"""Calls a second that begin at most."""
IN_TIME = ("p50", "p95", "p99", "seconds", "until_s")


def figures(report: Any, path: str = "") -> Iterator[tuple[str, float | None]]:
    """Yield each number of a report, and its place; the series over time are made of the same numbers."""
    if isinstance(report, dict):
        for name, value in report.items():
            if name != "timelines":
                yield from figures(value, f"{path}.{name}".strip("."))
    elif isinstance(report, (list, tuple)):
        for number, value in enumerate(report):
            yield from figures(value, f"{path}.{number}")
    elif not isinstance(report, str):
        yield path, report


def differences(
    found: Any, expected: Any, lateness: float = 0.0, *, by_chance: bool = False, without: Sequence[str] = ()
) -> list[str]:
    """
    Return the figures that do not agree.

    Args:
        by_chance: the two are draws of one chance: counts may differ by three times their own standard deviation.
        lateness: by how many seconds times may differ besides.
        without: what the names of figures contain that are not compared.
    """
    here, there = dict(figures(found)), dict(figures(expected))
    wrong = []
    for name in sorted(here.keys() | there.keys()):
        if any(one in name for one in without):
            continue
        one, other = here.get(name, 0.0), there.get(name, 0.0)
        in_time = name.rpartition(".")[2] in IN_TIME
        counts = max(COUNT, 3 * sqrt(abs(other or 0.0))) if by_chance else COUNT
        tolerance = SECONDS if in_time else USD if "cost" in name else counts
        if name.endswith("peak_in_flight"):  # as many calls pile up as begin in the time by which a machine is late
            tolerance += MOST_RATE * lateness
        if one is None or other is None:
            if one is not other:
                wrong.append(f"{name}: {one}, not {other}")
        elif abs(one - other) > max(tolerance, 0.1 * abs(other)) + (lateness if in_time else 0.0):
            wrong.append(f"{name}: {one:.4g}, not {other:.4g}")
    return wrong
