"""Notes on stderr while a call is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plugins.hookspecs import hookimpl
from .output import note

if TYPE_CHECKING:
    from ..records.trail import Attempt

NOTICED_S = 1.0
"""Waits shorter than this, in seconds, print no note."""


class WaitNotes:
    """A plugin that prints a note before a long wait."""

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        if attempt.wait is not None and attempt.wait >= NOTICED_S:
            route = f"{attempt.provider}:{attempt.model}"
            note(f"{route} failed ({attempt.message or attempt.outcome}); retrying in {attempt.wait:.0f} s.")
