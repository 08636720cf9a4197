"""
Calls seen from outside: traces, metrics and a log, for plugins of a client.

    from g4f_lite.observability import CallLogger, Metrics, Tracing

    client = Client(plugins=[Tracing(), Metrics(), CallLogger()])

Rule: built on the public hooks alone, so that any plugin could do the same. Names are imported on first use: neither
opentelemetry nor prometheus_client is imported before.

| file | what is in it |
| --- | --- |
| `conventions` | the names of OpenTelemetry's conventions for generative AI, and ours; the table of metrics |
| `tracing` | `Tracing`: a span for each call, and one for each of its attempts |
| `content` | what was asked and answered, redacted and cut, for those who want it recorded |
| `metrics` | `Metrics`: what is counted of calls and attempts |
| `numbers` | the numbers of a process, in memory |
| `prometheus` | these numbers as Prometheus sees them, also of several processes |
| `otel_metrics` | the same as instruments of OpenTelemetry |
| `call_logger` | `CallLogger`: one record of `logging` for each call |
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors.suggestions import install_hint

if TYPE_CHECKING:
    from .call_logger import CallLogger as CallLogger
    from .call_logger import JSONLines as JSONLines
    from .metrics import Metrics as Metrics
    from .prometheus import CONTENT_TYPE as CONTENT_TYPE
    from .prometheus import prometheus_text as prometheus_text
    from .tracing import Tracing as Tracing

_MODULES = {
    "call_logger": "CallLogger JSONLines",
    "metrics": "Metrics",
    "prometheus": "CONTENT_TYPE prometheus_text",
    "tracing": "Tracing",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}
_EXTRAS = {"opentelemetry": "otel", "prometheus_client": "prometheus"}

__all__ = [*sorted(_HOME)]  # noqa: PLE0604  # a list of strings, built


if not TYPE_CHECKING:  # a checker must not believe that every name exists

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            value = getattr(import_module(f".{_HOME[name]}", __name__), name)
        except ModuleNotFoundError as error:
            if (package := (error.name or "").partition(".")[0]) not in _EXTRAS:
                raise
            raise ImportError(f"{package} is not installed; run: {install_hint(_EXTRAS[package])}") from error
        globals()[name] = value
        return value
