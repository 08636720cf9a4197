"""
Draw the trace of a failover, as OpenTelemetry's SDK exports it: `python docs/draw_trace.py` writes docs/failover.svg.

A test fails if the picture shows other spans or attributes than are exported now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from g4f_lite import Client, OpenaiTemplate
from g4f_lite.observability import Tracing
from g4f_lite.testing import FaultServer, replies

PICTURE = Path(__file__).with_name("failover.svg")
SHOWN = (
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "error.type",
    "http.response.status_code",
    "g4f_lite.attempt.reason",
)
"""The attributes that are shown, in this order; a span has more of them."""

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 900, 240, 24, 58, 44
_STYLE = """
  text { font: 12px sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e } .name { font-weight: bold }
  .back { fill: #ffffff } .line { stroke: #d1d9e0 }
  .ok { fill: #2f81f7 } .error { fill: #d1242f } .wait { fill: #bf8700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .back { fill: #0d1117 } .line { stroke: #3d444d }
    .error { fill: #f85149 } .wait { fill: #d29922 }
  }
"""


class Acme(OpenaiTemplate):
    name = "acme"
    needs_auth = False
    default_model = "acme/large-2"
    fallback_models = ("acme/small-2",)


def failover() -> Sequence[ReadableSpan]:
    """Return the spans of a call that waits, tries again, and fails over to a second model."""
    exporter = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    with FaultServer() as server:
        server.on(
            "acme/large-2",
            replies.delayed(0.03, replies.error(503, "overloaded")),
            replies.delayed(0.02, replies.error(429, "enough", retry_after="60")),
        )
        server.on("acme/small-2", replies.delayed(0.06, replies.answer("It is Sunday.")))
        plugins = [Acme, Tracing(tracer_provider=tracers)]
        with Client(plugins=plugins, base_urls={"acme": server.base_url}, retry_wait=lambda state: 0.05) as client:
            question = [{"role": "user", "content": "Which day is it?"}]
            client.chat.completions.create(messages=question, provider="acme", model="acme/large-2")
    return exporter.get_finished_spans()


def picture(spans: Iterable[ReadableSpan]) -> str:
    """Return the spans as SVG, in the order of their beginning, each as a bar on the axis of time."""
    spans = sorted(spans, key=lambda span: span.start_time or 0)
    began = min(span.start_time or 0 for span in spans)
    lasted = max(span.end_time or 0 for span in spans) - began
    scale = (_WIDTH - _LEFT - _RIGHT) / lasted
    height = _TOP + _ROW * len(spans) + 4
    rows = "".join(
        _row(span, _TOP + _ROW * number, lambda at: _LEFT + (at - began) * scale) for number, span in enumerate(spans)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" role="img">\n'
        f"<title>A trace of a failover</title><style>{_STYLE}</style>\n"
        f'<rect class="back" width="100%" height="100%"/>\n{_axis(lasted, scale, height)}{rows}</svg>\n'
    )


def _axis(lasted: int, scale: float, height: int) -> str:
    drawn = ""
    for milliseconds in range(0, lasted // 1_000_000 + 1, 20):
        x = f"{_LEFT + milliseconds * 1e6 * scale:.0f}"
        drawn += f'<line class="line" x1="{x}" x2="{x}" y1="28" y2="{height}"/>'
        drawn += f'<text class="small" x="{x}" y="20" text-anchor="middle">{milliseconds} ms</text>\n'
    return drawn


def _row(span: ReadableSpan, y: int, x_of: Callable[[float], float]) -> str:
    start, end = x_of(span.start_time or 0), x_of(span.end_time or 0)
    kind = "ok" if span.status.is_unset else "error"
    indent = 8 if span.parent is None else 24
    drawn = f'<text class="name" x="{indent}" y="{y + 13}">{escape(span.name)}</text>\n'
    drawn += (
        f'<rect class="{kind}" x="{start:.1f}" y="{y + 2}" width="{max(end - start, 2):.1f}" height="14" rx="2"/>\n'
    )
    for event in span.events:
        attributes = event.attributes or {}
        seconds = float(str(attributes["g4f_lite.wait.seconds"]))
        at, until = x_of(event.timestamp), x_of(event.timestamp + seconds * 1e9)
        drawn += f'<rect class="wait" x="{at:.1f}" y="{y + 2}" width="{until - at:.1f}" height="14"/>\n'
        drawn += f'<text class="small" x="{at:.1f}" y="{y + 30}">{escape(event.name)} {seconds:g} s</text>\n'
    attributes = span.attributes or {}
    shown = [f"{name} = {attributes[name]!s}" for name in SHOWN if name in attributes]
    first = y + 30 + (14 if span.events else 0)
    return drawn + f'<text class="small" x="{indent}" y="{first}">{escape(" · ".join(shown))}</text>\n'


if __name__ == "__main__":
    failover()  # the first one imports what the others have
    PICTURE.write_text(picture(failover()), "utf-8")
