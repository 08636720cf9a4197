"""A caller who makes up a name cannot make a span as large as he likes."""

from __future__ import annotations

import pytest
from helpers.driving import MESSAGES
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from g4f_lite import Client, UnknownModelError
from g4f_lite.observability import Tracing


def test_a_made_up_model_is_cut(tracers: TracerProvider, exporter: InMemorySpanExporter) -> None:
    with Client(plugins=[Tracing(tracer_provider=tracers)]) as client, pytest.raises(UnknownModelError):
        client.chat.completions.create(messages=MESSAGES, model="x" * 100_000)
    (span,) = exporter.get_finished_spans()
    assert span.name == f"chat {'x' * 256}"
    assert max(len(str(value)) for value in (span.attributes or {}).values()) == 256
