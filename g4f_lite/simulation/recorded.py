"""
Recorded trails: what `Trail.to_dict` gave, one call a line.

A line may hold more than the trail, as those of `g4f-lite logs --json` do: then the trail is its member `trail`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors.exceptions import ConfigurationError
from ..records.trail import Attempt, Skipped, Trail
from ..types.usage import Usage
from ..value import NOT_JSON


class _Row(msgspec.Struct):
    """What `Trail.to_dict` gives, as far as it is needed."""

    attempts: list[Attempt]
    outcome: str | None
    duration: float | None
    skipped: list[Skipped] = []
    call_id: str = ""
    operation: str = "chat"
    started_at: float | None = None


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


def recorded_calls(rows: Iterable[Any], source: str) -> list[RecordedCall]:
    """
    Return the calls of decoded rows, by their start.

    Raises:
        ConfigurationError: a row is no trail.
    """
    calls: list[RecordedCall] = []
    for number, row in enumerate(rows, 1):
        try:
            trail = _trail(row)
        except msgspec.ValidationError as error:
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
            yield from msgspec.json.decode(text)
        except NOT_JSON as error:
            raise ConfigurationError(f"{path} is no JSON: {error}") from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except NOT_JSON as error:
                raise ConfigurationError(f"{path}: line {number} is no JSON: {error}") from None


def _trail(row: Any) -> Trail:
    """
    Raises:
        msgspec.ValidationError: it is none.
    """
    if isinstance(row, dict) and row.get("trail"):
        row = row["trail"]
    read = msgspec.convert(row, _Row)
    times = [read.duration, read.started_at]
    for one in read.attempts:
        times += [one.started_at, one.duration, one.first_token, one.retry_after]
    if not all(time is None or 0 <= time < inf for time in times):
        raise msgspec.ValidationError("a time is below 0, or infinite")
    return Trail(
        entries=(*map(_with_usage, read.attempts), *read.skipped),
        call_id=read.call_id,
        operation=read.operation,
        outcome=read.outcome,
        duration=read.duration,
        started_at=read.started_at,
    )


def _with_usage(attempt: Attempt) -> Attempt:
    if attempt.usage is None:
        return attempt
    return msgspec.structs.replace(attempt, usage=msgspec.convert(attempt.usage, Usage))
