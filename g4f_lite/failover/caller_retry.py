"""
The caller's own tenacity objects: how long to wait before a leg is tried again, and when to stop.

Rule: they are asked about one leg alone, and whatever they raise becomes a `ConfigurationError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ..errors.exceptions import ConfigurationError, ProviderError
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted
from ..errors.signal_handlers import is_interruption

T = TypeVar("T")


class CallerRetry:
    """
    `retry_wait` and `retry_stop`, called with a `RetryCallState` for each leg.

    Args:
        wait: returns the seconds to wait; None if the caller did not set `retry_wait`.
        stop: returns whether to stop; None if the caller did not set `retry_stop`.
    """

    def __init__(self, wait: Callable[[Any], float] | None, stop: Callable[[Any], bool] | None) -> None:
        self._wait = wait
        self._stop = stop
        self._states: dict[Hashable, Any] = {}

    def failed(self, leg: Hashable, error: ProviderError, *, number: int, started_at: float, now: float) -> None:
        """
        Record a failure in the leg's state.

        Args:
            number: which attempt on this leg failed, 1 for the first.
            started_at: when it started, in monotonic seconds.
        """
        if self._wait is None and self._stop is None:
            return
        state = self._states.get(leg)
        if state is None:
            from tenacity import RetryCallState

            state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # no Retrying object drives it
            state.start_time = started_at
            self._states[leg] = state
        state.attempt_number = number
        state.set_exception((type(error), error, None))
        state.outcome_timestamp = now

    def stops(self, leg: Hashable) -> bool | None:
        """
        Return whether to stop trying this leg; None if the caller did not set `retry_stop`.

        Raises:
            ConfigurationError: the caller's object fails.
        """
        if self._stop is None:
            return None
        return _call("retry_stop", self._stop, bool, self._states[leg])

    def wait(self, leg: Hashable) -> float | None:
        """
        Return the seconds to wait; None if the caller did not set `retry_wait`.

        Raises:
            ConfigurationError: the caller's object fails, or does not return seconds.
        """
        if self._wait is None:
            return None
        wait = _call("retry_wait", self._wait, float, self._states[leg])
        if not math.isfinite(wait) or wait < 0:
            raise ConfigurationError(f"retry_wait must return seconds, not {quoted(wait)}")
        return wait

    def waits(self, leg: Hashable, seconds: float) -> None:
        """Record the wait before the leg is tried again."""
        if (state := self._states.get(leg)) is not None:
            state.idle_for += seconds


def _call(name: str, function: Callable[[Any], Any], convert: Callable[[Any], T], state: Any) -> T:
    try:
        return convert(function(state))
    except BaseException as bug:  # the plugin border
        if is_interruption(bug):
            raise
        raise ConfigurationError(f"{name} failed: {describe(bug)} (at {place_of(bug, function)})") from bug
