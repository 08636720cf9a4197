"""
A `SERVER` span for each request, with OpenTelemetry's conventions for HTTP; the spans of its call are below it.

Of what a caller sends, the span has the method, the host and the path: no query, no other header, no body.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.trace import (
    ProxyTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    get_tracer,
    get_tracer_provider,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..observability import Tracing
from ..version import __version__
from .dialects import where

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_PORTS = {"http": 80, "https": 443}
_LONGEST = 256
"""Characters that are kept of a host or a path."""
_LAST_S = 5.0
"""How long the last spans may take to be exported."""
_parent_of = TraceContextTextMapPropagator().extract


class GatewayTracing:
    """
    Traces the requests of a gateway, and its calls.

    Spans go where the application's global tracer provider sends them, as under `opentelemetry-instrument`; if there is
    none, to the collector that the variables `OTEL_EXPORTER_OTLP_…` name.

    Args:
        propagate: have calls send `traceparent` to services.

    Raises:
        ImportError: there is no provider, and the SDK or its exporter is not installed.
    """

    def __init__(self, *, propagate: bool) -> None:
        self._own: TracerProvider | None = None
        provider = get_tracer_provider()
        if isinstance(provider, ProxyTracerProvider):  # nobody has set one
            provider = self._own = _exporting()
        self._tracer = get_tracer("g4f_lite.gateway", __version__, provider)
        self.plugin = Tracing(tracer_provider=provider, propagate=propagate)

    def around(self, answer: Answer) -> Answer:
        """Return what answers as `answer`, in a span; only the requests of a load balancer have none."""

        async def traced(request: web.BaseRequest) -> web.StreamResponse:
            if request.path.startswith("/health/"):
                return await answer(request)
            name, attributes = _described(request)
            span = self._tracer.start_span(name, _parent(request), SpanKind.SERVER, attributes)
            with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                try:
                    response = await answer(request)
                except BaseException as error:
                    span.set_attribute("error.type", type(error).__name__)
                    raise
                _add_response(span, response.status)
                return response

        return traced

    def close(self) -> None:
        """Export what waits, unless that takes too long: a collector that is away must not keep the gateway."""
        if self._own is not None:
            last = Thread(target=self._own.shutdown, daemon=True)
            last.start()
            last.join(_LAST_S)


def _exporting() -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "g4f-lite-gateway"}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _parent(request: web.BaseRequest) -> Context:
    """Return the caller's span, from `traceparent` alone; a request with two of them has none."""
    given = request.headers.getall("traceparent", [])
    return _parent_of({"traceparent": given[0]}, Context()) if len(given) == 1 else Context()


def _described(request: web.BaseRequest) -> tuple[str, dict[str, Any]]:
    """Return the name of a span, and what is known when it begins."""
    method, path = request.method, request.path
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "url.path": path[:_LONGEST],
        "url.scheme": request.scheme,
        **_host(request),
    }
    name = method
    if method not in _METHODS:
        attributes |= {"http.request.method": "_OTHER", "http.request.method_original": method[:_LONGEST]}
        name = "HTTP"
    if (route := _route(method, path)) is not None:
        attributes["http.route"] = route
        name = f"{name} {route}"
    return name, attributes


def _route(method: str, path: str) -> str | None:
    """Return the path, if there is such an endpoint, without what the caller has put into it."""
    if (place := where(method, path)) is None:
        return "/metrics" if path == "/metrics" else None
    return "/v1/models/{model}" if place.operation == "model" else path


def _host(request: web.BaseRequest) -> dict[str, Any]:
    """Return the attributes of the host that the caller has asked; nothing if that is none."""
    try:
        parts = urlsplit(f"//{request.headers.get('Host', '')}")
        port = parts.port or _PORTS[request.scheme]
    except ValueError:
        return {}
    return {"server.address": parts.hostname[:_LONGEST], "server.port": port} if parts.hostname else {}


def _add_response(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
