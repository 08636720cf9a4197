"""
A circuit breaker: closed, open for a while, then half-open for one probe at a time.

Rule: times are monotonic seconds and are passed in. When it opens, and for how long, the caller's `Breaker` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..types.breaker import Breaker

DEFAULT_BREAKER = Breaker()
WINDOW_LEAST = 10
"""Outcomes that the window must hold before their share of failures counts."""
OPEN_GROWTH = 2.0
"""How many times as long it stays open after a probe that failed."""
PROBE_S = 60.0
"""A probe whose end is not recorded within this time gives up its place."""


class BreakerState:
    """
    The breaker of one leg or of one origin. Not locked: `Health` holds the lock.

    Args:
        settings: when it opens, and for how long; the time has some jitter.
    """

    __slots__ = ("_open_for", "_opened_at", "_outcomes", "_probe_ends", "in_a_row", "open_until", "probe", "settings")

    def __init__(self, settings: Breaker = DEFAULT_BREAKER) -> None:
        self.settings = settings
        self.open_until = 0.0
        self.probe = 0
        """The number of the probe under way; 0 if there is none."""
        self.in_a_row = 0
        self._open_for = self._opened_at = self._probe_ends = 0.0
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=64)

    @property
    def is_open(self) -> bool:
        """Whether it is open or half-open, so that at most a probe may pass."""
        return self.open_until > 0.0

    def lets_pass(self, now: float) -> bool:
        """Return whether an attempt may begin; unless it is closed, that attempt is a probe."""
        return not self.is_open or (now >= self.open_until and (not self.probe or now >= self._probe_ends))

    def begin_probe(self, number: int, now: float) -> None:
        """Record that a probe begins, if it is half-open."""
        if self.is_open:
            self.probe, self._probe_ends = number, now + PROBE_S

    def end_probe(self, number: int) -> None:
        """Let the next probe begin, if this is the one under way."""
        if self.probe == number:
            self.probe = 0

    def answers_since(self, when: float) -> int:
        """Return how many of the remembered outcomes are answers that came since then."""
        return sum(ok for at, ok in self._outcomes if at >= when)

    def success(self, now: float, began_at: float) -> None:
        """Record an answer: it closes, unless it has opened since the attempt began."""
        if not self.is_open:
            self.in_a_row = 0
            self._outcomes.append((now, True))
        elif began_at >= self._opened_at:
            self.in_a_row = self.probe = 0
            self.open_until = self._open_for = 0.0
            self._outcomes.clear()

    def failure(self, now: float, random: Callable[[], float], *, probe: int = 0) -> None:
        """
        Record a transient failure: it may open.

        Args:
            probe: the number of the attempt if it was a probe: then it opens for longer.
        """
        self.in_a_row += 1
        self._outcomes.append((now, False))
        probed = bool(probe) and self.probe == probe
        if self.is_open and not probed:
            return  # of an attempt that began before it opened
        if probed or self.in_a_row >= self.settings.failures or self._half_failed(now):
            self.probe = 0
            self._opened_at = now
            self._open_for = min(self.settings.longest_rest, self._open_for * OPEN_GROWTH or self.settings.rest)
            self.open_until = now + self._open_for * (0.75 + 0.25 * random())

    def open_by_others(self, now: float, until: float) -> None:
        """Stay open as long as another process has found it to be."""
        self.open_until, self._opened_at, self.probe = until, now, 0
        self._open_for = self._open_for or self.settings.rest

    def _half_failed(self, now: float) -> bool:
        recent = [ok for at, ok in self._outcomes if now - at <= self.settings.window]
        return len(recent) >= WINDOW_LEAST and recent.count(False) >= self.settings.share * len(recent)
