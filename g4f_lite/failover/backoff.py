"""
How long to wait before the same leg is tried again, if the service does not say.

Rule: the constants of backoff are here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 8.0
"""The longest wait after the first failure, and after any, in seconds. Each failure doubles it."""


def backoff(number: int, random: Callable[[], float]) -> float:
    """
    Return exponential backoff with full jitter, in seconds.

    Args:
        number: the attempt that failed, 1 for the first.
        random: returns 0 <= x < 1.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random() * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(number - 1, 10))
