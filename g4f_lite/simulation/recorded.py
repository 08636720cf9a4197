"""
Recorded trails: what `Trail.to_dict` gave, one call a line.

A line may hold more than the trail, as those of `g4f-lite logs --json` do: then the trail is its member `trail`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors.exceptions import ConfigurationError
from ..records.trail import Attempt, Skipped, Trail
from ..types.usage import Usage

_FIELDS = frozenset(Attempt.__struct_fields__)


class RecordedCall(NamedTuple):
    """One call that was made."""

    start: float
    """Unix time."""
    trail: Trail

    @property
    def end(self) -> float:
        """Unix time."""
        return self.start + (self.trail.duration or 0.0)


def read_trails(path: str | Path) -> list[RecordedCall]:
    """
    Return the recorded calls that have ended, by their start.

    Args:
        path: a file of JSON lines, or of one JSON array.

    Raises:
        ConfigurationError: the file cannot be read, or has no trail.
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    calls = [] if not text.strip() else recorded_calls(_objects(text, str(path)), str(path))
    if not calls:
        raise ConfigurationError(f"{path} has no trail of a chat that was sent")
    return calls


def recorded_calls(rows: Iterable[Any], source: str = "") -> list[RecordedCall]:
    """
    Return the calls of decoded rows, by their start.

    Raises:
        ConfigurationError: a row is no trail.
    """
    calls: list[RecordedCall] = []
    for number, row in enumerate(rows, 1):
        try:
            trail = _trail(row)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise ConfigurationError(f"{source}: line {number} is no trail: {error}") from None
        start = _start(trail)
        if trail.operation == "chat" and trail.outcome is not None and start is not None:
            calls.append(RecordedCall(start, trail))
    return sorted(calls, key=lambda call: call.start)


def _start(trail: Trail) -> float | None:
    """Return when a call began: before its first attempt, for which it may have waited in line."""
    if trail.started_at is not None or not trail.attempts:
        return trail.started_at
    end = max(one.started_at + (one.duration or 0.0) for one in trail.attempts)
    return min(trail.attempts[0].started_at, end - (trail.duration or 0.0))


def _objects(text: str, path: str) -> Iterator[Any]:
    if text.lstrip().startswith("["):
        try:
            yield from json.loads(text)
        except ValueError as error:
            raise ConfigurationError(f"{path} is no JSON: {error}") from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ConfigurationError(f"{path}: line {number} is no JSON: {error}") from None


def _trail(row: Any) -> Trail:
    row = row.get("trail") or row
    attempts = [_attempt(one) for one in row["attempts"]]
    skipped = [msgspec.convert(one, Skipped, strict=False) for one in row.get("skipped", ())]
    return Trail(
        entries=(*attempts, *skipped),
        call_id=str(row.get("call_id", "")),
        operation=row.get("operation", "chat"),
        outcome=row["outcome"],
        duration=row["duration"],
        started_at=row.get("started_at"),
    )


def _attempt(given: Any) -> Attempt:
    usage = given.get("usage")
    known = {name: value for name, value in given.items() if name in _FIELDS}
    known["usage"] = None if usage is None else msgspec.convert(usage, Usage)
    known["notes"], known["finish_reasons"] = tuple(given.get("notes", ())), tuple(given.get("finish_reasons", ()))
    return Attempt(**known)
