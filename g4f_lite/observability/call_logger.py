"""`CallLogger`: one record of `logging` for each call, on a logger of its own."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..plugins.hookspecs import hookimpl
from ..records.trail import Attempt, CallInfo, Trail
from ..value import JSONObject
from .content import Content

LOGGER = "g4f_lite.calls"


class CallLogger:
    """
    A plugin that logs each call when it has ended: at INFO, or at WARNING if it has failed.

    The record has the call as a dictionary, `record.call`; `JSONLines` formats it. It is without what was asked and
    answered, and without what services say in errors, unless `content` is set.

    Args:
        logger: where to log; None for the logger `g4f_lite.calls`.
        content: log what was asked and answered, and the messages of errors.
        redact: returns what may be logged of each text; None: all of it.
        longest: characters of each text that are kept after that.
    """

    def __init__(
        self,
        *,
        logger: logging.Logger | None = None,
        content: bool = False,
        redact: Callable[[str], str] | None = None,
        longest: int = 2000,
    ) -> None:
        self._log = logging.getLogger(LOGGER) if logger is None else logger
        self._content = Content(redact, longest) if content else None
        self._open: dict[str, CallInfo] = {}
        self._answers: dict[str, Any] = {}
        if content:  # a plugin with this hook has the completions of streams assembled

            def call_answered(answer: Any) -> None:
                if hasattr(answer, "choices") and self._log.isEnabledFor(logging.INFO):
                    self._answers[answer.trail.call_id] = answer

            self.call_answered = hookimpl(call_answered)

    @hookimpl
    def call_started(self, call: CallInfo) -> None:
        self._open[call.id] = call

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        info = self._open.pop(trail.call_id, None)
        answer = self._answers.pop(trail.call_id, None)
        level = logging.INFO if trail.outcome in ("ok", "closed") else logging.WARNING
        if info is None or not self._log.isEnabledFor(level):
            return
        call = self._as_dict(info, trail)
        if self._content is not None:
            call |= self._texts(self._content, info, answer)
        self._log.log(level, "%s", _line(call), extra={"call": call})

    def _as_dict(self, info: CallInfo, trail: Trail) -> JSONObject:
        attempts = trail.attempts
        last = attempts[-1] if attempts else None
        usage = trail.usage
        call: JSONObject = {
            "id": trail.call_id,
            "operation": trail.operation,
            "outcome": trail.outcome,
            "duration": trail.duration,
            "asked": {"provider": _asked(info.provider), "model": _asked(info.model), "stream": info.stream},
            "provider": last and last.provider,
            "model": last and last.model,
            "response_model": last and last.response_model,
            "first_token": last and last.first_token,
            "finish_reasons": list(last.finish_reasons) if last else [],
            "input_tokens": getattr(usage, "prompt_tokens", None),
            "output_tokens": getattr(usage, "completion_tokens", None),
            "cost": getattr(usage, "cost", None),
            "metadata": dict(info.metadata) if isinstance(info.metadata, Mapping) else None,
            "attempts": [self._attempt(attempt) for attempt in attempts],
            "skipped": [{"route": entry.route, "reason": entry.reason} for entry in trail.skipped],
        }
        return call

    def _attempt(self, attempt: Attempt) -> JSONObject:
        return {
            "route": attempt.route,
            "key": attempt.key,
            "base_url": attempt.base_url,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "duration": attempt.duration,
            "reason": attempt.reason,
            "wait": attempt.wait,
            "request_id": attempt.request_id,
        }

    def _texts(self, content: Content, info: CallInfo, answer: Any) -> JSONObject:
        try:
            texts: JSONObject = {}
            if (messages := getattr(info.request, "messages", None)) is not None:
                texts["messages"] = json.loads(content.asked(messages))
            if answer is not None:
                texts["answer"] = json.loads(content.answered(answer))
            return texts
        except Exception as error:  # of the caller's `redact`: what it has not seen must not go out
            return {"content_error": type(error).__name__}


class JSONLines(logging.Formatter):
    """Formats each record as one line of JSON; of those of `CallLogger`, with the whole call."""

    def format(self, record: logging.LogRecord) -> str:
        line: JSONObject = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if (call := getattr(record, "call", None)) is not None:
            line["call"] = call
        return json.dumps(line, ensure_ascii=False, default=str)


def _asked(value: object) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return [str(_asked(one)) for one in value]
    return str(getattr(value, "name", type(value).__name__))


def _line(call: JSONObject) -> str:
    """Return the call as a line for people."""
    route = f"{call['provider']}:{call['model']}" if call["provider"] else "no leg"
    tokens = "" if call["input_tokens"] is None else f", {call['input_tokens']} + {call['output_tokens']} tokens"
    count = len(call["attempts"])
    tries = f", {count} attempts" if count > 1 else ""
    return f"{call['operation']} {route} {call['outcome']} in {call['duration'] or 0.0:.2f} s{tokens}{tries}"
