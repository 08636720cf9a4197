"""The numbers of a job: how far it is, how fast, what it has cost, and how it has ended."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from ..value import Value
from .asking import Waiting
from .journal import Done
from .lines import Outcome

Ending: TypeAlias = Literal["complete", "cap", "failures", "interrupted"]
"""
Why a job has ended: each row was answered or has failed; no money is left; too many rows fail, or all of them; or it
was told to stop.
"""
_WINDOW_S = 30.0


class Counts(Value, frozen=True, kw_only=True):
    """How many rows have ended."""

    rows: int | None = None
    """All rows of the source; None if nobody knows before its end."""
    answered: int = 0
    failed: int = 0

    @property
    def left(self) -> int | None:
        """Rows that have not ended; None if nobody knows."""
        return None if self.rows is None else max(0, self.rows - self.answered - self.failed)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, with `left`."""
        return {**msgspec.to_builtins(self), "left": self.left}


class Progress(Counts, frozen=True, kw_only=True):
    """How far a job is. Rows of earlier runs are counted; tokens are those of this run."""

    elapsed_s: float = 0.0
    """Since this run began."""
    rows_per_s: float = 0.0
    """Of the last half minute, as `tokens_per_s`."""
    tokens_per_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """USD of the answers; None if no price is known."""
    expected_cost: float | None = None
    """USD of all rows, if the others cost as much as those that were answered."""
    left_s: float | None = None
    """Seconds to the end at this speed."""
    at_once: int = 0
    """Calls that are made at once."""
    waiting: int = 0
    """Rows that only wait: for a limit, before a retry, or until a route that rests may be asked again."""
    last_error: str | None = None
    """The latest failure in this run, of a row or of one that waits."""
    resting: dict[str, float] = {}
    """Routes that may not be asked now, and the Unix time at which each may be asked again."""
    stopping: bool = False
    """No more rows are asked: the run ends with the calls that are under way."""
    routes: dict[str, int] = {}
    """Answers by `provider:model`."""


class Summary(Progress, frozen=True, kw_only=True):
    """How a run has ended."""

    ending: Ending = "complete"
    reason: str | None = None
    """Why it has stopped, in words; None if it is complete."""


class Numbers:
    """
    Counts what ends.

    Args:
        now: monotonic seconds, when this run begins.
    """

    def __init__(self, done: Done, total: int | None, now: float) -> None:
        self.total = total
        self.answered, self.failed = done.answered, done.failed
        self.waiting = 0
        """Rows between two calls."""
        self.calls = Waiting()
        self.last_error: str | None = None
        self._cost = done.cost if done.cost else None
        self._routes: Counter[str] = done.routes
        self._prompt = self._completion = 0
        self._started_at = now
        self._marks: deque[tuple[float, int, int]] = deque([(now, done.answered + done.failed, 0)])

    @property
    def ended(self) -> int:
        return self.answered + self.failed

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count answers."""
        self.answered += len(outcomes)
        for outcome in outcomes:
            self._prompt += outcome.prompt_tokens
            self._completion += outcome.completion_tokens
            self._routes[outcome.route] += 1
            if outcome.cost is not None:
                self._cost = (self._cost or 0.0) + outcome.cost

    def look(self, calls: Waiting) -> None:
        """Take in what calls wait for."""
        self.calls = calls
        self.last_error = calls.error or self.last_error

    def mark(self, now: float) -> None:
        """Remember how far it is, for the speed."""
        self._marks.append((now, self.ended, self._prompt + self._completion))
        while len(self._marks) > 2 and now - self._marks[1][0] >= _WINDOW_S:
            self._marks.popleft()

    def at(self, now: float, at_once: int) -> dict[str, Any]:
        """Return the fields of `Progress`."""
        since, rows, tokens = self._marks[0]
        seconds = max(now - since, 1e-6)
        speed = (self.ended - rows) / seconds
        left = None if self.total is None else max(0, self.total - self.ended)
        has_share = self._cost is not None and self.answered and self.total is not None
        return {
            "rows": self.total,
            "answered": self.answered,
            "failed": self.failed,
            "elapsed_s": now - self._started_at,
            "rows_per_s": speed,
            "tokens_per_s": (self._prompt + self._completion - tokens) / seconds,
            "prompt_tokens": self._prompt,
            "completion_tokens": self._completion,
            "cost": self._cost,
            "expected_cost": (self._cost or 0.0) * (1 + (left or 0) / self.answered) if has_share else None,
            "left_s": None if left is None or not speed else left / speed,
            "at_once": at_once,
            "waiting": self.waiting + self.calls.calls,
            "last_error": self.last_error,
            "resting": self.calls.resting,
            "routes": dict(self._routes.most_common()),
        }
