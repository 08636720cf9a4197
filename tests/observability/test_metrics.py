"""What is counted, under which labels, and how Prometheus and OpenTelemetry see it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from g4f_lite import AsyncClient, Attempt, Client, OpenaiTemplate, Trail, Usage
from g4f_lite.observability import Metrics, prometheus_text
from g4f_lite.observability import metrics as module
from g4f_lite.testing import FaultServer, replies

LARGE, SMALL = "acme/large-2", "acme/small-2"


def samples(registry: CollectorRegistry | None = None, page: bytes | None = None) -> dict[tuple[str, ...], float]:
    """Return the page by names and values of labels, as Prometheus' own parser reads it."""
    text = (prometheus_text(registry) if page is None and registry is not None else page or b"").decode()
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *(sample.labels[name] for name in sorted(sample.labels)))
            assert key not in found
            found[key] = sample.value
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_failover_is_counted(
    mode: str, server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    server.on(LARGE, replies.error(503, "overloaded"), replies.error(429, "enough", retry_after="600"))
    run(mode, {"plugins": [acme, Metrics(registry=registry)]}, {"provider": "acme"})
    page = samples(registry)
    assert page["g4f_lite_calls_total", "ok", "chat"] == 1
    assert page["g4f_lite_attempts_total", "ServerError", "chat", "acme", LARGE] == 1
    assert page["g4f_lite_attempts_total", "RateLimitError", "chat", "acme", LARGE] == 1
    assert page["g4f_lite_attempts_total", "ok", "chat", "acme", SMALL] == 1
    assert page["gen_ai_client_inference_usage_input_tokens_total", "chat", "acme", SMALL, "unknown"] == 5
    assert page["gen_ai_client_inference_duration_seconds_count", "", "chat", "acme", SMALL] == 1
    assert page["gen_ai_client_inference_duration_seconds_bucket", "", "chat", "acme", SMALL, "+Inf"] == 1
    first = page.get(("gen_ai_client_inference_time_to_first_chunk_seconds_count", "chat", "acme", SMALL))
    assert first == float("stream" in mode)
    assert page["g4f_lite_leg_held_until_seconds", "chat", "acme", LARGE] > 1.7e9
    assert page["g4f_lite_leg_held_until_seconds", "chat", "acme", SMALL] == 0
    assert {value for key, value in page.items() if key[0] == "g4f_lite_leg_in_flight"} == {0}


def test_attempts_in_flight_are_shown(
    server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    server.script(replies.silence("stream", 2), replies.silence("stream", 2))
    leg = "g4f_lite_leg_in_flight", "chat", "acme", LARGE
    with Client(plugins=[acme, Metrics(registry=registry)]) as client:
        ask = {"messages": MESSAGES, "provider": "acme", "stream": True}
        with client.chat.completions.create(**ask), client.chat.completions.create(**ask):
            assert samples(registry)[leg] == 2
        assert samples(registry)[leg] == 0
    assert samples(registry)["g4f_lite_calls_total", "closed", "chat"] == 2


def test_what_callers_name_is_other(
    server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    with Client(plugins=[acme, Metrics(registry=registry)]) as client:
        for number in range(30):
            client.chat.completions.create(messages=MESSAGES, provider="acme", model=f"caller-{number}")
            tenant = acme(name=f"tenant-{number}")
            client.chat.completions.create(messages=MESSAGES, provider=tenant, metadata={"user": str(number)})
    page = samples(registry)
    assert page["g4f_lite_attempts_total", "ok", "chat", "acme", "other"] == 30
    assert page["g4f_lite_attempts_total", "ok", "chat", "other", "other"] == 30
    assert not any("caller" in part or "tenant" in part for key in page for part in key)


def test_the_number_of_series_is_bounded(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LEGS", 10)
    metrics = Metrics(registry=registry)
    for number in range(50):
        attempt = Attempt(provider="p", model="m", known_route=f"p:{number}", outcome=f"Odd{number}")
        metrics.attempt_started(attempt)
        metrics.attempt_finished(attempt)
        metrics.call_finished(Trail(entries=(attempt,), outcome=f"Odd{number}", duration=1.0))
    page = samples(registry)
    assert page["g4f_lite_attempts_total", "other", "chat", "other", "other"] == 40
    assert page["g4f_lite_calls_total", "other", "chat"] == 50
    assert len([key for key in page if key[0] == "g4f_lite_attempts_total"]) == 11


def test_plugins_of_several_clients_share_their_numbers(
    server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    for _ in range(3):
        run("sync", {"plugins": [acme, Metrics(registry=registry)]}, {"provider": "acme"})
    assert samples(registry)["g4f_lite_calls_total", "ok", "chat"] == 3


def test_threads_lose_no_call(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    attempt = Attempt(provider="p", model="m", known_route="p:m", outcome="ok", usage=Usage(prompt_tokens=2))

    def work() -> None:
        for _ in range(2000):
            metrics.attempt_started(attempt)
            metrics.attempt_finished(attempt)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = samples(registry)
    assert page["g4f_lite_attempts_total", "ok", "chat", "p", "m"] == 8000
    assert page["gen_ai_client_inference_usage_input_tokens_total", "chat", "p", "m", "unknown"] == 16000
    assert page["g4f_lite_leg_in_flight", "chat", "p", "m"] == 0


def test_costs_are_added_up(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    told = Usage(prompt_tokens=1, completion_tokens=1, total_tokens=2, cost=0.25)
    listed = Usage(prompt_tokens=1000, completion_tokens=1000, total_tokens=2000)
    priced = {"provider": "openai", "model": "gpt-4o", "known_route": "openai:gpt-4o", "outcome": "ok"}
    attempts = [Attempt(**priced, usage=told), Attempt(**priced, usage=listed, started_at=1.75e9)]
    for attempt in attempts:
        metrics.attempt_started(attempt)
        metrics.attempt_finished(attempt)
    spent = samples(registry)["g4f_lite_cost_usd_total", "chat", "openai", "gpt-4o"]
    assert spent == pytest.approx(0.25 + (attempts[1].cost or 0))
    assert attempts[1].cost
    assert samples(registry)["g4f_lite_cost_usd_total", "chat", "openai", "gpt-4o"] == spent


def test_other_operations_and_failures_have_their_metrics(
    server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    server.on(LARGE, replies.error(400, "no"))
    with Client(plugins=[acme, Metrics(registry=registry)]) as client:
        client.embeddings.create(input="hi", provider="acme")
        client.models.list(provider="acme")
    run("sync", {"plugins": [acme, Metrics(registry=registry)]}, {"provider": "acme", "fallback_models": []})
    page = samples(registry)
    vectors = "embeddings", "acme", "acme/vectors-1"
    assert page["gen_ai_client_embeddings_duration_seconds_count", "", *vectors] == 1
    assert page["gen_ai_client_embeddings_operation_input_tokens_count", *vectors] == 1
    assert page["gen_ai_client_operation_duration_seconds_count", "", "models", "acme", ""] == 1
    error = "InvalidRequestError"
    assert page["gen_ai_client_inference_duration_seconds_count", error, "chat", "acme", LARGE] == 1
    assert page["g4f_lite_calls_total", error, "chat"] == 1


def test_old_names(server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry) -> None:
    run("sync stream", {"plugins": [acme, Metrics(registry=registry, old_names=True)]}, {"provider": "acme"})
    page = samples(registry)
    assert page["gen_ai_client_token_usage_sum", "chat", LARGE, "acme", "input"] == 5
    assert page["gen_ai_client_token_usage_count", "chat", LARGE, "acme", "output"] == 1
    assert page["gen_ai_client_operation_duration_seconds_count", "", "chat", LARGE, "acme"] == 1
    assert not any("inference" in key[0] for key in page)


def test_what_a_gateway_records(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    metrics.gateway_overhead(0.002)
    metrics.store_up(True)
    page = samples(registry)
    assert (page["g4f_lite_gateway_overhead_seconds_sum",], page["g4f_lite_store_up",]) == (0.002, 1)


# -- several processes ---------------------------------------------------------------------

WORKER = """
import sys
from g4f_lite import Client, OpenaiTemplate
from g4f_lite.observability import Metrics, prometheus_text

class Acme(OpenaiTemplate):
    name, needs_auth, default_model = "acme", False, "acme/large-2"

metrics = Metrics()
with Client(plugins=[Acme, metrics], base_urls={"acme": sys.argv[1]}) as client:
    for _ in range(int(sys.argv[2])):
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="acme")
    metrics.store_up(sys.argv[2] != "3")
    with client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="acme", stream=True):
        print("ready", flush=True)
        sys.stdin.readline()
        sys.stdout.buffer.write(prometheus_text())
"""


def workers(folder: Path, server: FaultServer, counts: tuple[int, ...]) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    for count in counts:
        command = [sys.executable, "-c", WORKER, server.base_url, str(count)]
        yield subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_pages_of_two_processes_add_up(server: FaultServer, tmp_path: Path) -> None:
    started = list(workers(tmp_path / "metrics", server, (2, 3)))
    for worker in started:
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
    pages = [samples(page=worker.communicate(b"\n")[0]) for worker in started]
    leg = "chat", "acme", LARGE
    assert pages[0]["g4f_lite_attempts_total", "ok", *leg] == 5  # neither stream had ended
    assert pages[0]["g4f_lite_leg_in_flight", *leg] == 2
    assert pages[1]["g4f_lite_attempts_total", "ok", *leg] >= 5
    for page in pages:
        assert page["gen_ai_client_inference_usage_input_tokens_total", *leg, "unknown"] >= 25
        assert page["gen_ai_client_inference_duration_seconds_bucket", "", *leg, "+Inf"] >= 5
        assert page["g4f_lite_store_up",] == 0  # of one of them
    assert [worker.returncode for worker in started] == [0, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_a_fork_counts_its_own_calls(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    attempt = Attempt(provider="p", model="m", known_route="p:m", outcome="ok")
    metrics.attempt_started(attempt)
    metrics._store.lock.acquire()  # as if another thread counted just then
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            metrics.attempt_started(attempt)
            os.write(writer, prometheus_text(registry))
        finally:
            os._exit(0)
    os.close(writer)
    metrics._store.lock.release()
    with os.fdopen(reader, "rb") as pipe:
        page = samples(page=pipe.read())
    os.waitpid(child, 0)
    assert page["g4f_lite_leg_in_flight", "chat", "p", "m"] == 1


# -- OpenTelemetry -------------------------------------------------------------------------


def test_opentelemetry_records_the_same_numbers(
    server: FaultServer, acme: type[OpenaiTemplate], registry: CollectorRegistry
) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    server.on(LARGE, replies.error(503, "overloaded"))

    async def ask() -> None:
        async with AsyncClient(
            plugins=[acme, Metrics(registry=registry, meter_provider=provider)], retries=0
        ) as client:
            await client.chat.completions.create(messages=MESSAGES, provider="acme")

    asyncio.run(ask())
    data: Any = reader.get_metrics_data()
    points = {
        (metric.name, *(point.attributes[name] for name in sorted(point.attributes))): point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }
    page = samples(registry)
    assert points["g4f_lite.attempts", "ServerError", "chat", "acme", LARGE].value == 1
    assert points["g4f_lite.attempts", "ok", "chat", "acme", SMALL].value == 1
    assert points["g4f_lite.leg.in_flight", "chat", "acme", SMALL].value == 0
    duration = points["gen_ai.client.inference.duration", "chat", "acme", SMALL]  # without error.type
    key = "gen_ai_client_inference_duration_seconds_sum", "", "chat", "acme", SMALL
    assert (duration.count, duration.sum) == (1, page[key])
    assert duration.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    provider.shutdown()
