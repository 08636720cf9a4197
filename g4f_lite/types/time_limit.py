"""The limits of an attempt: its time, extended as data arrives, and its bytes. No waiting: the transports ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from ..errors.exceptions import DeadlineExceededError, ProviderError, ProviderTimeoutError
from .checks import LONGEST
from .size_limits import MAX_RESPONSE_BODY
from .timeouts import DefaultSeconds, Timeouts

Phase: TypeAlias = Literal["connect", "first_token", "stall", "total"]
_NEVER = float("inf")


_MISSING: dict[Phase, str] = {
    "connect": "no connection within",
    "first_token": "no content within",
    "stall": "no more content for",
    "total": "no complete answer within",
}


class Clock(Protocol):
    """The module `time`, or a test's clock."""

    def monotonic(self) -> float: ...
    def time(self) -> float: ...


class TimeLimit:
    """
    The moment on the monotonic clock at which an attempt ends, and the limit that ends it.

    Args:
        timeouts: the limits of this attempt.
        deadline_at: the end of the call.
        stream: use the limits of a stream: `first_token`, then `stall`.
        bounded: the deadline applies to a stream until its end, not only until its first content.
        patient: the default limits of `first_token` and `total` do not apply (the last leg).
        thinks: the model thinks before it answers: the default of `first_token` is stretched.
        max_bytes: of a whole answer, for those who read it; `size_limits.py` derives the other limits of size from it.
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
        thinks: bool = False,
        max_bytes: int = MAX_RESPONSE_BODY,
    ) -> None:
        self._clock = clock
        self._deadline_at = deadline_at
        self._phase: Phase = "first_token" if stream else "total"
        self._limit = timeouts.first_token if stream else timeouts.total
        if (patient or thinks) and isinstance(self._limit, DefaultSeconds):
            self._limit = None if patient else self._limit.stretched
        self._stall = timeouts.stall
        self._content_by = _NEVER
        """When the default of `stall` ends the attempt even if the service shows that it works."""
        self._bounded = bounded or not stream
        self.connect = timeouts.connect
        self.max_bytes = max_bytes
        self.started_at = self.headers_at = self._paused_at = self._connecting_since = clock.monotonic()
        self.expires_at = deadline_at
        if self._limit is not None:
            self.expires_at = min(deadline_at, self.started_at + self._limit)

    end_wait: Callable[[], None] | None = None
    """Ends, from any thread, what `Client` waits for on a connection; None if it has none."""

    def interrupt(self) -> None:
        """End the attempt, from another thread: nobody waits for its answer any more."""
        self.expires_at = -_NEVER
        if (end_wait := self.end_wait) is not None:
            end_wait()

    def now(self) -> float:
        return self._clock.monotonic()

    def left(self) -> float:
        """As `remaining`, but 0 if the limit has been reached."""
        return max(0.0, self.expires_at - self._clock.monotonic())

    def remaining(self) -> float:
        """
        Return the seconds that remain, above 0; `LONGEST` if there is no limit.

        Raises:
            DeadlineExceededError, ProviderTimeoutError: the limit has been reached.
        """
        left = self.expires_at - self._clock.monotonic()
        if left <= 0:
            raise self.error()
        return left if left < LONGEST else LONGEST

    def start_connecting(self) -> float:
        """As `connect_remaining`, from now on: the attempt may have waited for a key or for a list of models first."""
        if self.connect is None:
            return self.remaining()
        self._connecting_since = now = self._clock.monotonic()
        if now >= self.expires_at:
            raise self.error()
        return min(self.expires_at - now, self.connect)

    def connect_remaining(self) -> float:
        """As `remaining`, for connecting: the limit covers all addresses of the host together."""
        if self.connect is None:
            return self.remaining()
        now = self._clock.monotonic()
        if now >= self.expires_at:
            raise self.error()
        if (left := min(self.expires_at, self._connecting_since + self.connect) - now) <= 0:
            raise self.connect_error()
        return left

    def on_headers(self) -> None:
        """Call this when the headers of an answer have arrived: what they say is counted from now on."""
        self.headers_at = self._clock.monotonic()

    def expired(self) -> bool:
        return self._clock.monotonic() >= self.expires_at

    def on_content(self) -> None:
        """Call this when content has arrived: from then on `stall` applies."""
        self._phase = "stall"
        stall = self._limit = self._stall
        if stall is None:
            self.expires_at = _NEVER
        else:
            now = self._clock.monotonic()
            self.expires_at = now + stall
            if isinstance(stall, DefaultSeconds):
                self._content_by = now + stall.stretched
        if self._bounded:
            self.expires_at = min(self.expires_at, self._deadline_at)

    def on_sign_of_work(self) -> None:
        """Call this when something other than content or a comment has arrived: the default of `stall` starts again."""
        if self._phase == "stall" and isinstance(self._stall, DefaultSeconds):
            silent_until = self._clock.monotonic() + self._stall
            self._limit = self._stall if silent_until < self._content_by else self._stall.stretched
            self.expires_at = min(silent_until, self._content_by)
            if self._bounded:
                self.expires_at = min(self.expires_at, self._deadline_at)

    def extend(self) -> None:
        """Call this when a piece of an upload was sent: `total` starts again."""
        if self._limit is not None:
            self.expires_at = min(self._deadline_at, self._clock.monotonic() + self._limit)

    def pause(self) -> None:
        """Call this when the caller gets a chunk: the caller's time does not count as a stall."""
        self._paused_at = self._clock.monotonic()

    def resume(self) -> None:
        """Call this when the caller asks for the next chunk."""
        if self._phase == "stall":
            paused = self._clock.monotonic() - self._paused_at
            self.expires_at += paused
            self._content_by += paused
            if self._bounded:
                self.expires_at = min(self.expires_at, self._deadline_at)

    def error(self) -> ProviderError:
        """Return the exception for the limit that was reached."""
        if self.expires_at >= self._deadline_at and (self._bounded or self._phase != "stall"):
            return DeadlineExceededError("the deadline of the call has passed")
        # Without a limit, only the short time for the end of a body can be over.
        span = "the time allowed" if self._limit is None else f"{self._limit:g} s"
        return ProviderTimeoutError(f"{_MISSING[self._phase]} {span}", phase=self._phase)

    def connect_error(self) -> ProviderError:
        """Return the exception for a connection that was not established in time."""
        if self.expired():
            return self.error()
        # Without a limit, it is the system's.
        span = "the time that the system allows" if self.connect is None else f"{self.connect:g} s"
        return ProviderTimeoutError(f"{_MISSING['connect']} {span}", phase="connect")
