"""Exported spans as a tree of text, without what differs from run to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

_VARIES = {"server.port": "PORT", "g4f_lite.call.id": "ID", "gen_ai.response.time_to_first_chunk": "SECONDS"}


def tree(spans: Iterable[ReadableSpan]) -> str:
    """Return each span with its attributes and events, below its parent; siblings in the order of their beginning."""
    spans = sorted(spans, key=lambda span: span.start_time or 0)
    ids = {span.context.span_id for span in spans}
    roots = [span for span in spans if span.parent is None or span.parent.span_id not in ids]
    return "".join(_branch(root, spans, "") for root in roots)


def _branch(span: ReadableSpan, spans: list[ReadableSpan], indent: str) -> str:
    status = "" if span.status.is_unset else f" {span.status.status_code.name}"
    text = f"{indent}{span.name} [{span.kind.name}]{status}\n"
    text += "".join(f"{indent}    {line}\n" for line in _attributes(span.attributes or {}))
    for event in span.events:
        text += f"{indent}  * {event.name} {', '.join(_attributes(event.attributes or {}))}\n"
    below = [one for one in spans if one.parent is not None and one.parent.span_id == span.context.span_id]
    return text + "".join(_branch(one, spans, indent + "  ") for one in below)


def _attributes(attributes: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_VARIES.get(name, attributes[name])}" for name in sorted(attributes)]
