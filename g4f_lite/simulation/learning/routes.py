"""The order in which calls tried their routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...records.trail import Trail
from ..recorded import RecordedCall

EQUAL = 0.2
"""Of two routes, each comes before the other in at least this share of the calls: they are of one tier."""


def tiers(calls: Iterable[RecordedCall]) -> list[list[str]]:
    """Return the routes, `provider:model`, in the order of trying; those of a list are equal."""
    before: Counter[tuple[str, str]] = Counter()
    first: Counter[str] = Counter()
    for call in calls:
        order = _tried(call.trail)
        first.update(order[:1])
        before.update((one, other) for index, one in enumerate(order) for other in order[index + 1 :])
    names = sorted({name for pair in before for name in pair} | set(first))
    wins = {name: sum(before[name, other] > before[other, name] for other in names) for name in names}
    found: list[list[str]] = []
    for name in sorted(names, key=lambda one: (-wins[one], -first[one], one)):
        if found and all(_are_equal(name, other, first) for other in found[-1]):
            found[-1].append(name)
        else:
            found.append([name])
    return found


def _are_equal(one: str, other: str, first: Counter[str]) -> bool:
    """Return whether calls began with each of two routes about as often: that is no matter of failures."""
    return min(first[one], first[other]) > EQUAL * (first[one] + first[other])


def _tried(trail: Trail) -> list[str]:
    order: dict[str, None] = {}
    for one in trail.skipped:
        if not one.lacks_key:
            order.setdefault(one.route)  # left out before the others were tried, most of the time
    attempts = {one.route: None for one in trail.attempts}
    return [*(name for name in order if name not in attempts), *attempts]
