"""Whether a leg may be used now, and the words that say why not."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ..errors.exceptions import DeadlineExceededError, ProviderError, ProviderTimeoutError, StreamInterruptedError
from ..provider.leg import Leg
from ..trail import Skipped
from .pressure import Turn

LONGEST_SHORT_WAIT_S = 10.0
"""A leg that takes the next request sooner is described as limited, else as cooling down."""


class Admission(NamedTuple):
    """Whether a leg may be used now; if not, when it may be used again, and the error that caused it."""

    ready_at: float = 0.0
    error: ProviderError | None = None
    probe: int = 0
    """The number of the probe that begins; what `check` returns only tells whether it would be one. 0: it is none."""
    turn: Turn | None = None
    """The place in the leg's line, if it has one."""

    @property
    def granted(self) -> bool:
        return self.error is None


_A_DAY_S, _FORESEEABLE_S = 86_400.0, 3e8
"""The time of day says when a shorter wait ends; what is longer than ten years has no end."""


def cooling_down(leg: Leg, admission: Admission, now: float, wall: float) -> Skipped:
    """Return why a leg is not used now, with the wait in line or the time of day at which it may be used again."""
    assert admission.error is not None
    error = f"{type(admission.error).__name__} ({admission.error.message})"
    if (turn := admission.turn) is not None and turn.first_at - now < LONGEST_SHORT_WAIT_S:
        limit = f"limited to about {turn.rate:.2g} requests per second" + (f", {turn.ahead} in line" * (turn.ahead > 0))
        return leg.skipped(f"{limit}: the wait is about {turn.at - now:.1f} s after {error}")
    wait = admission.ready_at - now
    until = "further notice"
    if wait < _FORESEEABLE_S:
        until = time.strftime("%H:%M:%S" if wait < _A_DAY_S else "%Y-%m-%d", time.localtime(wall + wait))
    return leg.skipped(f"cooling down until {until} after {error}")


def detached(error: ProviderError, message: str | None = None) -> ProviderError:
    """
    Return a copy to be kept for other calls: without traceback and trail, which would keep a whole call alive.

    Of an interrupted stream it is the cause: the text until then is for that call alone, and so is its deadline.
    """
    if isinstance(error, StreamInterruptedError):
        cause = error.__cause__
        of_leg = isinstance(cause, ProviderError) and not isinstance(cause, DeadlineExceededError)
        error = cause if of_leg else ProviderTimeoutError(error.message)  # type: ignore[assignment]
    kind: Any = type(error)
    while kind.__module__ != "builtins":  # OSError, say, makes objects of another layout than Exception
        kind = kind.__base__
    copy: ProviderError = kind.__new__(type(error))
    vars(copy).update({name: value for name, value in vars(error).items() if name not in ("trail", "retry_at")})
    copy.args = (error.message if message is None else message,)
    return copy
