"""When a breaker opens, and for how long: what the caller declares."""

from __future__ import annotations

from math import inf

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..value import Value


class Breaker(Value, frozen=True, kw_only=True):
    """
    When calls are kept off a leg, or off all legs of an origin, and for how long.

    Raises:
        ConfigurationError: a value cannot work.
    """

    failures: int = 3
    """It opens after so many transient failures in a row."""
    share: float = 0.5
    """Also if this share of at least ten attempts of the window failed: above 0, and 1 at most."""
    window: float = 60.0
    """Seconds. The last 64 outcomes of them are remembered."""
    rest: float = 5.0
    """Seconds for which it stays open, doubled by each probe that fails."""
    longest_rest: float = 30.0
    """Seconds, at least `rest`."""

    def __post_init__(self) -> None:
        if isinstance(self.failures, bool) or not isinstance(self.failures, int) or self.failures < 1:
            raise ConfigurationError(f"Breaker.failures must be a whole number above 0, not {quoted(self.failures)}")
        for name, most in (("share", 1.0), ("window", inf), ("rest", inf), ("longest_rest", inf)):
            value = getattr(self, name)
            sound = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= most
            if not sound or value == inf:
                bound = "above 0, and 1 at most" if name == "share" else "of seconds above 0"
                raise ConfigurationError(f"Breaker.{name} must be a number {bound}; not {quoted(value)}")
        if self.longest_rest < self.rest:
            raise ConfigurationError(
                f"Breaker.longest_rest must be at least rest, which is {quoted(self.rest)};"
                f" not {quoted(self.longest_rest)}"
            )
