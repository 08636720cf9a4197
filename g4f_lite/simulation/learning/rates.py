"""
The rate limit of a service, from what it accepted and what it refused.

Rule: pure. Each kind of limit is a counter of what is used: a bucket that drains evenly, the requests of the last
seconds, those since the window began. At the right limit the counter was as high as it can be whenever a request was
refused. The kind, the window and the rate at which that comes nearest are taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Literal, NamedTuple, TypeAlias

from ..scenario import RateLimits

WINDOWS_S = (60.0, 1.0, 10.0, 300.0, 3600.0)
"""What a window may last. The first of equally good ones is taken."""
PLACES = 12
"""Where in time a fixed window may begin, in parts of it."""
STEPS = 40
"""How many rates of a bucket are tried, each time on a scale of ratios between the neighbours of the best."""
MOST = 1500
"""Requests that are looked at: the last ones."""
BLUR = 0.05
"""Requests by which a counter may seem lower than it was: nobody knows when a request arrived to the millisecond."""
PLACED = 0.02
"""By how much a fixed window must fit better than others, because its place is chosen, too."""
LEAST_REFUSED, LEAST_ACCEPTED = 2, 3

Events: TypeAlias = Sequence[tuple[float, bool]]
"""When a request was sent, and whether the limit let it pass."""


class _Use(NamedTuple):
    """What a counter has shown: how high it was when each request came."""

    accepted: list[float]
    refused: list[float]

    def misfit(self, limit: float) -> float:
        """
        Return by how much of the limit it was passed, or had room when a request was refused, on average.

        There is room if the counter is at most `limit - 1`; that alone counts as one request.
        """
        passed = sum(used + 1.0 - limit for used in self.accepted if used > limit - 1.0)
        room = sum(limit - used for used in self.refused if used <= limit - 1.0 + BLUR)
        return (passed + room) / len(self.refused) / limit

    @property
    def highest(self) -> float:
        return max(self.accepted) + 1.0


class _Fit(NamedTuple):
    misfit: float
    limits: RateLimits


def rate_limits(accepted: Sequence[float], refused: Sequence[float], asked_s: Sequence[float]) -> RateLimits | None:
    """
    Return the limit that explains the refusals best; None if there are too few of them.

    Args:
        accepted: when the requests were sent that the limit let pass; seconds.
        refused: when those were sent that it did not.
        asked_s: the waits that refusals asked for, where they did.
    """
    if len(refused) < LEAST_REFUSED or len(accepted) < LEAST_ACCEPTED:
        return None
    events = sorted([(at, True) for at in accepted] + [(at, False) for at in refused])[-MOST:]
    if events[0][0] >= events[-1][0] or not any(ok for _, ok in events) or all(ok for _, ok in events):
        return None
    retry_after = _retry_after(asked_s, len(refused))
    fits = [_bucket(events, retry_after)]
    for window in WINDOWS_S:
        fits.append(_in_windows(_sliding(events, window), "sliding", window, retry_after))
        places = (_fixed(events, window, window * place / PLACES) for place in range(PLACES))
        fits.append(min((_in_windows(use, "fixed", window, retry_after) for use in places), key=lambda fit: fit.misfit))
    return min(fits, key=lambda fit: fit.misfit + (fit.limits.window == "fixed") * PLACED).limits


def _in_windows(use: _Use, kind: Literal["sliding", "fixed"], window: float, retry_after: bool | float) -> _Fit:
    limit = max(1.0, median(use.refused))
    limits = RateLimits(rpm=round(limit), window=kind, window_s=window, retry_after=retry_after)
    return _Fit(use.misfit(limit), limits)


def _retry_after(asked_s: Sequence[float], refusals: int) -> bool | float:
    """Return how the service says when there is room: not, by the time until then, or by one number of seconds."""
    if len(asked_s) < refusals / 2:
        return False
    rounded = sorted(round(one, 1) for one in asked_s)
    usual = rounded[len(rounded) // 2]
    return usual if len(rounded) > 3 and rounded[len(rounded) // 10] == rounded[-1 - len(rounded) // 10] else True


# -- counters ------------------------------------------------------------------------------


def _count(events: Events, used_at: Callable[[float], float], add: Callable[[float], None]) -> _Use:
    use = _Use([], [])
    for at, ok in events:
        (use.accepted if ok else use.refused).append(used_at(at))
        if ok:
            add(at)
    return use


def _sliding(events: Events, window: float) -> _Use:
    last: deque[float] = deque()

    def used_at(at: float) -> float:
        while last and last[0] <= at - window:
            last.popleft()
        return float(len(last))

    return _count(events, used_at, last.append)


def _fixed(events: Events, window: float, offset: float) -> _Use:
    counts: dict[float, int] = {}

    def number(at: float) -> float:
        return (at - events[0][0] + offset) // window

    def add(at: float) -> None:
        counts[number(at)] = counts.get(number(at), 0) + 1

    return _count(events, lambda at: float(counts.get(number(at), 0)), add)


def _draining(events: Events, rate: float) -> _Use:
    used, last = 0.0, events[0][0]

    def used_at(at: float) -> float:
        nonlocal used, last
        used, last = max(0.0, used - (at - last) * rate), at
        return used

    def add(_: float) -> None:
        nonlocal used
        used += 1.0

    return _count(events, used_at, add)


def _bucket(events: Events, retry_after: bool | float) -> _Fit:
    passed = [at for at, ok in events if ok]
    low = 0.5 * len(passed) / (passed[-1] - events[0][0] + 1e-3)
    high = 1.0 / (min(after - before for before, after in pairwise(passed)) + 1e-3)
    best = low
    for _ in range(3):
        ratio = (max(high, low * 1.001) / low) ** (1.0 / STEPS)
        best = min((low * ratio**step for step in range(STEPS + 1)), key=lambda rate: _bucket_misfit(events, rate))
        low, high = best / ratio, best * ratio
    use = _draining(events, best)
    # A bucket is told by its refill in a window; one that holds more than that is told by a longer window.
    window = max(60.0, float(ceil(use.highest / best)))
    rpm = max(1, round(best * window))
    burst = min(1.0, max(1.0, round(use.highest)) / rpm)
    limits = RateLimits(rpm=rpm, window="bucket", window_s=window, burst=burst, retry_after=retry_after)
    return _Fit(use.misfit(use.highest), limits)


def _bucket_misfit(events: Events, rate: float) -> float:
    use = _draining(events, rate)
    return use.misfit(use.highest)
