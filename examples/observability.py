"""
An application that is seen from outside: traces, metrics and a log of its calls.

    python examples/observability.py                              spans are printed
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python …    spans and metrics go to a collector

It needs the extras `otel` and `prometheus`, `opentelemetry-sdk` and, for a collector,
`opentelemetry-exporter-otlp-proto-http`. It asks a scripted service on this machine, whose preferred model first is
overloaded and then refuses further requests: the call waits, tries again, and fails over.
"""

from __future__ import annotations

import logging
import os

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from g4f_lite import Client, OpenaiTemplate
from g4f_lite.observability import CallLogger, JSONLines, Metrics, Tracing, prometheus_text
from g4f_lite.testing import FaultServer, replies

SERVICE = Resource.create({"service.name": "examples"})


class Acme(OpenaiTemplate):
    name = "acme"
    needs_auth = False
    default_model = "acme/large-2"
    fallback_models = ("acme/small-2",)


def exporters() -> tuple[SpanExporter, list[MetricReader]]:
    """Return where spans and metrics go."""
    if "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ:
        return ConsoleSpanExporter(), []
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), [PeriodicExportingMetricReader(OTLPMetricExporter())]


def ask(base_url: str, tracers: TracerProvider, meters: MeterProvider) -> str:
    """Answer a question below a span of the application's own."""
    plugins = [Acme, Tracing(tracer_provider=tracers), Metrics(meter_provider=meters), CallLogger()]
    with Client(plugins=plugins, base_urls={"acme": base_url}, retry_wait=lambda state: 0.05) as client:
        with tracers.get_tracer("examples").start_as_current_span("answer a question"):
            reply = client.chat.completions.create(
                messages=[{"role": "user", "content": "Which day is it?"}],
                provider="acme",
                model="acme/large-2",
                fallback_models=["acme/small-2"],
                metadata={"team": "search"},
            )
    return str(reply.text)


def main() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JSONLines())
    logging.getLogger("g4f_lite.calls").addHandler(handler)
    logging.getLogger("g4f_lite.calls").setLevel(logging.INFO)
    spans, readers = exporters()
    tracers = TracerProvider(resource=SERVICE)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    meters = MeterProvider(readers, resource=SERVICE)
    with FaultServer() as server:
        server.on("acme/large-2", replies.error(503, "overloaded"), replies.error(429, "enough", retry_after="60"))
        server.on("acme/small-2", replies.answer("It is Sunday."))
        text = ask(server.base_url, tracers, meters)
    tracers.shutdown()
    meters.shutdown()
    print(text)  # noqa: T201
    print(prometheus_text().decode())  # noqa: T201


if __name__ == "__main__":
    main()
