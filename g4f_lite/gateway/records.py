"""What the library tells of each call while it is answered: its trail, and one line in the log."""

from __future__ import annotations

import json
import logging
import time
from contextvars import ContextVar

from ..plugins.hookspecs import hookimpl
from ..trail import Trail

log = logging.getLogger("g4f_lite.gateway")

current: ContextVar[Record] = ContextVar("current")
"""The record of the call under way: hooks run in the task of its caller."""


class Record:
    """
    One call of a caller.

    Args:
        key: the name of the caller's key.
        model: the name that was asked for.
    """

    def __init__(self, request_id: str, key: str, operation: str, model: str) -> None:
        self.request_id = request_id
        self.key = key
        self.operation = operation
        self.model = model
        self.trail: Trail | None = None
        self._began = time.time()
        self._clock = time.perf_counter()

    def line(self, status: int) -> str:
        """
        Return the record as JSON, without anything that was said.

        Args:
            status: of the answer; 499 if the caller has left.
        """
        trail = self.trail
        found = {
            "at": round(self._began, 3),
            "id": self.request_id,
            "key": self.key,
            "operation": self.operation,
            "model": self.model,
            "status": status,
            "seconds": round(time.perf_counter() - self._clock, 4),
        }
        if trail is not None:
            attempts = trail.attempts
            usage = trail.usage
            found |= {"outcome": trail.outcome or "", "attempts": [str(one) for one in attempts]}
            if usage is not None:
                found["tokens"] = usage.total_tokens or 0
            if (cost := trail.cost) is not None:
                found["usd"] = cost
        return json.dumps(found, ensure_ascii=False)


class Recorder:
    """The plugin that keeps the trail of each call for its record."""

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        if (record := current.get(None)) is not None:
            record.trail = trail
