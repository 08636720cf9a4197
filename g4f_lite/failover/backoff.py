"""
Whether a leg is tried again after a failure, and how long the call waits before it.

Rule: the wait is decided here and nowhere else. It is what the caller's `retry_wait` returns, else what the service
asked for, else exponential backoff; a service that asks for more gets more. A wait is not begun if it is beyond
`patience` while another leg is left, or if it does not end before the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ..errors.exceptions import ProviderError
from .caller_retry import CallerRetry
from .decisions import RetryMode
from .policy import Policy

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


class RetryWait:
    """
    The retries of one call.

    Args:
        random: returns 0 <= x < 1, for jitter.
    """

    def __init__(self, policy: Policy, random: Callable[[], float]) -> None:
        self._policy = policy
        self._random = random
        self._caller: CallerRetry | None = None
        if policy.retry_wait is not None or policy.retry_stop is not None:
            self._caller = CallerRetry(policy.retry_wait, policy.retry_stop)

    def retries(self, mode: RetryMode) -> int:
        """Return how many retries of a leg the table and the policy allow."""
        if mode is RetryMode.NEVER:
            return 0
        return min(1, self._policy.retries) if mode is RetryMode.ONCE else self._policy.retries

    def after(
        self,
        error: ProviderError,
        mode: RetryMode,
        leg: Hashable,
        *,
        number: int,
        started_at: float,
        now: float,
        deadline_at: float,
        others: bool,
    ) -> float | None:
        """
        Return the seconds to wait before the leg is tried again; None if it is not.

        Args:
            number: which attempt on this leg failed, 1 for the first.
            started_at: when it started. All times are monotonic seconds.
            others: whether another leg could be tried now.

        Raises:
            ConfigurationError: the caller's `retry_wait` or `retry_stop` fails.
        """
        if mode is RetryMode.NEVER or (mode is RetryMode.ONCE and number > 1):
            return None  # the table's limit applies even to caller-supplied retry objects
        caller = self._caller
        stops: bool | None = None
        if caller is not None:
            caller.failed(leg, error, number=number, started_at=started_at, now=now)
            stops = caller.stops(leg)
        if stops or (stops is None and number > self.retries(mode)):
            return None
        wait = None if caller is None else caller.wait(leg)
        asked = error.retry_after
        if wait is None:
            wait = backoff(number, self._random) if asked is None else asked
        elif asked is not None:
            wait = max(wait, asked)
        if (wait > self._policy.patience and others) or now + wait >= deadline_at:
            return None
        if caller is not None:
            caller.waits(leg, wait)
        return wait
