"""
`Tracing`: a span for each call, and one below it for each attempt.

Nothing is built for a call whose span does not record. Spans end whatever happens in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer, set_span_in_context

from ..plugins.hookspecs import hookimpl
from ..records.trail import Attempt, CallInfo, Trail, Wait
from ..version import __version__
from . import conventions as names
from .content import Content

_NO_ERROR = ("ok", "closed", "LostRace")
_NOBODY = "g4f_lite"
"""The provider of a call that names none, until one has been tried."""
_MOST_TAGS, _LONGEST_TAG = 16, 512
"""What OpenAI allows of `metadata`."""
_LONGEST_NAME = 256
"""Characters that are kept of a model's name as the caller wrote it; the SDK does not limit the names of spans."""
_chat_parameters = attrgetter(*names.REQUEST_PARAMETERS)
_CHAT_NAMES = tuple(names.REQUEST_PARAMETERS.values())
_NOTHING_GIVEN = (None,) * len(_CHAT_NAMES)
_PORTS = {"https": 443, "http": 80}
log = logging.getLogger("g4f_lite.observability")


class Tracing:
    """
    A plugin that traces calls with OpenTelemetry (extra `otel`). The application configures SDK and exporter.

    Args:
        tracer_provider: None for OpenTelemetry's global one.
        content: record what was asked and answered, and what services say in errors.
        redact: returns what may be recorded of each text; None: all of it.
        longest: characters of each text that are kept after that.
        prices: look up the cost of answers whose service does not say it: that takes up to 0.2 ms a call.
        old_names: use the names that OpenTelemetry's conventions had before v0.1.0.
        propagate: send `traceparent` to services.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        content: bool = False,
        redact: Callable[[str], str] | None = None,
        longest: int = 2000,
        prices: bool = False,
        old_names: bool = False,
        propagate: bool = True,
    ) -> None:
        self._tracer = get_tracer("g4f_lite", __version__, tracer_provider)
        self._content = Content(redact, longest) if content else None
        self._prices = prices
        self._old_names = old_names
        self._propagates = propagate
        self._open: dict[str, _OpenCall] = {}
        if content:  # a plugin with this hook has the completions of streams assembled

            def call_answered(answer: Any) -> None:
                self._answered(answer)

            self.call_answered = hookimpl(call_answered)

    # -- the call --------------------------------------------------------------------------

    @hookimpl
    def call_started(self, call: CallInfo) -> None:
        model = call.model[:_LONGEST_NAME] if isinstance(call.model, str) else ""
        attributes: dict[str, Any] = {names.OPERATION: call.operation, names.PROVIDER: _asked_provider(call.provider)}
        if model:
            attributes[names.REQUEST_MODEL] = model
        span = self._tracer.start_span(
            f"{call.operation} {model}" if model else call.operation,
            kind=SpanKind.CLIENT,
            attributes=self._named(attributes),
        )
        self._open[call.id] = _OpenCall(call, span)

    @hookimpl
    def call_waiting(self, wait: Wait) -> None:
        call = self._open.get(wait.call_id)
        if call is not None and call.records:
            call.span.add_event(names.WAIT_EVENT, {names.WAIT_SECONDS: wait.seconds, names.WAIT_REASON: wait.reason})

    def _answered(self, answer: Any) -> None:
        call = self._open.get(answer.trail.call_id)
        if call is not None and call.records and self._content is not None and hasattr(answer, "choices"):
            call.answer = answer

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        call = self._open.pop(trail.call_id, None)
        if call is None:
            return
        try:
            if call.records:
                self._describe(call, trail)
        finally:
            call.span.end()

    def _describe(self, call: _OpenCall, trail: Trail) -> None:
        info, span, attempts = call.info, call.span, 0
        last: Attempt | None = None
        skipped: list[str] = []
        for entry in trail.entries:
            if isinstance(entry, Attempt):
                last, attempts = entry, attempts + 1
            else:
                skipped.append(f"{entry.route}: {entry.reason}")
        attributes: dict[str, Any] = {names.OUTCOME: trail.outcome, names.CALL_ID: trail.call_id}
        if info.stream:
            attributes[names.REQUEST_STREAM] = True
        if last is not None:
            self._add_answer(attributes, info, trail, last, attempts)
        if info.request is not None:
            _add_request(attributes, info)
        if self._content is not None:
            self._add_content(attributes, call)
        span.set_attributes(self._named(attributes))
        if skipped:
            span.add_event(names.SKIPPED_EVENT, {names.SKIPPED_LEGS: skipped})
        self._set_status(span, trail.outcome)

    def _add_answer(
        self, attributes: dict[str, Any], info: CallInfo, trail: Trail, last: Attempt, attempts: int
    ) -> None:
        attributes[names.PROVIDER] = _provider(last.provider)
        if last.model:
            attributes[names.REQUEST_MODEL] = last.model
        if last.response_model:
            attributes[names.RESPONSE_MODEL] = last.response_model
        if last.response_id:
            attributes[names.RESPONSE_ID] = last.response_id
        if last.finish_reasons:
            attributes[names.FINISH_REASONS] = last.finish_reasons
        if last.first_token is not None:
            attributes[names.FIRST_CHUNK] = last.started_at + last.first_token - info.started_at
        usage = last.usage if attempts == 1 else trail.usage
        if usage is not None and getattr(usage, "prompt_tokens", None) is not None:
            _add_usage(attributes, usage)
            cost = trail.cost if self._prices else usage.cost
            if cost is not None:
                attributes[names.COST] = cost

    def _add_content(self, attributes: dict[str, Any], call: _OpenCall) -> None:
        assert self._content is not None
        try:
            messages = getattr(call.info.request, "messages", None)
            if messages is not None:
                attributes[names.INPUT_MESSAGES] = self._content.asked(messages)
            if call.answer is not None:
                attributes[names.OUTPUT_MESSAGES] = self._content.answered(call.answer)
        except Exception as error:  # of the caller's `redact`: what it has not seen must not go out
            attributes.pop(names.INPUT_MESSAGES, None)
            _log_redact(error)

    # -- its attempts ----------------------------------------------------------------------

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        call = self._open.get(attempt.call_id)
        if call is not None and call.records:
            call.attempts[attempt.index] = self._tracer.start_span(
                f"attempt {attempt.route}",
                context=call.context,
                kind=SpanKind.CLIENT if attempt.base_url else SpanKind.INTERNAL,
            )

    @hookimpl
    def request_headers(self, attempt: Attempt) -> Mapping[str, str] | None:
        """Return the headers of W3C Trace Context. Baggage is not sent: services need not know what it says."""
        call = self._open.get(attempt.call_id)
        if call is None or not self._propagates:
            return None
        context = call.attempts.get(attempt.index, call.span).get_span_context()
        if not (call.records or context.is_valid):
            return None
        headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
        if context.trace_state:
            headers["tracestate"] = context.trace_state.to_header()
        return headers

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        call = self._open.get(attempt.call_id)
        span = None if call is None else call.attempts.pop(attempt.index, None)
        if span is None:
            return
        try:
            attributes = {
                names.PROVIDER: _provider(attempt.provider),
                names.REQUEST_MODEL: attempt.model,
                names.OUTCOME: attempt.outcome,
                **_server(attempt.base_url),
            }
            if attempt.status is not None:
                attributes[names.STATUS_CODE] = attempt.status
            if attempt.first_token is not None:
                attributes[names.FIRST_CHUNK] = attempt.first_token
            if attempt.request_id is not None:
                attributes[names.REQUEST_ID] = attempt.request_id
            if attempt.outcome != "ok":
                self._add_failure(attributes, attempt)
            span.set_attributes(self._named(attributes))
            self._set_status(span, attempt.outcome)
        finally:
            span.end()

    def _add_failure(self, attributes: dict[str, Any], attempt: Attempt) -> None:
        attributes[names.ATTEMPT_NUMBER] = attempt.number
        if attempt.reason is not None:
            attributes[names.ATTEMPT_REASON] = attempt.reason
        if attempt.wait is not None:
            attributes[names.ATTEMPT_WAIT] = attempt.wait
        if attempt.message is not None and self._content is not None:  # services repeat what they were asked
            try:
                attributes[names.MESSAGE] = self._content.text(attempt.message)
            except Exception as error:
                _log_redact(error)

    # -- both ------------------------------------------------------------------------------

    def _named(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return attributes by the names that were asked for."""
        if not self._old_names:
            return attributes
        if (provider := attributes.get(names.PROVIDER)) is not None:
            attributes[names.PROVIDER] = names.OLD_PROVIDERS.get(provider, provider)
        return {names.OLD_ATTRIBUTES.get(name, name): value for name, value in attributes.items()}

    def _set_status(self, span: Span, outcome: str | None) -> None:
        if outcome not in _NO_ERROR:
            span.set_attribute(names.ERROR_TYPE, outcome or names.OTHER)
            span.set_status(Status(StatusCode.ERROR, outcome))


