"""
The numbers as Prometheus sees them.

One process shows those of its memory. If `PROMETHEUS_MULTIPROC_DIR` is set, each process writes into files of that
folder, as prometheus_client does for its own metrics, and each shows the sum.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from math import inf
from typing import Any, cast
from weakref import WeakKeyDictionary

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as _generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from .conventions import HELD_UNTIL, STORE_UP, Definition
from .numbers import Cell, Distribution, Number, Numbers

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The content type of `prometheus_text`."""
_MULTIPROCESS = {HELD_UNTIL: "max", STORE_UP: "livemin"}
"""How the gauges of several processes become one; other gauges are added up, without processes that have ended."""


def is_multiprocess() -> bool:
    """Return whether several processes show their numbers together."""
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


def prometheus_text(registry: CollectorRegistry = REGISTRY) -> bytes:
    """
    Return a page of metrics in Prometheus' text format.

    Args:
        registry: whose metrics to show; in multiprocess mode it is not used: the page has those of all processes.
    """
    if is_multiprocess():
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return _generate_latest(registry)


def _names(definition: Definition) -> list[str]:
    return [name.replace(".", "_") for name in (*definition.labels, *(name for name, _ in definition.fixed))]


def _values(definition: Definition, values: tuple[str, ...]) -> list[str]:
    return [*values, *(value for _, value in definition.fixed)]


class MemoryCollector:
    """Shows the numbers of this process's memory."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers

    def describe(self) -> list[Metric]:
        """Return nothing: which metrics there are is not known before the first call."""
        return []

    def collect(self) -> Iterator[Metric]:
        for source in [*self.numbers.sources.values()]:
            source.count()
        with self.numbers.lock:
            waiting = [*self.numbers.unpriced]
            self.numbers.unpriced.clear()
        priced = [(spent, attempt.cost) for spent, attempt in waiting]  # calls go on meanwhile: the first takes long
        with self.numbers.lock:
            for spent, cost in priced:
                spent.inc(cost or 0.0)
            families = list(self._families().values())
        yield from families

    def _families(self) -> Mapping[str, Metric]:
        families: dict[str, Metric] = {}
        for definition, series in self.numbers.series.items():
            for values, number in series.items():
                name = definition.prometheus_name
                family = families.setdefault(name, _family(definition, name))
                _add(family, _values(definition, values), number)
        return families


def _family(definition: Definition, name: str) -> Metric:
    kinds: dict[str, Any] = {
        "counter": CounterMetricFamily,
        "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }
    return cast("Metric", kinds[definition.kind](name, definition.text, labels=_names(definition)))


def _add(family: Any, labels: list[str], number: Number | Distribution) -> None:
    if isinstance(number, Number):
        family.add_metric(labels, number.value)
        return
    buckets, total = [], 0
    for bound, count in zip((*number.bounds, inf), number.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == inf else str(bound), float(total)))
    family.add_metric(labels, buckets, number.sum)


_known: WeakKeyDictionary[CollectorRegistry, Numbers] = WeakKeyDictionary()


def numbers_of(registry: CollectorRegistry | None) -> Numbers:
    """Return the numbers that a registry shows; None stands for prometheus_client's own."""
    registry = REGISTRY if registry is None else registry
    if (numbers := _known.get(registry)) is None:
        numbers = _known[registry] = Numbers()
        registry.register(MemoryCollector(numbers))
    return numbers


class SharedCells:
    """Writes into the files that prometheus_client's multiprocess mode adds up."""

    def __init__(self) -> None:
        self._metrics: dict[str, Any] = {}

    def cell(self, definition: Definition, values: tuple[str, ...]) -> Cell:
        name = definition.prometheus_name
        if name not in self._metrics:
            self._metrics[name] = self._metric(definition, name)
        metric, labels = self._metrics[name], _values(definition, values)
        return cast("Cell", metric.labels(*labels) if labels else metric)

    def _metric(self, definition: Definition, name: str) -> Counter | Gauge | Histogram:
        names = _names(definition)
        if definition.kind == "counter":
            return Counter(name, definition.text, names, registry=None)
        if definition.kind == "gauge":
            mode: Any = _MULTIPROCESS.get(definition, "livesum")
            return Gauge(name, definition.text, names, registry=None, multiprocess_mode=mode)
        return Histogram(name, definition.text, names, registry=None, buckets=definition.buckets)

    def clear(self) -> None:
        """Keep all: prometheus_client itself begins a file of its own in a child."""


@cache
def shared_cells() -> SharedCells:
    """Return those of this process: two would overwrite each other's numbers."""
    return SharedCells()
