"""The state of each route in this process: what the library plans, and how its last attempts have ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from ...client.async_client import AsyncClient
from ...client.base import BY_HAND
from ...errors.exceptions import G4FLiteError
from ...errors.suggestions import did_you_mean
from ...records.trail import Attempt, Explanation, PlannedRoute, Skipped
from ...value import JSONObject
from ..failures import NO_SUCH_PATH, RefusedError
from ..models import Names, Target
from ..records import Record
from .recent import Recent
from .trails import first_content_of

SPARKS = 40
"""How many times to first content are told of a route."""
_MOST_SEEN = 200
"""Routes that are told only because callers have used them: a name with a star stands for as many as they make up."""
_OTHERS = ("LostRace", "CancelledError", "closed", None)
"""Outcomes of attempts that say nothing about the route."""


@dataclass
class _Row:
    """What is known of one route and endpoint."""

    models: list[str] = field(default_factory=list)
    planned: PlannedRoute | None = None
    left_out: Skipped | None = None
    attempts: int = 0
    failed: int = 0
    last: Attempt | None = None
    last_ok: float | None = None
    error: JSONObject | None = None
    sparks: deque[float] = field(default_factory=lambda: deque(maxlen=SPARKS))

    @property
    def state(self) -> str:
        if self.planned is None and self.left_out is not None:
            return "unusable" if self.left_out.ready_at is None else "resting"
        return "failing" if self.last is not None and self.last.outcome != "ok" else "ready"


_Table: TypeAlias = dict[tuple[str, str], _Row]
"""By route and endpoint."""


class Routes:
    """
    Args:
        names: that callers may ask for.
        explain: returns what a target would try now; asks no service.
        own: the client's routes; None if those with a key are used.
    """

    def __init__(
        self,
        client: AsyncClient,
        names: Names,
        explain: Callable[[Target], Explanation],
        recent: Recent,
        *,
        own: Sequence[str] | None,
    ) -> None:
        self._client = client
        self._names = names
        self._explain = explain
        self._recent = recent
        self._own = own or ()
        self._listed = own is not None or bool(names)

    def rows(self) -> list[JSONObject]:
        """Return the routes in the order of the configuration, then those that callers have named."""
        table: _Table = {}
        for name, target in self._names.targets():
            planned, skipped = _explained(partial(self._explain, target))
            order = target.each_route or self._own
            self._note(table, name, sorted([*planned, *skipped], key=partial(_place, order)))
        for record in self._recent.newest():
            for one in () if record.trail is None else record.trail.attempts:
                key = (one.route, one.operation)
                if key in table or len(table) < _MOST_SEEN:
                    _count(table.setdefault(key, _Row()), record, one)
        for (route, operation), row in table.items():
            if row.planned is None and row.left_out is None:
                self._look(route, operation, row)
        return [_as_json(route, operation, row) for (route, operation), row in table.items()]

    def _note(self, table: _Table, name: str, found: Iterable[PlannedRoute | Skipped]) -> None:
        for one in found:
            if isinstance(one, Skipped) and one.lacks_key and not self._listed:
                continue
            row = table.setdefault((_route(one), "chat"), _Row())
            row.models += [name] * (name not in row.models)
            if isinstance(one, Skipped):
                row.left_out = row.left_out or one
            else:
                row.planned = row.planned or one

    def _look(self, route: str, operation: str, row: _Row) -> None:
        """Ask the library about a route that no name of the configuration stands for."""
        provider, _, model = route.partition(":")
        planned, skipped = _explained(
            lambda: self._client.explain(
                operation=operation,  # type: ignore[arg-type]
                provider=provider,
                model=model or None,
                fallback_models=[],
            )
        )
        row.planned = next((one for one in planned if _route(one) == route), None)
        row.left_out = next((one for one in skipped if one.route == route), None)

    def rest(self, route: str, seconds: float) -> list[str]:
        """Put a route to rest, for all its endpoints that are known here. Return them. Raises as `wake`."""
        found = self._operations(route)
        for one in found:
            self._client.rest(route, seconds, operation=one)  # type: ignore[arg-type]
        return found

    def wake(self, route: str) -> list[str]:
        """
        Use a route again. Return its endpoints that are known here.

        Raises:
            RefusedError: there is no such route.
            G4FLiteError: it cannot be used.
        """
        found = self._operations(route)
        for one in found:
            self._client.wake(route, operation=one)  # type: ignore[arg-type]
        return found

    def _operations(self, route: str) -> list[str]:
        rows = self.rows()
        if found := [str(row["operation"]) for row in rows if row["route"] == route]:
            return found
        known = [str(row["route"]) for row in rows]
        raise RefusedError(NO_SUCH_PATH, f"there is no route {route[:80]!r} here{did_you_mean(route, known)}")


def _explained(ask: Callable[[], Explanation]) -> tuple[list[PlannedRoute], tuple[Skipped, ...]]:
    try:
        found = ask()
    except G4FLiteError as error:
        return [], error.trail.skipped
    return [one for tier in found.tiers for one in tier], found.skipped


def _route(one: PlannedRoute | Skipped) -> str:
    return f"{one.provider}:{one.model}" if one.model else one.provider


def _place(order: Sequence[str], one: PlannedRoute | Skipped) -> int:
    """Return where the configuration names a route: one that rests stays in its place."""
    names = (_route(one), one.provider)
    return next((index for index, name in enumerate(order) if name in names), len(order))


def _count(row: _Row, record: Record, one: Attempt) -> None:
    """Count an attempt; later ones have been counted before."""
    if one.outcome in _OTHERS:
        return
    row.attempts += 1
    row.last = row.last or one
    if (seconds := first_content_of(one)) is not None and len(row.sparks) < SPARKS:
        row.sparks.appendleft(seconds)
    if one.outcome == "ok":
        row.last_ok = row.last_ok or one.started_at
        return
    row.failed += 1
    row.error = row.error or {
        "at": one.started_at + (one.duration or 0.0),
        "outcome": one.outcome,
        "status": one.status,
        "message": record.messages.get(one.index),
        "call": record.request_id,
    }


def _as_json(route: str, operation: str, row: _Row) -> JSONObject:
    out = row.left_out if row.planned is None else None
    return {
        "route": route,
        "operation": operation,
        "state": row.state,
        "until": None if out is None or out.ready_at is None else round(out.ready_at, 1),
        "reason": None if out is None else out.reason,
        "by_hand": out is not None and out.message == BY_HAND,
        "error": row.error,
        "last_ok": row.last_ok,
        "attempts": row.attempts,
        "failed": row.failed,
        "first_content": [round(seconds, 4) for seconds in row.sparks],
        "models": row.models,
        "base_url": row.planned.base_url if row.planned is not None else None,
    }
