"""
Measure what it costs to be seen: metrics, a recorded trace, a log.

    python -m benchmarks.observability            one table, within half a minute

Each case is a call without its HTTP: everything that this library does for one, with an answer that is there already.
All cases take turns, and processor time is counted, not time on the clock. A figure is the median of all rounds; what a
plugin costs is the median difference to the same call with a plugin that does nothing, in the same round. The speed of
a machine differs by a factor of two with its load. So a bare call with requests is measured by turns, too, and
differences are given twice: as measured, and where that call takes as long as where the bars were set. It needs the
extras `otel` and `prometheus`, and `opentelemetry-sdk`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Span, Tracer, set_span_in_context
from prometheus_client import CollectorRegistry

from g4f_lite import OpenaiTemplate, hookimpl
from g4f_lite.call.attempt import ActiveAttempt
from g4f_lite.client.call_factory import CallFactory
from g4f_lite.observability import CallLogger, Metrics, Tracing, prometheus_text
from g4f_lite.types.http import HTTPResponse

from .contenders.bare_requests import sync_call
from .processor import share
from .report import BARE_CALL_US

_MESSAGES = [{"role": "user", "content": "Which day is it?"}]
_ANSWER = HTTPResponse(
    status=200,
    headers={"content-type": "application/json"},
    body=b'{"id":"1","model":"sunday","choices":[{"index":0,"message":{"role":"assistant","content":"Sunday"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}',
)
_BATCH = 200
_BARE_BATCH = 20
_BARE, _EMPTY = "a bare call with requests, with its HTTP", "a plugin that does nothing"
_OF_CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "day",
    "gen_ai.request.model": "sunday",
    "gen_ai.response.model": "sunday",
    "gen_ai.response.id": "1",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 1,
    "g4f_lite.outcome": "ok",
    "g4f_lite.call.id": "1-1",
}
_OF_ATTEMPT = {
    "gen_ai.provider.name": "day",
    "gen_ai.request.model": "sunday",
    "g4f_lite.outcome": "ok",
    "server.address": "127.0.0.1",
    "server.port": 1,
    "http.response.status_code": 200,
}
BARS = {"metrics": 5.0, "a recorded trace": 60.0}
"""Microseconds that may be added to a call that a plugin observes already."""


class Day(OpenaiTemplate):
    name = "day"
    api_base = "http://127.0.0.1:1/v1"
    needs_auth = False
    default_model = "sunday"


class Empty:
    """A plugin with the hooks of `Metrics`, which do nothing: what it costs to have observers at all."""

    @hookimpl
    def attempt_started(self, attempt: object) -> None: ...

    @hookimpl
    def attempt_finished(self, attempt: object) -> None: ...

    @hookimpl
    def call_finished(self, trail: object) -> None: ...


class SpansAlone:
    """The two spans of a call, with constants as attributes: the part of a trace that is the SDK's alone."""

    def __init__(self, tracer: Tracer, *, of_call: Mapping[str, Any] = {}, of_attempt: Mapping[str, Any] = {}) -> None:
        self._tracer = tracer
        self._of_call = of_call
        self._of_attempt = of_attempt
        self._open: list[Span] = []

    @hookimpl
    def call_started(self, call: object) -> None:
        self._open.append(self._tracer.start_span("chat"))

    @hookimpl
    def attempt_started(self, attempt: object) -> None:
        self._open.append(self._tracer.start_span("attempt", set_span_in_context(self._open[0])))

    @hookimpl
    def attempt_finished(self, attempt: object) -> None:
        self._end(self._of_attempt)

    @hookimpl
    def call_finished(self, trail: object) -> None:
        self._end(self._of_call)

    def _end(self, attributes: Mapping[str, Any]) -> None:
        span = self._open.pop()
        if attributes:
            span.set_attributes(attributes)
        span.end()


def _call(*plugins: object) -> Callable[[], None]:
    factory = CallFactory(routes=[Day()], plugins=plugins)

    def work() -> None:
        with factory.chat_call({"messages": _MESSAGES}) as call, ActiveAttempt(call) as attempt:
            completion = attempt.complete(_ANSWER)
        call.complete(completion)

    return work


def _cases(registry: CollectorRegistry) -> dict[str, Callable[[], None]]:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SpanProcessor())
    tracer = tracers.get_tracer("alone")
    log = logging.getLogger("benchmarks.calls")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    log.setLevel(logging.INFO)
    return {
        "no plugin": _call(),
        _EMPTY: _call(Empty()),
        "metrics": _call(Metrics(registry=registry)),
        "a trace that nobody records": _call(Tracing()),
        "a recorded trace": _call(Tracing(tracer_provider=tracers)),
        "a log": _call(CallLogger(logger=log)),
        "the SDK's spans alone, without attributes": _call(SpansAlone(tracer)),
        "the SDK's spans alone, with as many attributes": _call(
            SpansAlone(tracer, of_call=_OF_CALL, of_attempt=_OF_ATTEMPT)
        ),
    }


@contextmanager
def _bare_call() -> Iterator[Callable[[], object]]:
    upstream = subprocess.Popen([sys.executable, "-m", "benchmarks.upstream"], stdout=subprocess.PIPE, text=True)
    try:
        assert upstream.stdout is not None
        yield sync_call(f"http://127.0.0.1:{upstream.stdout.readline().strip()}/answer/v1")
    finally:
        upstream.kill()
        upstream.communicate()


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of processor time of each case in each round."""
    registry = CollectorRegistry()
    with _bare_call() as bare:
        cases = {_BARE: bare, **_cases(registry)}
        found: dict[str, list[float]] = {name: [] for name in cases}
        gc.collect()
        gc.freeze()
        for _ in range(rounds):
            for name, work in cases.items():
                batch = _BARE_BATCH if name == _BARE else _BATCH
                began = time.process_time()
                for _ in range(batch):
                    work()
                found[name].append((time.process_time() - began) / batch * 1e6)
            prometheus_text(registry)  # as a server of metrics does now and then
    return found


def table(found: dict[str, list[float]]) -> str:
    """Return what was measured as a table of Markdown."""
    scale = BARE_CALL_US / median(found[_BARE])
    lines = [
        f"| case | µs a call | µs over {_EMPTY} | … where a bare call takes {BARE_CALL_US} µs | bar |",
        "|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        over = median(one - empty for one, empty in zip(figures, found[_EMPTY], strict=True))
        bar = f"{BARS[name]:g}" if name in BARS else ""
        differences = "| |" if name in (_BARE, _EMPTY, "no plugin") else f"| {over:.1f} | {over * scale:.1f} |"
        lines.append(f"| {name} | {median(figures):.1f} {differences} {bar} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.observability", description="Measure plugins.")
    parser.add_argument("--rounds", type=int, default=150, help="measurements of each case (150)")
    given = parser.parse_args()
    share()
    print(table(measure(given.rounds)))


if __name__ == "__main__":
    main()
