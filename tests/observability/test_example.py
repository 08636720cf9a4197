"""The example exports a failover to a collector, and its dashboard shows metrics that exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.collector import Collector
from prometheus_client.parser import text_string_to_metric_families

from g4f_lite.observability import conventions

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def exported() -> tuple[Collector, subprocess.CompletedProcess[str]]:
    with Collector() as collector:
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        command = [sys.executable, str(EXAMPLES / "observability.py")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    return collector, done


def test_the_example_exports_a_failover(exported: tuple[Collector, subprocess.CompletedProcess[str]]) -> None:
    collector, done = exported
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It is Sunday.\n")
    spans = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    assert [span.name for span in spans] == [
        "answer a question",
        "chat acme/large-2",
        "attempt acme:acme/large-2",
        "attempt acme:acme/large-2",
        "attempt acme:acme/small-2",
    ]
    work, call, *attempts = spans
    assert call.parent_span_id == work.span_id
    assert {one.parent_span_id for one in attempts} == {call.span_id}
    assert len({one.trace_id for one in spans}) == 1
    assert [event.name for event in call.events] == ["g4f_lite.wait"]
    assert "examples" in collector.services
    assert "gen_ai.client.inference.duration" in {metric.name for metric in collector.metrics}


def test_the_example_logs_its_call(exported: tuple[Collector, subprocess.CompletedProcess[str]]) -> None:
    (line,) = [json.loads(line) for line in exported[1].stderr.splitlines() if '"g4f_lite.calls"' in line]
    assert (line["call"]["outcome"], line["call"]["metadata"]) == ("ok", {"team": "search"})


def test_the_dashboard_shows_metrics_that_exist(exported: tuple[Collector, subprocess.CompletedProcess[str]]) -> None:
    dashboard = json.loads((EXAMPLES / "grafana.json").read_text("utf-8"))
    page = exported[1].stdout.partition("\n")[2]
    on_page = {
        sample.name: set(sample.labels) for family in text_string_to_metric_families(page) for sample in family.samples
    }
    defined = {
        one.prometheus_name: one
        for one in [*vars(conventions).values(), *conventions.DURATIONS.values()]
        if isinstance(one, conventions.Definition)
    }
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    series = {
        name + suffix: {label.replace(".", "_") for label in (*one.labels, *dict(one.fixed))} | {"le"}
        for name, one in defined.items()
        for suffix in suffixes[one.kind]
    }
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    expressions += [one["query"] for one in dashboard["templating"]["list"] if "query" in one]
    used: set[str] = set()
    for expression in expressions:
        names = set(re.findall(r"\b(?:gen_ai|g4f_lite)_\w+", expression))
        metrics = names & series.keys()
        assert metrics, expression
        labels = set().union(*(series[name] for name in metrics))
        assert names - metrics <= labels, expression
        used |= metrics
    assert len(used) > 10
    assert on_page.keys() & used > {"g4f_lite_calls_total", "g4f_lite_attempts_total"}
    for name in on_page.keys() & used:
        assert on_page[name] - {"le"} == series[name] - {"le"}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
