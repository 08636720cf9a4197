"""
Measure what it costs to be seen: metrics, a recorded trace, a log.

    python -m benchmarks.observability            one table, within half a minute

Each case is a call without its HTTP: everything that this library does for one, with an answer that is there already.
All cases take turns, and processor time is counted, not time on the clock. A figure is the least of all rounds, which
other load disturbs least; what a plugin costs is the difference to the same call without plugins. It needs the extras
`otel` and `prometheus`, and `opentelemetry-sdk`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import time
from collections.abc import Callable

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Span, Tracer, set_span_in_context
from prometheus_client import CollectorRegistry

from g4f_lite import OpenaiTemplate, hookimpl
from g4f_lite.call.attempt import ActiveAttempt
from g4f_lite.client.call_factory import CallFactory
from g4f_lite.observability import CallLogger, Metrics, Tracing
from g4f_lite.types.http import HTTPResponse

from .processor import share

_MESSAGES = [{"role": "user", "content": "Which day is it?"}]
_ANSWER = HTTPResponse(
    status=200,
    headers={"content-type": "application/json"},
    body=b'{"id":"1","model":"sunday","choices":[{"index":0,"message":{"role":"assistant","content":"Sunday"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}',
)
_BATCH = 200
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


class BareSpans:
    """The two spans of a call, without attributes and without a header: the part of a trace that is the SDK's alone."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: list[Span] = []

    @hookimpl
    def call_started(self, call: object) -> None:
        self._open.append(self._tracer.start_span("chat"))

    @hookimpl
    def attempt_started(self, attempt: object) -> None:
        self._open.append(self._tracer.start_span("attempt", set_span_in_context(self._open[0])))

    @hookimpl
    def attempt_finished(self, attempt: object) -> None:
        self._open.pop().end()

    @hookimpl
    def call_finished(self, trail: object) -> None:
        self._open.pop().end()


def _call(*plugins: object) -> Callable[[], None]:
    factory = CallFactory(routes=[Day()], plugins=plugins)

    def work() -> None:
        with factory.chat_call({"messages": _MESSAGES}) as call, ActiveAttempt(call) as attempt:
            completion = attempt.complete(_ANSWER)
        call.complete(completion)

    return work


def _cases() -> dict[str, Callable[[], None]]:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SpanProcessor())
    log = logging.getLogger("benchmarks.calls")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    log.setLevel(logging.INFO)
    return {
        "no plugin": _call(),
        "a plugin that does nothing": _call(Empty()),
        "metrics": _call(Metrics(registry=CollectorRegistry())),
        "a trace that nobody records": _call(Tracing()),
        "a recorded trace": _call(Tracing(tracer_provider=tracers)),
        "a log": _call(CallLogger(logger=log)),
        "the SDK's two spans, without attributes": _call(BareSpans(tracers.get_tracer("bare"))),
    }


def measure(rounds: int) -> dict[str, float]:
    """Return the microseconds of processor time of each case."""
    cases = _cases()
    least = dict.fromkeys(cases, float("inf"))
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, work in cases.items():
            began = time.process_time()
            for _ in range(_BATCH):
                work()
            least[name] = min(least[name], (time.process_time() - began) / _BATCH * 1e6)
    return least


def table(found: dict[str, float]) -> str:
    """Return what was measured as a table of Markdown."""
    bare, observed = found["no plugin"], found["a plugin that does nothing"]
    lines = [
        "| case | µs a call | times no plugin | µs over a plugin that does nothing | bar |",
        "|---|---|---|---|---|",
    ]
    for name, figure in found.items():
        bar = f"{BARS[name]:g}" if name in BARS else ""
        over = f"{figure - observed:.1f}" if name not in ("no plugin", "a plugin that does nothing") else ""
        lines.append(f"| {name} | {figure:.1f} | {figure / bare:.2f} | {over} | {bar} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.observability", description="Measure plugins.")
    parser.add_argument("--rounds", type=int, default=150, help="measurements of each case (150)")
    given = parser.parse_args()
    share()
    print(table(measure(given.rounds)))


if __name__ == "__main__":
    main()
