"""Records wait to be counted: none is lost, and no call waits for whoever reads the numbers."""

from __future__ import annotations

import gc
import weakref

from prometheus_client import CollectorRegistry

from g4f_lite import Attempt
from g4f_lite.observability import Metrics, prometheus_text
from g4f_lite.observability import metrics as module
from g4f_lite.records.trail import Trail

ENDED = Attempt(provider="p", model="m", known_route="p:m", outcome="ok", duration=0.1)


def call(metrics: Metrics) -> None:
    metrics.attempt_started(Attempt(provider="p", model="m", known_route="p:m"))
    metrics.attempt_finished(ENDED)
    metrics.call_finished(Trail(entries=(ENDED,), outcome="ok", duration=0.1))


def calls(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value(
        "g4f_lite_calls_total", {"gen_ai_operation_name": "chat", "g4f_lite_outcome": "ok"}
    )


def test_no_call_waits_while_the_numbers_are_read(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    with metrics._store.lock:  # it would never be released if a hook waited for it
        for _ in range(module.MOST_NOTED):
            call(metrics)
    call(metrics)
    assert len(metrics._store._noted) < module.MOST_NOTED
    assert calls(registry) == module.MOST_NOTED + 1


def test_what_waits_outlives_its_plugin_but_not_its_registry() -> None:
    registry = CollectorRegistry()
    call(Metrics(registry=registry))
    gc.collect()
    assert calls(registry) == 1
    assert b'g4f_lite_leg_in_flight{gen_ai_operation_name="chat"' in prometheus_text(registry)
    alive = weakref.ref(registry)
    del registry
    gc.collect()
    assert alive() is None


def test_a_new_registry_shows_its_own_numbers() -> None:
    gc.collect()
    gc.disable()  # what a registry has left behind stays, and a new one may get its address
    try:
        for _ in range(20):
            registry = CollectorRegistry()
            call(Metrics(registry=registry))
            assert calls(registry) == 1
            del registry
    finally:
        gc.enable()
