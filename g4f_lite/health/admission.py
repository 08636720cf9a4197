"""Whether a leg may be used now, and the words that say why not."""

from __future__ import annotations

import time
from typing import NamedTuple

from ..errors.exceptions import ProviderError
from ..provider.leg import Leg
from ..records.trail import Skipped
from .places import Turn

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


_A_DAY_S, FORESEEABLE_S = 86_400.0, 3e8
"""The time of day says when a shorter wait ends; what is longer than ten years has no end."""


def cooling_down(leg: Leg, admission: Admission, now: float, wall: float) -> Skipped:
    """Return why a leg is not used now, with the wait in line or the time of day at which it may be used again."""
    assert admission.error is not None
    error, message = type(admission.error).__name__, admission.error.message
    wait = admission.ready_at - now
    ready_at = wall + min(wait, FORESEEABLE_S)
    if (turn := admission.turn) is not None and (turn.first_at - now < LONGEST_SHORT_WAIT_S or not turn.rate):
        limit = f"limited to about {turn.rate:.2g} requests per second" if turn.rate else message
        limit += f", {turn.ahead} in line" * (turn.ahead > 0)
        after = f" after {error}" if turn.rate else ""
        reason = f"{limit}: the wait is about {turn.at - now:.1f} s{after}"
        return leg.skipped(reason, message=message if turn.rate else None, ready_at=ready_at)
    until = "further notice"
    if wait < FORESEEABLE_S:
        until = time.strftime("%H:%M:%S" if wait < _A_DAY_S else "%Y-%m-%d", time.localtime(wall + wait))
    return leg.skipped(f"cooling down until {until} after {error}", message=message, ready_at=ready_at)
