"""
How many calls are made at once.

`auto` begins with a few, and adds more while that lets more rows end in a second and nothing is limited; a service that
refuses for its rate is asked by fewer. The line at a limited leg is the client's (docs/failover.md): here is only how
many stand in it.

Rule: pure; times are monotonic seconds and are passed in.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted

AtOnce: TypeAlias = int | Literal["auto"]

FEWEST, MOST = 8, 1024
"""Fewer would not use up the rate that a leg allows, and so the client would never learn a higher one."""
_GROWS, _SHRINKS = 1.5, 0.7
_WORTH = 1.05
"""How many times as many rows must end in a second for the calls that were added to stay."""
_SHORTEST_S = 0.5
_RESTS_AFTER_NO_GAIN, _RESTS_AFTER_REFUSAL = 10, 1
"""Windows without a change."""


class Pace:
    """
    Args:
        at_once: a number that stays, or `auto`.

    Raises:
        ConfigurationError: it is neither.
    """

    def __init__(self, at_once: AtOnce) -> None:
        if at_once != "auto" and (isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1):
            raise ConfigurationError(f"at_once must be 'auto' or a whole number above 0, not {quoted(at_once)}")
        self._is_auto = at_once == "auto"
        self.at_once: int = FEWEST if at_once == "auto" else at_once
        self._before = 0
        """How many there were before the last growth; 0 if the last window did not follow one."""
        self._rate = 0.0
        """Rows a second in the window before."""
        self._rests = 0
        self._begun: float | None = None
        self._ended = 0
        self._limited = False

    def ended(self, now: float, *, limited: bool) -> None:
        """
        Count a row that has ended.

        Args:
            limited: one of its attempts was refused for its rate.
        """
        if not self._is_auto:
            return
        if self._begun is None:
            self._begun = now
        self._ended += 1
        if limited and not self._limited:
            self._limited = True
            self._before, self._rests = 0, _RESTS_AFTER_REFUSAL
            self.at_once = max(FEWEST, int(self.at_once * _SHRINKS))
        if self._ended >= 2 * self.at_once and now - self._begun >= _SHORTEST_S:
            self._close_window(now, self._ended / (now - self._begun))

    def _close_window(self, now: float, rate: float) -> None:
        was_limited, self._limited = self._limited, False
        self._begun, self._ended = now, 0
        if was_limited:
            pass
        elif self._before and rate < self._rate * _WORTH:
            self.at_once, self._before, self._rests = self._before, 0, _RESTS_AFTER_NO_GAIN
        elif self._rests:
            self._rests -= 1
        else:
            self._before = self.at_once
            self.at_once = min(MOST, int(self.at_once * _GROWS) + 1)
        self._rate = rate
