"""What stderr tells while a call is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import hookimpl
from .output import note

if TYPE_CHECKING:
    from ..trail import Attempt

NOTICED_S = 1.0
"""A shorter wait goes unnoticed."""


class Narrator:
    """A plugin that says what a long silence is about."""

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        if attempt.wait is not None and attempt.wait >= NOTICED_S:
            route = f"{attempt.provider}:{attempt.model}"
            note(f"{route} failed ({attempt.message or attempt.outcome}); it is tried again in {attempt.wait:.0f} s.")
