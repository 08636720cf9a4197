"""
The waits between the attempts of asynchronous calls, for one who makes many calls: what they wait for, and how to end
those that only wait. What an attempt itself waits for is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Plan


class Waits:
    """The waits that are under way; a call belongs to these if `WAITS` has them in its context."""

    def __init__(self) -> None:
        self.ended = False
        """A call that would wait is cancelled."""
        self._ends: dict[Plan, Callable[[], object]] = {}

    @property
    def plans(self) -> Iterable[Plan]:
        """Those of the calls that wait."""
        return self._ends.keys()

    def begin(self, plan: Plan, end: Callable[[], object]) -> None:
        """
        Args:
            end: cancels the wait.
        """
        self._ends[plan] = end
        if self.ended:
            end()

    def over(self, plan: Plan) -> None:
        self._ends.pop(plan, None)

    def end(self) -> None:
        """Cancel all waits, and those to come."""
        self.ended = True
        for end in list(self._ends.values()):
            end()


WAITS: ContextVar[Waits | None] = ContextVar("g4f_lite_waits", default=None)
