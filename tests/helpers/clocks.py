"""A clock for pure code."""

from __future__ import annotations


class FakeClock:
    """Time passes only when a test sets `now`, in monotonic seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 1_700_000_000