class _OpenCall:
    """A call under way."""

    __slots__ = ("answer", "attempts", "context", "info", "records", "span")

    def __init__(self, info: CallInfo, span: Span) -> None:
        self.info = info
        self.span = span
        self.records = span.is_recording()
        self.context: Context | None = set_span_in_context(span) if self.records else None
        self.attempts: dict[int, Span] = {}
        """By their index: with hedging, there are several."""
        self.answer: Any = None


def _log_redact(error: Exception) -> None:
    log.error("the content of a call is not recorded: redact failed with %s", type(error).__name__)


def _provider(name: str) -> str:
    return names.PROVIDERS.get(name, name)


def _asked_provider(asked: object) -> str:
    name = asked if isinstance(asked, str) else getattr(asked, "name", None)
    return _provider(name) if isinstance(name, str) and name else _NOBODY


@lru_cache(maxsize=256)
def _server(base_url: str) -> Mapping[str, Any]:
    """Return the attributes of an address."""
    parts = urlsplit(base_url)
    if not parts.hostname:
        return {}
    port = parts.port or _PORTS.get(parts.scheme)
    return {names.SERVER_ADDRESS: parts.hostname, **({names.SERVER_PORT: port} if port else {})}


def _add_request(attributes: dict[str, Any], info: CallInfo) -> None:
    """Add the parameters of a request, and the caller's tags."""
    request = info.request
    if info.operation == "chat":
        if (values := _chat_parameters(request)) != _NOTHING_GIVEN:
            given = zip(_CHAT_NAMES, values, strict=True)
            attributes.update([(name, value) for name, value in given if value is not None])
            if isinstance(request.stop, str):
                attributes[names.REQUEST_PARAMETERS["stop"]] = [request.stop]
        if request.response_format is not None:
            attributes[names.OUTPUT_TYPE] = "text" if request.response_format.get("type") == "text" else "json"
    else:
        if (dimensions := getattr(request, "dimensions", None)) is not None:
            attributes[names.DIMENSIONS] = dimensions
        if (kind := names.OUTPUT_TYPES.get(info.operation)) is not None:
            attributes[names.OUTPUT_TYPE] = kind
    if info.metadata is not None and isinstance(info.metadata, Mapping):
        for key, value in list(info.metadata.items())[:_MOST_TAGS]:
            attributes[f"{names.TAG}{key}"] = str(value)[:_LONGEST_TAG]


def _add_usage(attributes: dict[str, Any], usage: Any) -> None:
    attributes[names.INPUT_TOKENS] = usage.prompt_tokens
    attributes[names.OUTPUT_TOKENS] = usage.completion_tokens
    if (details := usage.prompt_tokens_details) is not None:
        if details.cached_tokens is not None:
            attributes[names.CACHE_READ] = details.cached_tokens
        if details.cache_write_tokens is not None:
            attributes[names.CACHE_WRITE] = details.cache_write_tokens
    if (details := usage.completion_tokens_details) is not None and details.reasoning_tokens is not None:
        attributes[names.REASONING] = details.reasoning_tokens
