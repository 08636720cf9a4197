"""The numbers as instruments of OpenTelemetry. The application makes the meter provider, with readers and exporters."""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import MeterProvider

from ..version import __version__
from .conventions import ERROR_TYPE, Definition
from .numbers import Cell


class OTelCells:
    """Records each change with an instrument of a meter."""

    def __init__(self, provider: MeterProvider) -> None:
        self._meter = provider.get_meter("g4f_lite", __version__)
        self._instruments: dict[str, Any] = {}

    def cell(self, definition: Definition, values: tuple[str, ...]) -> Cell:
        if definition.name not in self._instruments:
            self._instruments[definition.name] = self._instrument(definition)
        attributes = {**dict(zip(definition.labels, values, strict=True)), **dict(definition.fixed)}
        if attributes.get(ERROR_TYPE) == "":  # a label of Prometheus must have a value
            del attributes[ERROR_TYPE]
        return _Series(self._instruments[definition.name], attributes)

    def _instrument(self, definition: Definition) -> Any:
        name, unit, text = definition.name, definition.unit, definition.text
        if definition.kind == "counter":
            return self._meter.create_counter(name, unit=unit, description=text)
        if definition.kind == "gauge":
            return self._meter.create_gauge(name, unit=unit, description=text)
        buckets = list(definition.buckets)
        return self._meter.create_histogram(
            name, unit=unit, description=text, explicit_bucket_boundaries_advisory=buckets
        )

    def clear(self) -> None:
        """Keep all: what a reader does after a fork is the application's business."""


class _Series:
    def __init__(self, instrument: Any, attributes: dict[str, str]) -> None:
        self._instrument = instrument
        self._attributes = attributes
        self._now = 0.0

    def inc(self, amount: float = 1, /) -> None:
        if hasattr(self._instrument, "add"):
            self._instrument.add(amount, self._attributes)
        else:
            self.set(self._now + amount)

    def set(self, value: float, /) -> None:
        self._now = value
        self._instrument.set(value, self._attributes)

    def observe(self, value: float, /) -> None:
        self._instrument.record(value, self._attributes)
