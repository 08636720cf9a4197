"""Prices are looked up when Prometheus asks; if it does not ask for long, in the call."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from g4f_lite import Attempt, Usage
from g4f_lite.observability import Metrics, prometheus_text
from g4f_lite.observability import metrics as module


def test_no_price_is_lost_if_nobody_asks_for_the_numbers(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNPRICED", 3)
    metrics = Metrics(registry=registry)
    usage = Usage(prompt_tokens=1000, completion_tokens=1000, total_tokens=2000)
    attempt = Attempt(
        provider="openai", model="gpt-4o", known_route="openai:gpt-4o", outcome="ok", usage=usage, started_at=1.75e9
    )
    for _ in range(10):
        metrics.attempt_finished(attempt)
    metrics._store.count()
    waiting = metrics._store._unpriced
    assert waiting is not None and len(waiting) == 3
    name = "g4f_lite_cost_usd_total{"
    (line,) = [one for one in prometheus_text(registry).decode().splitlines() if one.startswith(name)]
    assert attempt.cost and float(line.split()[-1]) == pytest.approx(10 * attempt.cost)


def test_calls_go_on_while_prices_are_looked_up(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    was_locked = []

    class Watched(Attempt, frozen=True):
        @property
        def cost(self) -> float:
            was_locked.append(metrics._store.lock.locked())
            return 2.0

    usage = Usage(prompt_tokens=1, completion_tokens=1, total_tokens=2)
    metrics.attempt_finished(Watched(provider="p", model="m", known_route="p:m", outcome="ok", usage=usage))
    assert b'g4f_lite_cost_usd_total{gen_ai_operation_name="chat",' in prometheus_text(registry)
    assert was_locked == [False]
    assert "} 2.0" in next(
        line for line in prometheus_text(registry).decode().splitlines() if "cost_usd_total{" in line
    )
