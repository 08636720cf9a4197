"""What the library tells of each call while it is answered: its trail, and one line in the log."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar

import msgspec

from ..plugins.hookspecs import hookimpl
from ..trail import Trail
from ..value import JSONObject

log = logging.getLogger("g4f_lite.gateway")

current: ContextVar[Record] = ContextVar("current")
"""The record of the call under way: hooks run in the task of its caller."""


_LONGEST_NAME = 200
"""Characters that are kept of the name that a caller has made up."""


class Record:
    """
    One call of a caller.

    Args:
        key: the name of the caller's key.
        team: of the key.
        model: the name that was asked for.
        streams: whether the answer is a stream.
    """

    def __init__(
        self, request_id: str, key: str, operation: str, model: str, *, team: str | None = None, streams: bool = False
    ) -> None:
        self.request_id = request_id
        self.key = key
        self.team = team
        self.operation = operation
        self.model = model[:_LONGEST_NAME]
        self.streams = streams
        self.trail: Trail | None = None
        self.cost: float | None = None
        """USD, as far as it is known."""
        self.messages: dict[int, str] = {}
        """What services have said of failed attempts, by `Attempt.index`, without what they quote of the prompt."""
        self.refusal: str | None = None
        """What the caller was told, if the gateway itself has refused the call."""
        self.status = 0
        """Of the answer; 499 if the caller has left; 0 until it has ended."""
        self.seconds = 0.0
        self.number = 0
        """Its place among the calls of this process."""
        self.began = time.time()
        self._clock = time.perf_counter()

    def end(self, status: int) -> None:
        """The call has ended."""
        self.status, self.seconds = status, time.perf_counter() - self._clock

    def line(self) -> str:
        """Return the record as JSON, without anything that was said, also by services in their errors."""
        trail = self.trail
        found: JSONObject = {
            "at": round(self.began, 3),
            "id": self.request_id,
            "key": self.key,
            "operation": self.operation,
            "model": self.model,
            "status": self.status,
            "seconds": round(self.seconds, 4),
        }
        if trail is not None:
            found["outcome"] = trail.outcome
            found["attempts"] = [
                {"route": one.route, "outcome": one.outcome, "status": one.status} for one in trail.attempts
            ]
            found["skipped"] = [one.route for one in trail.skipped if not one.lacks_key]
            if (usage := trail.usage) is not None:
                found["tokens"] = usage.total_tokens or 0
            if self.cost is not None:
                found["usd"] = self.cost
        return msgspec.json.encode(found).decode()


class Recorder:
    """The plugin that keeps the trail of each call for its record."""

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        if (record := current.get(None)) is not None:
            record.trail, record.cost = trail, trail.cost
