"""The time limit of one attempt, moved forward as data arrives."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from ..errors.exceptions import DeadlineExceededError, ProviderError, ProviderTimeoutError
from .timeouts import DefaultSeconds, Timeouts

Phase: TypeAlias = Literal["connect", "first_token", "stall", "total"]


class Clock(Protocol):
    """The module `time`, or a test's own."""

    def monotonic(self) -> float: ...
    def time(self) -> float: ...


class TimeLimit:
    """
    When an attempt ends at the latest, on the monotonic clock, and which limit that is.

    Args:
        timeouts: those of this attempt.
        deadline_at: the call's end.
        stream: limits of a stream: `first_token`, then `stall`.
        bounded: the deadline holds for a stream to its end, not only to its first content.
        patient: the default limits of an answer's start do not hold (the last leg).
    """

    def __init__(
        self,
        clock: Clock,
        timeouts: Timeouts,
        deadline_at: float,
        *,
        stream: bool = False,
        bounded: bool = False,
        patient: bool = False,
    ) -> None:
        self._clock = clock
        self._deadline_at = deadline_at
        self._phase: Phase = "first_token" if stream else "total"
        self._limit = timeouts.first_token if stream else timeouts.total
        if patient and isinstance(self._limit, DefaultSeconds):
            self._limit = None
        self._stall = timeouts.stall
        self._bounded = bounded or not stream
        self.connect = timeouts.connect
        self.started_at = self._paused_at = clock.monotonic()
        self.expires_at = deadline_at
        if self._limit is not None:
            self.expires_at = min(deadline_at, self.started_at + self._limit)

    def now(self) -> float:
        return self._clock.monotonic()

    def remaining(self) -> float:
        """
        Return the seconds that are left, above 0.

        Raises:
            DeadlineExceededError, ProviderTimeoutError: nothing is left.
        """
        left = self.expires_at - self._clock.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def connect_remaining(self) -> float:
        """As `remaining`, for establishing a connection: over all addresses of the host together."""
        if self.connect is None:
            return self.remaining()
        now = self._clock.monotonic()
        if now >= self.expires_at:
            raise self.error()
        if (left := min(self.expires_at, self.started_at + self.connect) - now) <= 0:
            raise self.connect_error()
        return left

    def expired(self) -> bool:
        return self._clock.monotonic() >= self.expires_at

    def on_content(self) -> None:
        """Content has come: from here `stall` rules."""
        self._phase = "stall"
        self._limit = self._stall
        self.expires_at = float("inf") if self._stall is None else self._clock.monotonic() + self._stall
        if self._bounded:
            self.expires_at = min(self.expires_at, self._deadline_at)

    def extend(self) -> None:
        """A piece of an upload has gone out: `total` counts from here."""
        if self._limit is not None:
            self.expires_at = min(self._deadline_at, self._clock.monotonic() + self._limit)

    def pause(self) -> None:
        """The caller has the chunks: its time does not count as a stall."""
        self._paused_at = self._clock.monotonic()

    def resume(self) -> None:
        """The caller is back for more."""
        if self._phase == "stall":
            self.expires_at += self._clock.monotonic() - self._paused_at
            if self._bounded:
                self.expires_at = min(self.expires_at, self._deadline_at)

    def error(self) -> ProviderError:
        """Return the exception for the limit that has been reached."""
        if self.expires_at >= self._deadline_at and (self._bounded or self._phase != "stall"):
            return DeadlineExceededError("the deadline of the call has passed")
        messages: dict[Phase, str] = {
            "first_token": f"no content within {self._limit:g} s",
            "stall": f"no more content for {self._limit:g} s",
            "total": f"no whole answer within {self._limit:g} s",
        }
        return ProviderTimeoutError(messages[self._phase], phase=self._phase)

    def connect_error(self) -> ProviderError:
        """Return the exception for a connection that was not established in time."""
        if self.expired():
            return self.error()
        return ProviderTimeoutError(f"no connection within {self.connect:g} s", phase="connect")
