"""What an attempt says of its service."""

from __future__ import annotations

from typing import NamedTuple

from ...records.trail import Attempt

ANSWERED = "ok"
LIMITED = "limited"
"""Refused for rate."""
STARTED = ("cut", "stall")
"""Endings of an answer that had begun."""
_SILENT = ("no content", "no complete")
"""How the messages of `types/time_limit.py` begin if a service did not answer in time."""


class Seen(NamedTuple):
    """One attempt on a service."""

    at: float
    """When it began, in seconds from the first call of the record."""
    kind: str
    """`ANSWERED`, `LIMITED`, a status, or one of `scenario.ENDINGS`."""
    lasted: float
    latency: float | None = None
    """Of an answer: seconds to the first content of a stream, or to a whole answer."""
    attempt: Attempt | None = None


def seen(attempt: Attempt, began_at: float) -> Seen | None:
    """Return what an attempt says; None if it says nothing: it was cancelled, or another leg was faster."""
    kind = _kind(attempt)
    if kind is None or attempt.duration is None:
        return None
    latency = None
    if kind == ANSWERED:
        latency = attempt.duration if attempt.first_token is None else attempt.first_token
    return Seen(attempt.started_at - began_at, kind, attempt.duration, latency, attempt)


def _kind(attempt: Attempt) -> str | None:
    outcome, message = attempt.outcome, attempt.message or ""
    if outcome == "ok":
        return ANSWERED
    if outcome == "RateLimitError":
        return LIMITED
    if outcome == "ConnectionFailedError":
        return "refused" if "refuse" in message else "reset" if not attempt.unsent else "unreachable"
    if attempt.unsent:
        return None
    if outcome == "ProviderTimeoutError":
        silent = message.startswith(_SILENT)
        return "hang" if silent else "stall" if attempt.first_token is not None else "unreachable"
    if outcome == "StreamInterruptedError":
        return "stall" if "no more content" in message else "cut"
    if outcome == "MalformedResponseError":
        return "reset"  # of what a modelled service does, this is the one that the router takes alike
    if outcome == "DeadlineExceededError":
        return "hang"
    return str(attempt.status) if attempt.status is not None and 400 <= attempt.status <= 599 else None
