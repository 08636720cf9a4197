"""A call as JSON: one line for a list, and its whole trail. No I/O; points in time are Unix time."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...records.trail import Attempt
from ...value import JSONObject
from ..records import Record

REFUSED, LEFT = "refused", "caller left"
_LONGEST_LINE = 160


def line_of(record: Record) -> JSONObject:
    """Return the call as a list shows it."""
    trail = record.trail
    attempts = () if trail is None else trail.attempts
    last = attempts[-1] if attempts else None
    usage = None if trail is None else trail.usage
    return {
        "id": record.request_id,
        "number": record.number,
        "worker": record.worker or str(os.getpid()),
        "at": record.began,
        "seconds": record.seconds,
        "key": record.key,
        "team": record.team,
        "operation": record.operation,
        "model": record.model,
        "stream": record.streams,
        "status": record.status,
        "outcome": outcome_of(record),
        "route": None if last is None else last.route,
        "attempts": len(attempts),
        "first_content": _first_content(record),
        "usd": record.cost,
        "tokens": None if usage is None else usage.total_tokens,
        "error": _error(record, attempts),
    }


def outcome_of(record: Record) -> str:
    """Return how a call has ended: `ok`, the name of an exception, `closed`, `refused` or `caller left`."""
    if record.trail is not None:
        return record.trail.outcome or LEFT
    return LEFT if record.status == 499 else REFUSED


def routes_of(record: Record) -> set[str]:
    """Return the routes that a call has tried."""
    return set() if record.trail is None else {one.route for one in record.trail.attempts}


def trail_of(record: Record) -> JSONObject:
    """Return the whole call: its line, its attempts and waits in their order, and the routes that were left out."""
    trail = record.trail
    found = line_of(record)
    found["error"] = record.refusal or found["error"]
    found["steps"] = [] if trail is None else list(_steps(record, trail.attempts))
    found["skipped"] = (
        []
        if trail is None
        else [
            {"route": one.route, "reason": one.reason, "ready_at": one.ready_at}
            for one in trail.skipped
            if not one.lacks_key
        ]
    )
    return found


def _first_content(record: Record) -> float | None:
    """Return the seconds up to the first content: of a whole answer, up to its end."""
    if record.trail is None or record.trail.outcome not in ("ok", "closed"):
        return None
    for one in reversed(record.trail.attempts):
        if (seconds := first_content_of(one)) is not None:
            return max(0.0, one.started_at - record.began) + seconds
    return None


def first_content_of(attempt: Attempt) -> float | None:
    """Return the seconds of an attempt up to its first content; None if it has had none."""
    if attempt.first_token is not None:
        return attempt.first_token
    return attempt.duration if attempt.outcome == "ok" else None


def _error(record: Record, attempts: tuple[Attempt, ...]) -> str | None:
    if record.refusal is not None:
        return record.refusal[:_LONGEST_LINE]
    if outcome_of(record) in ("ok", "closed"):
        return None
    return next((said[:_LONGEST_LINE] for one in reversed(attempts) if (said := record.messages.get(one.index))), None)


def _steps(record: Record, attempts: tuple[Attempt, ...]) -> Iterator[JSONObject]:
    free_at, before = record.began, None
    for one in attempts:
        if one.index in record.waited and (waited := one.started_at - free_at) > 0:
            reason = None if before is None else before.reason
            yield {"kind": "wait", "after": free_at - record.began, "seconds": waited, "reason": reason}
        yield _attempt(record, one)
        free_at, before = max(free_at, one.started_at + (one.duration or 0.0)), one


def _attempt(record: Record, one: Attempt) -> JSONObject:
    usage = one.usage
    return {
        "kind": "attempt",
        "route": one.route,
        "key": one.key,
        "try": one.number,
        "after": max(0.0, one.started_at - record.began),
        "seconds": one.duration,
        "first_content": one.first_token,
        "outcome": one.outcome or LEFT,
        "status": one.status,
        "message": record.messages.get(one.index),
        "next": one.reason,
        "ready_at": one.ready_at,
        "notes": list(one.notes),
        "base_url": one.base_url,
        "request_id": one.request_id,
        "finish_reasons": list(one.finish_reasons),
        "response_model": one.response_model,
        "usage": None
        if usage is None
        else {
            "prompt": getattr(usage, "prompt_tokens", None),
            "completion": getattr(usage, "completion_tokens", None),
            "total": getattr(usage, "total_tokens", None),
        },
        "usd": one.cost,
    }
