"""The caller's own tenacity objects: when a leg is tried again, and when no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ..errors.exceptions import ConfigurationError, ProviderError

T = TypeVar("T")


class CallerRetry:
    """
    `retry_wait` and `retry_stop`, asked with a `RetryCallState` of one leg alone.

    Both raise:
        ConfigurationError: the caller's object fails, or returns what is no wait.
    """

    def __init__(self, wait: Callable[[Any], float] | None, stop: Callable[[Any], bool] | None) -> None:
        self._wait = wait
        self._stop = stop
        self._states: dict[Hashable, Any] = {}

    def failed(self, leg: Hashable, error: ProviderError, *, number: int, started_at: float, now: float) -> None:
        """Write a failure into the leg's state: its `number`-th attempt, on the monotonic clock."""
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
        """Tell whether the leg is left; None if the caller has no word in it."""
        if self._stop is None:
            return None
        return bool(_asked("retry_stop", self._stop, self._states[leg]))

    def wait(self, leg: Hashable) -> float | None:
        """Return the seconds to wait; None if the caller has no word in it."""
        if self._wait is None:
            return None
        wait = _asked("retry_wait", lambda state: float(self._wait(state)), self._states[leg])  # type: ignore[misc]
        if not math.isfinite(wait) or wait < 0:
            raise ConfigurationError(f"retry_wait must return seconds, not {wait!r}")
        return wait

    def waits(self, leg: Hashable, seconds: float) -> None:
        """The leg is tried again after so many seconds."""
        if (state := self._states.get(leg)) is not None:
            state.idle_for += seconds


def _asked(name: str, question: Callable[[Any], T], state: Any) -> T:
    try:
        return question(state)
    except Exception as bug:
        raise ConfigurationError(f"{name} failed: {type(bug).__name__}: {bug}") from bug
