"""
Whether a leg is tried again after a failure, and how long the call waits before it.

Rule: the wait is decided here and nowhere else. It is what the caller's `retry_wait` returns, else what the service
asked for, else exponential backoff; a service that asks for more gets more. A wait is not begun if it is beyond
`patience` while another leg is left, or if it does not end before the deadline.

A rate limit is a queue: after a refusal the leg's line (`health/pressure`) says when it is the call's turn. Nobody in
that line goes before the end of `hold`.
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

FIRST_HOLD = 0.1
"""The longest wait of a line after its first refusal, in seconds, if the service asks for less."""

FIRST_LOOK = 0.5
LONGEST_LOOK = 5.0
"""The longest wait for a service that is not ready, before the first and before any later look, in seconds."""


_WITH_A_WAIT = (RetryMode.ONCE, RetryMode.NEW_KEY, RetryMode.BACKOFF, RetryMode.QUEUE)


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
        self.outlasts_breaker = policy.retry_stop is not None
        """The caller decides when to stop: the breaker of the only leg that is left does not."""

    def hold(self, error: ProviderError, refusals: int) -> float:
        """
        Return the seconds for which a line waits after a refusal: as the service asks, but at least a growing floor.

        Args:
            refusals: how many there have been in a row.
        """
        floor = min(LONGEST_BACKOFF, FIRST_HOLD * 2.0 ** min(refusals - 1, 10)) * (0.5 + 0.5 * self._random())
        return floor if error.retry_after is None else max(floor, error.retry_after)

    def until_next_look(self, error: ProviderError, number: int) -> float:
        """Return the seconds after which a service may be ready; `number` of looks have been in vain."""
        wait = min(LONGEST_LOOK, FIRST_LOOK * 2.0 ** min(number - 1, 10)) * (0.5 + 0.5 * self._random())
        return max(wait, error.retry_after or 0.0)

    def is_too_long(self, wait: float) -> bool:
        """Return whether a call that has another leg takes that instead of this wait, in seconds."""
        return wait > self._policy.patience

    def allows(
        self,
        error: ProviderError,
        mode: RetryMode,
        leg: Hashable,
        *,
        number: int,
        refusals: int,
        started_at: float,
        now: float,
    ) -> bool:
        """
        Return whether the leg may be tried again at all: by the table, and by `retry_stop`, else by `retries`.

        Args:
            number: which attempt on this leg failed, 1 for the first.
            refusals: how many of the earlier ones were refused for rate: they use up no retries.
            started_at: when it started. All times are monotonic seconds.

        Raises:
            ConfigurationError: the caller's `retry_stop` fails.
        """
        retry = number - refusals
        if mode not in _WITH_A_WAIT or (mode is RetryMode.ONCE and retry > 1):
            return False  # the table's limit applies even to caller-supplied retry objects
        if (caller := self._caller) is not None:
            caller.failed(leg, error, number=number, started_at=started_at, now=now)
            if (stops := caller.stops(leg)) is not None:
                return not stops
        return mode is RetryMode.QUEUE or retry <= self._policy.retries

    def wait(
        self,
        error: ProviderError,
        mode: RetryMode,
        leg: Hashable,
        *,
        number: int,
        refusals: int,
        now: float,
        deadline_at: float,
        others: bool,
    ) -> float | None:
        """
        Return the seconds to wait before a leg that may be tried again is; None if it is not, because it would be late.

        For a leg whose line the call joins, these are the seconds before it does: the caller's `retry_wait`.

        Args:
            number, refusals, now: as for `allows`, which comes first.
            others: whether another leg could be tried now.

        Raises:
            ConfigurationError: the caller's `retry_wait` fails.
        """
        caller = self._caller
        wait = None if caller is None else caller.wait(leg)
        asked = error.retry_after
        if mode is RetryMode.QUEUE:
            wait = wait or 0.0
        elif wait is None and mode is RetryMode.NEW_KEY:
            wait = 0.0
        elif wait is None:
            wait = backoff(number - refusals, self._random) if asked is None else asked
        elif asked is not None:
            wait = max(wait, asked)
        if (others and self.is_too_long(wait)) or now + wait >= deadline_at:
            return None
        if caller is not None:
            caller.waits(leg, wait)
        return wait
