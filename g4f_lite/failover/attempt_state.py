"""What a plan knows of an attempt under way. No I/O."""

from __future__ import annotations

import msgspec

from ..provider.leg import Leg
from ..records.trail import Attempt
from ..types.time_limit import TimeLimit


class AttemptState:
    """An attempt under way."""

    __slots__ = ("answered", "attempt", "ended", "leg", "limit", "number", "probe")

    def __init__(self, leg: Leg, limit: TimeLimit, attempt: Attempt, number: int, *, probe: int) -> None:
        self.leg = leg
        self.limit = limit
        self.attempt = attempt
        self.number = number
        """Of all attempts of the client."""
        self.probe = probe
        self.ended: Attempt | None = None
        """Its record, once it has ended."""
        self.answered = False
        """It is a stream with content, which has told `Health` that the leg works."""

    def named(self, model: str) -> None:
        """Write the model that was looked up for a leg that names none."""
        self.attempt = msgspec.structs.replace(self.attempt, model=model)
