"""The real SDK, with exporters in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from g4f_lite import OpenaiTemplate
from g4f_lite.testing import FaultServer


@pytest.fixture(autouse=True)
def no_hook_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a hook raises ends no call, so it would not be noticed."""
    yield
    assert not [record.getMessage() for record in caplog.records if record.name == "g4f_lite.plugins"]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def acme(server: FaultServer) -> type[OpenaiTemplate]:
    """A provider with two models, on the server."""

    class Acme(OpenaiTemplate):
        name = "acme"
        api_base = server.base_url
        needs_auth = False
        default_model = "acme/large-2"
        fallback_models = ("acme/small-2",)
        capabilities = OpenaiTemplate.capabilities | {"embeddings"}
        default_models = {"embeddings": "acme/vectors-1"}

    return Acme
