"""The rate limits of a modelled service, as real ones count. Pure: times are seconds and are passed in, in order."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from .scenario import RateLimits


class Rate(Protocol):
    """One limit."""

    def wait(self, now: float, amount: float) -> float:
        """Return the seconds until there is room for an amount; 0 if there is."""

    def take(self, amount: float, now: float) -> None:
        """Count an amount that there is room for."""


class SlidingWindow:
    """An amount in any window."""

    def __init__(self, limit: float, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._taken: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def wait(self, now: float, amount: float) -> float:
        taken = self._taken
        while taken and taken[0][0] <= now - self._window_s:
            self._used -= taken.popleft()[1]
        room, wanted = self._limit - self._used, min(amount, self._limit)
        if wanted <= room:
            return 0.0
        for at, one in taken:
            room += one
            if wanted <= room:
                return at + self._window_s - now
        return self._window_s

    def take(self, amount: float, now: float) -> None:
        self._taken.append((now, amount))
        self._used += amount


class FixedWindow:
    """An amount in each window; the first one begins with the scenario."""

    def __init__(self, limit: float, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._number, self._used = 0, 0.0

    def wait(self, now: float, amount: float) -> float:
        number = int(now // self._window_s)
        if number != self._number:
            self._number, self._used = number, 0.0
        if self._used + min(amount, self._limit) <= self._limit:
            return 0.0
        return (number + 1) * self._window_s - now

    def take(self, amount: float, now: float) -> None:
        self._used += amount


class Bucket:
    """An amount that comes back evenly."""

    def __init__(self, limit: float, window_s: float, holds: float) -> None:
        self._per_s, self._most = limit / window_s, max(1.0, limit * holds)
        self._level, self._at = self._most, 0.0

    def wait(self, now: float, amount: float) -> float:
        self._level = min(self._most, self._level + (now - self._at) * self._per_s)
        self._at = now
        return max(0.0, (min(amount, self._most) - self._level) / self._per_s)

    def take(self, amount: float, now: float) -> None:
        self._level -= amount


class RateLimiter:
    """The limits of a service together: what one of them refuses takes nothing of another."""

    def __init__(self, limits: RateLimits) -> None:
        self._requests = None if limits.rpm is None else _rate(limits.rpm, limits)
        self._tokens = None if limits.tpm is None else _rate(limits.tpm, limits)

    def take(self, now: float, tokens: float) -> float:
        """Count a request, and return 0; or return the seconds until there is room for it."""
        wait = 0.0 if self._requests is None else self._requests.wait(now, 1)
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(now, tokens))
        if wait:
            return wait
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        return 0.0


def _rate(limit: float, limits: RateLimits) -> Rate:
    if limits.window == "bucket":
        return Bucket(limit, limits.window_s, 1.0 if limits.burst is None else limits.burst)
    return (SlidingWindow if limits.window == "sliding" else FixedWindow)(limit, limits.window_s)
