"""
When a service behaved in which way: its outages and brown-outs, found in its attempts.

Rule: pure. An outage is a run of failures that the service's usual share of failures does not explain: few attempts
show it, because a breaker keeps the others off. What is left is cut into segments in which kinds of outcome and
latency stay the same, by exact dynamic programming: each segment costs its negative log-likelihood, and a penalty
that keeps chance out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, log
from statistics import NormalDist
from typing import NamedTuple

from .attempts import ANSWERED, Seen

MOST_BLOCKS = 200
"""Attempts are joined into so many blocks at most, because the work grows with their square."""
PENALTY = 2.0
"""What a segment costs, times the logarithm of the number of attempts."""


class Segment(NamedTuple):
    """A run of attempts that are alike."""

    first: int
    """Index of its first attempt."""
    end: int
    """Index behind its last one."""


SHORTEST_RUN = 3
"""How many failures in a row may be an outage."""
UNLIKELY = 0.01
"""An outage is a run of failures that would be so improbable anywhere in the record, were they independent."""


def outages(seen: Sequence[Seen]) -> list[Segment]:
    """Return the runs of failures that are no accident, of attempts in the order of their beginning."""
    runs = [one for one in _runs(seen) if one.end - one.first >= SHORTEST_RUN]
    inside = sum(one.end - one.first for one in runs)
    failures = sum(one.kind != ANSWERED for one in seen) - inside
    share = (failures + 0.5) / (len(seen) - inside + 1.0)
    return [one for one in runs if len(seen) * share ** (one.end - one.first) < UNLIKELY]


def _runs(seen: Sequence[Seen]) -> Iterator[Segment]:
    first = None
    for index, one in enumerate(seen):
        if one.kind == ANSWERED:
            if first is not None:
                yield Segment(first, index)
            first = None
        elif first is None:
            first = index
    if first is not None:
        yield Segment(first, len(seen))


class _Sums:
    """Running sums, by which the cost of a segment takes constant time."""

    def __init__(self, seen: Sequence[Seen], ends: Sequence[int]) -> None:
        kinds = sorted({one.kind for one in seen})
        scores = _scores([one.latency for one in seen])
        counts, number, total, squares = [0] * len(kinds), 0, 0.0, 0.0
        self._rows = [(tuple(counts), number, total, squares)]
        for index, one in enumerate(seen):
            counts[kinds.index(one.kind)] += 1
            if (score := scores[index]) is not None:
                number, total, squares = number + 1, total + score, squares + score * score
            if index + 1 == ends[len(self._rows) - 1]:
                self._rows.append((tuple(counts), number, total, squares))

    def cost(self, first: int, end: int) -> float:
        """Return the negative log-likelihood of the blocks from one to before another, as one segment."""
        before, after = self._rows[first], self._rows[end]
        counts = [b - a for a, b in zip(before[0], after[0], strict=True) if b > a]
        whole = sum(counts)
        cost = -sum(count * log(count / whole) for count in counts)
        if number := after[1] - before[1]:
            total = after[2] - before[2]
            cost += 0.5 * max(0.0, after[3] - before[3] - total * total / number)
        return cost


def segments(seen: Sequence[Seen]) -> list[Segment]:
    """Return the segments of attempts that stand in the order of their beginning."""
    if not seen:
        return []
    ends = _blocks(seen)
    sums, penalty = _Sums(seen, ends), PENALTY * log(len(seen) + 1)
    best, came_from = [-penalty], [0]
    for end in range(1, len(ends) + 1):
        cheapest, from_block = inf, 0
        for first in range(end):
            cost = best[first] + penalty + sums.cost(first, end)
            if cost < cheapest:
                cheapest, from_block = cost, first
        best.append(cheapest)
        came_from.append(from_block)
    found, end = [], len(ends)
    while end:
        first = came_from[end]
        found.append(Segment(ends[first - 1] if first else 0, ends[end - 1]))
        end = first
    return found[::-1]


def _blocks(seen: Sequence[Seen]) -> list[int]:
    """Return the ends of blocks: a block has one kind of outcome, unless these would be too many."""
    longest = max(1, len(seen) // MOST_BLOCKS)
    ends, length = [], 0
    for index, one in enumerate(seen):
        length += 1
        last = index + 1 == len(seen)
        if last or length >= longest or seen[index + 1].kind != one.kind:
            ends.append(index + 1)
            length = 0
    if len(ends) > 2 * MOST_BLOCKS:
        ends = [*range(longest, len(seen), longest), len(seen)]
    return ends


def _scores(values: Sequence[float | None]) -> list[float | None]:
    """Return normal scores of the ranks, so that outliers weigh no more than others; equal values have equal ones."""
    known = sorted(value for value in values if value is not None)
    ranks: dict[float, float] = {}
    index = 0
    while index < len(known):
        until = index
        while until < len(known) and known[until] == known[index]:
            until += 1
        ranks[known[index]] = (index + until) / 2 / len(known)
        index = until
    normal = NormalDist()
    scores = {value: normal.inv_cdf(rank) for value, rank in ranks.items()}
    return [None if value is None else scores[value] for value in values]
