"""A call is one tree of spans, whatever happens in it, as the real SDK exports it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.spans import tree
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from g4f_lite import AsyncClient, Client, MissingKeyError, OpenaiTemplate
from g4f_lite.observability import Tracing
from g4f_lite.testing import FaultServer, replies

LARGE, SMALL = "acme/large-2", "acme/small-2"
GOLDEN = Path(__file__).with_name("failover.txt")
SPANS = InMemorySpanExporter


def scripted_failover(server: FaultServer) -> None:
    """A retry after a wait, then a failover to the second model."""
    server.on(LARGE, replies.error(503, "overloaded"), replies.error(429, "enough", retry_after="60"))


def by_parent(spans: tuple[ReadableSpan, ...]) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """Return the span of the only call, and those of its attempts."""
    (call,) = [span for span in spans if not span.name.startswith("attempt ")]
    attempts = [span for span in spans if span is not call]
    assert all(one.parent is not None and one.parent.span_id == call.context.span_id for one in attempts)
    assert len({one.context.trace_id for one in spans}) == 1
    return call, sorted(attempts, key=lambda one: one.start_time or 0)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_failover_is_one_tree(
    mode: str, server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    scripted_failover(server)
    params = {"provider": "acme", "model": LARGE, "metadata": {"team": "search"}, "temperature": 0.5}
    run(mode, {"plugins": [acme, Tracing(tracer_provider=tracers)]}, {**params, "fallback_models": [SMALL]})
    assert tree(exporter.get_finished_spans()) == GOLDEN.read_text("utf-8")


def test_the_documentation_shows_this_tree() -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")
    assert f"```text\n{GOLDEN.read_text('utf-8')}```" in page


@pytest.mark.parametrize("mode", MODES)
def test_each_attempt_sends_its_own_span(
    mode: str, server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    scripted_failover(server)
    run(mode, {"plugins": [acme, Tracing(tracer_provider=tracers)]}, {"provider": "acme"})
    call, attempts = by_parent(exporter.get_finished_spans())
    assert [one.attributes["g4f_lite.outcome"] for one in attempts] == ["ServerError", "RateLimitError", "ok"]
    sent = [request.headers["traceparent"].split("-") for request in server.received]
    assert [int(span, 16) for _, _, span, _ in sent] == [one.context.span_id for one in attempts]
    assert {int(trace_id, 16) for _, trace_id, _, _ in sent} == {call.context.trace_id}
    assert ("gen_ai.response.time_to_first_chunk" in call.attributes) == ("stream" in mode)
    assert (call.attributes["gen_ai.usage.input_tokens"], call.status.status_code) == (5, StatusCode.UNSET)
    assert [event.name for event in call.events] == ["g4f_lite.wait"]


@pytest.mark.parametrize("mode", MODES)
def test_skipped_legs_are_one_event(
    mode: str, server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    class Dull(OpenaiTemplate):
        name = "dull"
        api_base = server.base_url
        needs_auth = False
        default_model = "dull-1"
        capabilities = frozenset({"streaming"})

    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    params = {"provider": ["dull", "acme"], "tools": tools, "fallback_models": []}
    run(mode, {"plugins": [acme, Dull, Tracing(tracer_provider=tracers)]}, params)
    call, attempts = by_parent(exporter.get_finished_spans())
    (event,) = call.events
    (skipped,) = event.attributes["g4f_lite.skipped.legs"]
    assert (event.name, len(attempts)) == ("g4f_lite.skipped", 1)
    assert skipped.startswith("dull:dull-1: ")


@pytest.mark.parametrize("mode", MODES)
def test_a_call_without_a_leg_is_one_span(
    mode: str, tracers: TracerProvider, exporter: SPANS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    outcome = run(mode, {"plugins": [Tracing(tracer_provider=tracers)]}, {"provider": "mistral"})
    assert isinstance(outcome.error, MissingKeyError)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.status_code) == ("chat", StatusCode.ERROR)
    assert span.attributes["error.type"] == span.attributes["g4f_lite.outcome"] == "MissingKeyError"
    assert span.attributes["gen_ai.provider.name"] == "mistral_ai"


def test_a_stream_closed_early_is_no_error(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    server.script(replies.silence("stream", 2))
    with Client(plugins=[acme, Tracing(tracer_provider=tracers)]) as client:
        with client.chat.completions.create(messages=MESSAGES, provider="acme", stream=True) as stream:
            next(iter(stream))
    call, (attempt,) = by_parent(exporter.get_finished_spans())
    assert (call.attributes["g4f_lite.outcome"], attempt.attributes["g4f_lite.outcome"]) == ("closed", "ok")
    assert call.status.status_code is attempt.status.status_code is StatusCode.UNSET


def test_an_abandoned_stream_ends_once(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    server.script(replies.silence("stream", 2), replies.answer())
    with Client(plugins=[acme, Tracing(tracer_provider=tracers)]) as client:
        next(iter(client.chat.completions.create(messages=MESSAGES, provider="acme", stream=True)))
        client.chat.completions.create(messages=MESSAGES, provider="acme")
    spans = exporter.get_finished_spans()
    assert sorted(span.attributes["g4f_lite.outcome"] for span in spans) == ["closed", "ok", "ok", "ok"]


def test_the_loser_of_a_race_is_no_error(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    server.on(LARGE, replies.silence("headers", 0))

    async def race() -> None:
        async with AsyncClient(plugins=[acme, Tracing(tracer_provider=tracers)], hedge_after=0.05) as client:
            await client.chat.completions.create(messages=MESSAGES, provider="acme")

    asyncio.run(race())
    call, attempts = by_parent(exporter.get_finished_spans())
    assert [one.attributes["g4f_lite.outcome"] for one in attempts] == ["LostRace", "ok"]
    assert {one.status.status_code for one in (call, *attempts)} == {StatusCode.UNSET}
    sent = [int(request.headers["traceparent"].split("-")[2], 16) for request in server.received]
    assert sorted(sent) == sorted(one.context.span_id for one in attempts)


def test_each_round_of_tools_is_a_call_below_the_callers_span(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    def today() -> str:
        """Return the day."""
        return "Sunday"

    made = [{"id": "call_1", "type": "function", "function": {"name": "today", "arguments": "{}"}}]
    server.script(replies.answer("", tool_calls=made, finish_reason="tool_calls"), replies.answer("Sunday"))
    tracer = tracers.get_tracer("caller")
    with Client(plugins=[acme, Tracing(tracer_provider=tracers)]) as client, tracer.start_as_current_span("work"):
        client.chat.run_tools(messages=MESSAGES, tools=[today], provider="acme")
    spans = exporter.get_finished_spans()
    (work,) = [span for span in spans if span.name == "work"]
    calls = [span for span in spans if span.name == "chat"]
    assert [call.parent.span_id for call in calls] == [work.context.span_id] * 2
    assert len({span.context.trace_id for span in spans}) == 1
    assert [call.attributes["gen_ai.response.finish_reasons"] for call in calls] == [("tool_calls",), ("stop",)]


def test_calls_are_below_the_span_of_their_own_thread_or_task(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    tracer = tracers.get_tracer("caller")
    plugins = [acme, Tracing(tracer_provider=tracers)]

    def in_thread(client: Client, name: str) -> None:
        with tracer.start_as_current_span(name):
            client.chat.completions.create(messages=MESSAGES, provider="acme")

    async def in_task(client: AsyncClient, name: str) -> None:
        with tracer.start_as_current_span(name):
            async for _ in await client.chat.completions.create(messages=MESSAGES, provider="acme", stream=True):
                pass

    async def tasks() -> None:
        async with AsyncClient(plugins=plugins) as client:
            await asyncio.gather(*(in_task(client, f"task {number}") for number in range(4)))

    with Client(plugins=plugins) as client:
        threads = [threading.Thread(target=in_thread, args=(client, f"thread {number}")) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    asyncio.run(tasks())
    spans = exporter.get_finished_spans()
    work = {span.context.span_id: span for span in spans if span.name.startswith(("thread", "task"))}
    calls = [span for span in spans if span.name == "chat"]
    assert len(calls) == len({call.parent.span_id for call in calls}) == len(work) == 8
    assert all(work[call.parent.span_id].context.trace_id == call.context.trace_id for call in calls)


def test_content_is_recorded_only_if_asked_redacted_then_cut(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    secret = "4711-SECRET"
    question = [{"role": "user", "content": [{"type": "text", "text": f"my number is {secret}"}]}]
    asking: dict[str, Any] = {"messages": question, "provider": "acme"}

    def recorded(**settings: Any) -> str:
        exporter.clear()
        server.script(replies.error(503, f"echo {secret}"), replies.answer(f"you are {secret}"))
        for stream in (False, True):
            run(
                "sync stream" if stream else "sync",
                {"plugins": [acme, Tracing(tracer_provider=tracers, **settings)]},
                asking,
            )
        return tree(exporter.get_finished_spans())

    assert "SECRET" not in (plain := recorded()) and "my number" not in plain
    whole = recorded(content=True)
    assert whole.count(f"my number is {secret}") == 2 and f"you are {secret}" in whole and f"echo {secret}" in whole
    hidden = recorded(content=True, redact=lambda text: text.replace(secret, "[number]"), longest=12)
    assert secret not in hidden and "4711" not in hidden
    assert "my number is…" in hidden  # 12 characters, and the mark of a cut
    assert secret not in recorded(content=True, redact=lambda text: 1 / 0)  # type: ignore[arg-type,return-value]


def test_a_call_that_is_not_sampled_builds_nothing_and_says_so_to_services(
    server: FaultServer, acme: type[OpenaiTemplate], exporter: SPANS
) -> None:
    tracers = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    parent = trace.SpanContext(7, 9, is_remote=True, trace_flags=trace.TraceFlags(0))
    with Client(plugins=[acme, Tracing(tracer_provider=tracers, content=True)]) as client:
        with trace.use_span(trace.NonRecordingSpan(parent)):
            client.chat.completions.create(messages=MESSAGES, provider="acme")
    (request,) = server.received
    assert request.headers["traceparent"].startswith(f"00-{7:032x}-") and request.headers["traceparent"].endswith("-00")
    assert exporter.get_finished_spans() == ()


def test_without_an_sdk_nothing_is_sent(server: FaultServer, acme: type[OpenaiTemplate]) -> None:
    with Client(plugins=[acme, Tracing(tracer_provider=trace.NoOpTracerProvider())]) as client:
        client.chat.completions.create(messages=MESSAGES, provider="acme")
    assert "traceparent" not in server.received[0].headers


def test_the_parameters_of_a_request_are_attributes(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    given = {"stop": "END", "max_tokens": 7, "top_p": 0.5, "seed": 3, "response_format": {"type": "json_object"}}
    with Client(plugins=[acme, Tracing(tracer_provider=tracers)]) as client:
        client.chat.completions.create(messages=MESSAGES, provider="acme", **given)
    call, _ = by_parent(exporter.get_finished_spans())
    assert call.attributes["gen_ai.request.stop_sequences"] == ("END",)
    assert call.attributes["gen_ai.request.max_tokens"] == 7
    assert (call.attributes["gen_ai.request.top_p"], call.attributes["gen_ai.request.seed"]) == (0.5, 3)
    assert call.attributes["gen_ai.output.type"] == "json"


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_no_leg_answers_has_an_outcome_that_metrics_know(
    mode: str, server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    from g4f_lite.observability.metrics import _known

    for model in (LARGE, SMALL):
        server.on(model, *[replies.error(503, "overloaded")] * 9)
    run(mode, {"plugins": [acme, Tracing(tracer_provider=tracers)], "retries": 0}, {"provider": "acme"})
    call, attempts = by_parent(exporter.get_finished_spans())
    outcome = call.attributes["g4f_lite.outcome"]
    assert (call.status.status_code, len(attempts), _known(outcome)) == (StatusCode.ERROR, 2, outcome)


def test_old_names(server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS) -> None:
    with Client(plugins=[acme, Tracing(tracer_provider=tracers, old_names=True)]) as client:
        client.chat.completions.create(messages=MESSAGES, provider="acme")
    for span in exporter.get_finished_spans():
        assert span.attributes["gen_ai.system"] == "acme"
        assert "gen_ai.provider.name" not in span.attributes


def test_other_operations_are_traced(
    server: FaultServer, acme: type[OpenaiTemplate], tracers: TracerProvider, exporter: SPANS
) -> None:
    with Client(plugins=[acme, Tracing(tracer_provider=tracers)]) as client:
        client.embeddings.create(input="hi", provider="acme", dimensions=8)
        client.models.list(provider="acme")
    names = [span.name for span in exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]
    assert names == ["attempt acme:acme/vectors-1", "embeddings", "attempt acme", "models"]
    (span,) = [span for span in exporter.get_finished_spans() if span.name == "embeddings"]
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 8
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
