"""The lines of the log, which are JSON: of events that are no call, and how all of them are written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TextIO

import msgspec

from ..records.trail import Trail

_TOGETHER_S = 0.05
_CLOSE_S = 2.0
_NO_FAILURES = ("ok", "RateLimitError")
_MOST_DOWN = 1000
"""Callers may make up names of routes."""


def event_line(event: str, **more: Any) -> str:
    """Return the line of what is no call, as JSON: when, what, and more about it."""
    return msgspec.json.encode({"at": round(time.time(), 3), "event": event, **more}).decode()


class RouteLines:
    """
    Writes a line when a failure keeps calls off a route, and one when that route has answered again.

    Limits are none: they come and go.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self.down: set[str] = set()

    def note(self, trail: Trail) -> None:
        """See what a call has met."""
        for one in trail.attempts:
            if one.route in self.down:
                if one.outcome == "ok":
                    self.down.discard(one.route)
                    self._write(event_line("route_up", route=one.route))
            elif one.ready_at is not None and one.outcome not in _NO_FAILURES and len(self.down) < _MOST_DOWN:
                self.down.add(one.route)
                said = {"until": round(one.ready_at, 3), "outcome": one.outcome, "status": one.status}
                self._write(event_line("route_down", route=one.route, **said))


class LineFormatter(logging.Formatter):
    """Makes a line of JSON of what is logged; what is JSON already stays as it is."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if text.startswith("{"):
            return text
        more = {"level": record.levelname.lower(), "message": text}
        if record.exc_info:
            more["trace"] = self.formatException(record.exc_info)
        return event_line(getattr(record, "event", "message"), **more)


class LineWriter:
    """
    Writes lines to a file from a thread, those of a moment together: the loop waits for no file.

    Args:
        file: is flushed after each time.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="g4f_lite gateway log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        self._lines.put(line)

    def close(self) -> None:
        """Write what waits, and end."""
        self._lines.put(None)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            lines = [self._lines.get()]
            time.sleep(_TOGETHER_S)
            try:
                while lines[-1] is not None:
                    lines.append(self._lines.get_nowait())
            except Empty:
                pass
            goes_on = lines[-1] is not None
            try:
                self._file.write("".join([f"{line}\n" for line in lines if line is not None]))
                self._file.flush()
            except (OSError, ValueError):  # a log that cannot be written ends no call
                continue
