"""Each request is a span, below the caller's and above those of its call; a collector on loopback gets them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from helpers.collector import Collector
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from g4f_lite.testing import FaultServer, replies

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
PATH = "/v1/chat/completions"
HEADERS = {
    "authorization": f"Bearer {KEY}",
    "baggage": "of=caller",
    "tracestate": "of=caller",
    "user-agent": "of caller",
}
SENT: dict[str, Any] = {"messages": MESSAGES}


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.endpoint)
        yield one


def test_a_request_is_a_span_between_the_callers_and_the_calls(groq: FaultServer, collector: Collector) -> None:
    groq.on("one", replies.error(503, "overloaded"))
    with running(tables(groq, server={"tracing": True}, keys=key_table())) as gateway:
        url = f"{gateway.url}{PATH}?api_key=secret"
        assert requests.post(url, json=SENT, headers={**HEADERS, "traceparent": CALLER}, timeout=10).ok
        port = urlsplit(gateway.url).port
    (server,) = [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == tuple(CALLER.split("-")[1:3])
    assert (server.name, attributes(server)) == (
        f"POST {PATH}",
        {
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "http.route": PATH,
            "server.address": "127.0.0.1",
            "server.port": port,
            "url.path": PATH,
            "url.scheme": "http",
        },
    )
    (call,) = [span for span in collector.spans if span.parent_span_id == server.span_id]
    attempts = [span.name for span in collector.spans if span.parent_span_id == call.span_id]
    assert (call.name, attempts) == ("chat", ["attempt groq:one", "attempt openai:two"])
    assert {span.trace_id for span in collector.spans} == {server.trace_id}
    everything = " ".join(map(str, collector.spans))
    assert not [one for one in (KEY, "secret", "of caller", "of=caller", "Which day") if one in everything]
    assert not [name for one in groq.received for name in one.headers if name.startswith(("trace", "baggage"))]
    assert "g4f-lite-gateway" in collector.services


def leave_early(gateway: Running) -> None:
    """Close the connection as soon as a call is under way."""
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=10)
    connection.request("POST", PATH, json.dumps(SENT))
    for wanted in (1, 0):
        end = time.monotonic() + 20
        while gateway.under_way != wanted and time.monotonic() < end:
            time.sleep(0.01)
        assert gateway.under_way == wanted
        connection.close()


def test_how_requests_end(groq: FaultServer, collector: Collector) -> None:
    groq.script(*[replies.error(500, "broken")] * 2, replies.answer("one two"), replies.silence("headers", 0))
    with running(tables(groq, server={"tracing": True, "propagate": True})) as gateway:
        answer = requests.post(gateway.url + PATH, json=SENT, timeout=10)
        assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")
        headers = {"traceparent": CALLER}
        assert requests.post(gateway.url + PATH, json={**SENT, "stream": True}, headers=headers, timeout=10).ok
        for path in ("/v1/models/mine", "/nowhere", "/health/live"):
            requests.get(gateway.url + path, timeout=10)
        for sent in ("00-nonsense", UNSAMPLED):
            requests.get(f"{gateway.url}/v1/models", headers={"traceparent": sent}, timeout=10)
        connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=10)
        connection.putrequest("LOCK", "/v1/models", skip_host=True)
        for name, value in (("Host", "[:x"), ("traceparent", CALLER), ("traceparent", CALLER)):
            connection.putheader(name, value)
        connection.endheaders()
        connection.getresponse().read()
        connection.close()
        leave_early(gateway)
    spans = [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]
    spans.sort(key=lambda span: span.start_time_unix_nano)
    *ended, left = [
        (span.name, attributes(span).get("http.response.status_code"), bool(span.parent_span_id), span.status.code)
        for span in spans
    ]
    assert ended == [
        (f"POST {PATH}", 502, False, 2),
        (f"POST {PATH}", 200, True, 0),
        ("GET /v1/models/{model}", 404, False, 0),
        ("GET", 404, False, 0),
        ("GET /v1/models", 200, False, 0),
        ("HTTP", 404, False, 0),
    ]
    assert attributes(spans[-2])["http.request.method_original"] == "LOCK"
    assert "server.address" not in attributes(spans[-2])
    assert left == (f"POST {PATH}", None, False, 0)
    assert attributes(spans[-1])["error.type"] == "CancelledError"
    assert groq.received[2].headers["traceparent"].split("-")[1] == CALLER.split("-")[1]


def test_a_gateway_without_tracing_imports_nothing_of_it() -> None:
    code = (
        "import sys; from g4f_lite.gateway.server import Gateway; from g4f_lite.gateway.settings import Settings\n"
        "Gateway(Settings()); print([one for one in sys.modules if 'opentelemetry' in one])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
