"""What the library tells of each call while it is answered: its trail, and what is logged of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import msgspec

from ..errors.exceptions import ProviderError
from ..observability.content import Content
from ..plugins.hookspecs import hookimpl
from ..records.trail import Attempt, CallInfo, Trail, Wait
from ..value import JSONObject
from .quoting import texts_of, without_quotes

current: ContextVar[Record] = ContextVar("current")
"""The record of the call under way: hooks run in the task of its caller."""

_encode = msgspec.json.Encoder().encode
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_ERROR = 200, 10_000, 300
"""Characters kept of the name that a caller has made up, of each text that is logged, and of an error in the log."""
_ABOUT_REQUEST = (400, 413, 422)
"""What a service says then is not logged: it may tell of the prompt in words of its own."""


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
        self.charged: int | None = None
        """What is counted of the key's budget, in nano-dollars: more than the cost if a service has said nothing."""
        self.messages: dict[int, str] = {}
        """What services have said of failed attempts, by `Attempt.index`, without what they quote of the prompt."""
        self.begun = 0
        """How many attempts have begun."""
        self.waited: set[int] = set()
        """The attempts before which the call has waited, by `Attempt.index`."""
        self.code: str | None = None
        """Of the error that the caller was told."""
        self.error: str | None = None
        """That error, without what it quotes of the prompt; only for the log."""
        self.refusal: str | None = None
        """What the caller was told, if the gateway itself has refused the call."""
        self.status = 0
        """Of the answer; 499 if the caller has left; 0 until it has ended."""
        self.seconds = 0.0
        self.asked: str | None = None
        self.answered: str | None = None
        """What was asked and answered, as JSON; only for the log, and only if `log_calls` says so."""
        self.fields: Mapping[str, Any] = {}
        """Of the request, until the call has ended."""
        self.number = 0
        """When it ended, in microseconds of Unix time; of each call of a process another one."""
        self.worker = ""
        """The process in which it has ended, if that is another one."""
        self.began = time.time()
        self._clock = time.perf_counter()

    def fail(self, code: str, message: str) -> None:
        """The caller was told of an error."""
        self.code = code
        attempts = () if self.trail is None else self.trail.attempts
        if not any(one.status in _ABOUT_REQUEST for one in attempts):
            self.error = without_quotes(message, texts_of(self.fields))[:_LONGEST_ERROR]
        if self.trail is None:
            self.refusal = message

    def end(self, status: int) -> None:
        """The call has ended."""
        self.fields = {}
        self.status, self.seconds = status, time.perf_counter() - self._clock

    def line(self) -> str:
        """Return the record as JSON; forget what was said."""
        found: JSONObject = {
            "at": round(self.began, 3),
            "id": self.request_id,
            "key": self.key,
            "operation": self.operation,
            "model": self.model,
            "status": self.status,
            "seconds": round(self.seconds, 4),
        }
        if self.code is not None:
            found["code"] = self.code
            if self.error is not None:
                found["error"] = self.error
        if (trail := self.trail) is not None:
            attempts, skipped, usage = [], [], None
            for one in trail.entries:
                if isinstance(one, Attempt):
                    attempts.append({"route": one.route, "outcome": one.outcome, "status": one.status})
                    usage = usage if one.usage is None else one.usage
                elif not one.lacks_key:
                    skipped.append(one.route)
            found["outcome"], found["attempts"], found["skipped"] = trail.outcome, attempts, skipped
            if usage is not None:
                found["tokens"] = usage.total_tokens or 0
            if self.cost is not None:
                found["usd"] = self.cost
        if self.charged is not None:
            found["charged_nano_usd"] = self.charged
        if self.asked is not None:
            found["asked"] = msgspec.Raw(self.asked.encode())
        if self.answered is not None:
            found["answered"] = msgspec.Raw(self.answered.encode())
        self.asked = self.answered = None
        return _encode(found).decode()


class Recorder:
    """
    The plugin that keeps the trail of each call, and where it has waited, for its record; errors lose what they quote.

    Args:
        content: also what was asked and answered in a chat.
    """

    def __init__(self, *, content: bool = False) -> None:
        if not content:
            return
        texts = Content(None, _LONGEST_TEXT)

        def call_started(call: CallInfo) -> None:
            messages = getattr(call.request, "messages", None)
            if messages is not None and (record := current.get(None)) is not None:
                record.asked = texts.asked(messages)

        def call_answered(answer: Any) -> None:
            if hasattr(answer, "choices") and (record := current.get(None)) is not None:
                record.answered = texts.answered(answer)

        self.call_started, self.call_answered = hookimpl(call_started), hookimpl(call_answered)

    @hookimpl
    def refine_error(self, error: ProviderError) -> None:
        """Remove what a service has quoted of the prompt: others are told of the error while its route rests."""
        if (record := current.get(None)) is not None and record.fields:
            error.args = (without_quotes(error.message, texts_of(record.fields)), *error.args[1:])

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        if (record := current.get(None)) is not None:
            record.begun = attempt.index

    @hookimpl
    def call_waiting(self, wait: Wait) -> None:
        if (record := current.get(None)) is not None:
            record.waited.add(record.begun + 1)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        if (record := current.get(None)) is not None:
            record.trail, record.cost = trail, trail.cost
