"""
The rate that a leg allows, learned from its refusals, and the line of the calls that wait for it.

Rule: nothing here waits or reads a clock; times are monotonic seconds and are passed in. `Health` holds the lock.

A leg has a line only after it has refused a call, or has said that no requests are left. The line has a token
bucket. A refusal lowers its rate to a share of the rate at which the leg accepted requests since the refusal before;
afterwards the rate grows along a cubic curve, as in the adaptive retry mode of AWS's client libraries, but only in
time in which it is used up. Until the second refusal little is known, so the rate doubles in short steps.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf, log, log2

from ..errors.exceptions import ProviderError
from .places import SHORTEST_WAIT_S, Places, Turn

LOWERED_TO = 0.9
"""Share of the accepted rate to which a refusal lowers the rate."""
FIRST_SHARE, LEAST_SHARE, CALM_SHARE = 0.4, 0.5, 0.8
"""
Shares of itself below which a refusal does not lower the rate: the second refusal, later ones, and one that comes
after the rate had recovered.
"""
DOUBLING_S = 0.2
"""Time in which the rate doubles up to the second refusal."""
RECOVERY_S = 3.0
RECOVERY_REQUESTS = 20.0
RECOVERY_HOLDS = 6.0
"""Time, requests and waits that the service asked for, after which the rate is back where it was: the longest."""
FIRST_RATE = 4.0
"""Requests per second after the first refusal, if the leg has not answered more (known up to 64) in the last second."""
LOWEST_RATE = 0.02
BURST_S = 0.1
"""Seconds of the rate that the bucket holds, but two requests at least."""
FORGET_S = 60.0
"""Time without a refusal or a wait after which the rate is forgotten."""
FAR_S = 0.1
"""A call whose turn is further away asks again after half of the time."""


class Line(Places):
    """
    The line of one leg.

    Args:
        rate: requests per second to begin with.
        error: what the calls in line wait for.
    """

    __slots__ = (
        "_accepted", "_goal", "_grows_from", "_held_s", "_lowered_at", "_measured_from", "_rate", "_recovery",
        "_refilled_at", "_tokens", "_used_at", "error", "held_until", "refusals",
    )  # fmt: skip

    def __init__(self, now: float, rate: float, error: ProviderError) -> None:
        super().__init__()
        self.error = error
        self.held_until = -inf
        """No call goes before."""
        self.refusals = 0
        """Refusals in a row: since the last answer."""
        self._rate = max(FIRST_RATE, rate)
        """The rate to which the last refusal lowered it."""
        self._goal: float | None = None
        """The rate at which it was accepted before the last refusal; None before the second refusal."""
        self._recovery = DOUBLING_S
        """Seconds in which the rate doubles; after the second refusal, in which it is back at `_goal`."""
        self._lowered_at = self._grows_from = self._refilled_at = self._used_at = now
        self._accepted = 0
        """Requests since `_measured_from`, without those whose refusal lowered the rate."""
        self._measured_from = now
        self._held_s = 0.0
        """How much of the time since then the line was held, and of the time to come it will be."""
        self._tokens = 0.0

    def rate(self, now: float) -> float:
        """Return the requests per second that the leg seems to allow now."""
        since = max(0.0, now - self._grows_from) / self._recovery
        if self._goal is None:
            return self._rate * float(2.0 ** min(since, 16.0))
        return self._goal + (self._goal - self._rate) * (since - 1.0) ** 3

    # -- the line --------------------------------------------------------------------------

    def turn(self, number: int | None, now: float) -> Turn | None:
        """
        Return when a call may go; None for now.

        Args:
            number: of the call's ticket; None for a call that would come last.
        """
        rate = self._refill(now)
        if self._waiting:
            self._remove_absent(now)
        ahead = len(self._waiting) if number is None else bisect_left(self._waiting, number)
        needed = ahead + 1.0 - self._tokens
        if needed <= 1e-9 and now >= self.held_until:
            return None
        self._used_at = now
        start = max(now, self.held_until)
        first = max(0.0, 1.0 - self._tokens) / rate
        if self._goal is None:
            wait = self._recovery * log2(1.0 + max(0.0, needed) * log(2.0) / (rate * self._recovery))
        else:
            wait = max(0.0, needed) / max(rate, self._goal)
        sooner = wait / 2 if wait > FAR_S else wait
        soon = now + SHORTEST_WAIT_S
        return Turn(
            at=max(soon, start + max(first, wait)),
            ask_at=max(soon, start + max(first, sooner)),
            first_at=start + first,
            rate=rate,
            ahead=ahead,
            line=self,
        )

    def go(self) -> None:
        """Take a token: a request is sent."""
        self._tokens -= 1.0
        self._accepted += 1

    def take_back(self) -> None:
        """Undo `go`: the request was not sent."""
        self._tokens += 1.0
        self._accepted = max(0, self._accepted - 1)

    def _refill(self, now: float) -> float:
        rate = self.rate(now)
        if now <= self._refilled_at:
            return rate
        passed, most = now - self._refilled_at, max(2.0, rate * BURST_S)
        tokens = self._tokens + passed * rate
        if tokens > most:  # time in which the rate was not used up teaches nothing: it does not grow in it
            self._grows_from += min(passed, (tokens - most) / rate)
        self._tokens, self._refilled_at = min(most, tokens), now
        return self.rate(now)

    # -- what it learns --------------------------------------------------------------------

    def refused(self, now: float, *, began_at: float, hold_s: float, error: ProviderError) -> None:
        """
        Learn from a refusal.

        Args:
            began_at: when the refused attempt began. Those that began before the rate was lowered lower it no more.
            hold_s: no call goes for so long.
        """
        self.error = error
        self._used_at = now
        self.refusals = self.refusals_with(began_at)
        if self._goal is None:
            self._recovery = max(self._recovery, now - began_at)
        if began_at >= self._lowered_at:
            self._lower(now, hold_s)
        self.hold(now, now + hold_s)

    def _lower(self, now: float, hold_s: float) -> None:
        rate = self._refill(now)
        ahead = max(0.0, self.held_until - now)  # of a hold that lasts
        self._held_s -= ahead
        self._accepted = max(0, self._accepted - 1)
        if self._accepted:
            least = FIRST_SHARE if self._goal is None else LEAST_SHARE
            if self._goal is not None and now - self._measured_from - self._held_s > self._recovery:
                least = CALM_SHARE
            self._goal = max(LOWEST_RATE, min(rate, max(self._accepted_rate(now), rate * least)))
            self._measured_from, self._accepted, self._held_s = now, 0, 0.0
        elif self._goal is not None:
            one_since = 1.0 / max(1e-3, now - self._measured_from)
            self._goal = max(LOWEST_RATE, self._goal * LEAST_SHARE, min(rate, one_since))
        if self._goal is not None:
            self._rate = self._goal * LOWERED_TO
            self._recovery = max(RECOVERY_S, RECOVERY_REQUESTS / self._goal, RECOVERY_HOLDS * hold_s)
        self._held_s += ahead
        self._lowered_at, self._grows_from = now, now + ahead
        self._tokens = min(self._tokens, 0.0)

    def _accepted_rate(self, now: float) -> float:
        """
        Return the accepted requests per second since the refusal before.

        A token bucket at the service was empty then, as it is now. If it was not full in between, the time in which
        the line was held counts; if it was full at once, that time does not count. The truth lies in between.
        """
        passed = now - self._measured_from
        return self._accepted * (0.5 / max(1e-3, passed) + 0.5 / max(1e-3, passed - self._held_s))

    def refusals_with(self, began_at: float) -> int:
        """Return how many refusals there will be in a row once an attempt that began then has been refused."""
        return max(1, self.refusals + (began_at >= self._lowered_at))

    def hold(self, now: float, until: float) -> None:
        """Let no call go before this time, and one at this time."""
        if until > self.held_until:
            self._held_s += until - max(now, self.held_until)
            self.held_until = self._grows_from = self._refilled_at = until
            self._tokens = 1.0

    def answered(self, began_at: float) -> None:
        """Record an answer: refusals are counted anew, unless the attempt began before the last one."""
        if began_at >= self._lowered_at:
            self.refusals = 0

    def is_forgotten(self, now: float) -> bool:
        """Return whether the leg may be treated again as if it had no limit."""
        return not self._waiting and now > max(self._used_at, self.held_until) + FORGET_S
