"""
`Metrics`: what is counted of calls and attempts.

Labels come from the code of providers and from the client's `routes`, never from callers: what is not known is `other`.
So the number of series is bounded, whatever callers ask for.

A hook only notes its record. Records are counted a few calls at a time, and before Prometheus reads the numbers: code
that has just run costs half of what it costs when it runs once a call.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakMethod, WeakValueDictionary

from ..errors import exceptions
from ..errors.suggestions import install_hint
from ..plugins.hookspecs import hookimpl
from ..records.trail import Attempt, Trail
from . import conventions as names
from .numbers import Cell, Cells, Nothing, Numbers, Observed, Several

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from prometheus_client import CollectorRegistry

MOST_LEGS = 1000
"""Further ones are counted as `other`."""
MOST_NOTED = 64
"""Records that wait to be counted; fewer than this remain after a hook, unless another thread counts just then."""
MOST_UNPRICED = 1000
"""Answers whose price waits until Prometheus asks: to look it up takes far longer than all the rest."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_OTHERS = "other:other"
_LegKey = tuple[str, str]
"""The known route and the operation."""
_OUTCOMES = frozenset(
    {"ok", "closed", "LostRace", "CancelledError", "KeyboardInterrupt", "GeneratorExit", "SystemExit"}
    | {name for name, one in vars(exceptions).items() if isinstance(one, type) and issubclass(one, BaseException)}
)


class Metrics:
    """
    A plugin that counts calls, attempts, tokens and costs, and measures durations.

    Plugins with the same arguments share their numbers.

    Args:
        registry: shows the numbers to Prometheus (extra `prometheus`); None for prometheus_client's own registry. If
            `PROMETHEUS_MULTIPROC_DIR` is set, they are written there instead.
        meter_provider: records them with OpenTelemetry (extra `otel`) as well.
        old_names: use the names that OpenTelemetry's conventions had before v0.1.0.

    Raises:
        ImportError: prometheus_client is not installed, and no meter provider is given.
    """

    def __init__(
        self,
        *,
        registry: CollectorRegistry | None = None,
        meter_provider: MeterProvider | None = None,
        old_names: bool = False,
    ) -> None:
        self._store = _shared_store(registry, meter_provider, old_names=old_names)

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        self._store.note((attempt.known_route, attempt.operation))

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self._store.note(attempt)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self._store.note(trail)

    # -- of a gateway ----------------------------------------------------------------------

    def gateway_overhead(self, seconds: float) -> None:
        """Record the time that a gateway has added to one call."""
        store = self._store
        with store.lock:
            store.single(names.OVERHEAD).observe(seconds)

    def gateway_refused(self, code: str) -> None:
        """Record that a gateway has refused a request; the code is one of few."""
        store = self._store
        with store.lock:
            store.single(names.REFUSED, code).inc()

    def store_up(self, up: bool) -> None:
        """Record whether the shared store answers."""
        store = self._store
        with store.lock:
            store.single(names.STORE_UP).set(float(up))


class _Made(dict[_Key, _Value]):
    """A dictionary that makes what it lacks. The function puts it in, under the key that is to have it."""

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        self._make = make

    def __missing__(self, key: _Key) -> _Value:
        return self._make(key)


class _Leg:
    """The series of one leg. The store's lock is held by who changes them."""

    def __init__(self, store: _Store, known_route: str, operation: str) -> None:
        provider, _, model = known_route.partition(":")
        provider = names.PROVIDERS.get(provider, provider)
        if store.old_names:
            provider = names.OLD_PROVIDERS.get(provider, provider)
        self._store, self._labels = store, (operation, provider, model)
        self._measured = names.DURATIONS.get(operation, names.OTHER_DURATION)
        self.attempts = _Made(self._attempts_with)
        self.ends = _Made(self._ends_with)
        self.is_held = False
        self.in_flight = self._cell(names.IN_FLIGHT)
        self.held_until = self._cell(names.HELD_UNTIL)
        self.spent = self._cell(names.SPENT)
        if operation == "chat":
            self.first_token = self._cell(names.TIME_TO_FIRST_CHUNK)
            self.input, self.output = self._cell(names.INPUT), self._cell(names.OUTPUT)
            self.read, self.written = self._cell(names.READ), self._cell(names.WRITTEN)
            self.reasoned = self._cell(names.REASONED)
        elif operation == "embeddings":
            self.embedded = self._cell(names.EMBEDDED)

    def _cell(self, definition: names.Definition, *more: str) -> Cell:
        return self._store.cell(definition, (*self._labels, *more))

    def _attempts_with(self, outcome: str | None) -> Cell:
        return self.attempts.setdefault(_known(outcome), self._cell(names.ATTEMPTS, _known(outcome)))

    def _ends_with(self, outcome: str | None) -> tuple[Cell, Cell]:
        """Return the count and the durations of calls with this outcome, whose last attempt was on this leg."""
        known = _known(outcome)
        error = "" if known in ("ok", "closed") else known
        calls = self._store.cell(names.CALLS, (self._labels[0], known))
        return self.ends.setdefault(known, (calls, self._cell(self._measured, error)))

    def hold(self, until: float | None) -> None:
        """Note until when the leg is not used, as Unix time; None: it is used."""
        self.is_held = until is not None
        self.held_until.set(until or 0.0)


class _Store:
    """
    The numbers of all plugins with the same arguments.

    Args:
        numbers: those in memory among `cells`, if any.
    """

    def __init__(self, cells: list[Cells], numbers: Numbers | None, *, old_names: bool) -> None:
        self.old_names = old_names
        self.lock = Lock() if numbers is None else numbers.lock
        self.legs = _Made(self._leg)
        self._noted: deque[_LegKey | Attempt | Trail] = deque()
        """Legs whose attempt has begun, attempts that have ended, and calls that have ended."""
        self._most = 1
        self._cells = cells
        self._unpriced: list[tuple[Cell, Attempt]] | None = None
        self._singles: dict[tuple[str, ...], Cell] = {}
        if numbers is not None and len(cells) == 1:  # elsewhere, nobody says when numbers are read
            self._unpriced, self._most = numbers.unpriced, MOST_NOTED
        self.owners: object = None
        """What the key of this store is made of, if it has one: their ids are not to be given to others."""
        self._has_prices = find_spec("genai_prices") is not None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_call, WeakMethod(self.after_fork)))

    def cell(self, definition: names.Definition, values: tuple[str, ...]) -> Cell:
        """Return a series; none of its own for a metric that has no old name."""
        named = names.old(definition) if self.old_names else definition
        if named is None:
            return Nothing()
        found = [one.cell(named, values) for one in self._cells]
        cell = found[0] if len(found) == 1 else Several(found)
        return Observed(cell) if named.kind != definition.kind else cell

    def _leg(self, key: _LegKey) -> _Leg:
        """Return the series of a leg. The lock is held."""
        if len(self.legs) >= MOST_LEGS:
            key = _OTHERS, key[1]
        if (leg := self.legs.get(key)) is None:
            leg = self.legs[key] = _Leg(self, *key)
        return leg

    def single(self, definition: names.Definition, *values: str) -> Cell:
        """Return a series of a metric that is not about a leg."""
        if (definition.name, *values) not in self._singles:
            self._singles[definition.name, *values] = self.cell(definition, values)
        return self._singles[definition.name, *values]

    def note(self, record: _LegKey | Attempt | Trail) -> None:
        """Have what has happened counted, soon."""
        noted = self._noted
        noted.append(record)
        if len(noted) >= self._most:
            self.count(wait=self._most == 1)

    def count(self, *, wait: bool = True) -> None:
        """
        Count what was noted.

        Args:
            wait: for the lock, if another thread holds it; else leave it to a later call.
        """
        if not self.lock.acquire(wait):
            return
        try:
            noted, legs = self._noted, self.legs
            while noted:  # a record at a time: a signal's handler may raise here
                record = noted.popleft()
                if type(record) is tuple:
                    legs[record].in_flight.inc(1.0)
                elif type(record) is Trail:
                    self._count_call(record)
                elif isinstance(record, Attempt):
                    leg = legs[record.known_route, record.operation]
                    leg.in_flight.inc(-1.0)
                    leg.attempts[record.outcome].inc(1.0)
                    if record.first_token is not None:
                        leg.first_token.observe(record.first_token)
                    if record.ready_at is not None or leg.is_held:
                        leg.hold(record.ready_at)
                    if record.usage is not None:
                        self._add_usage(leg, record)
        finally:
            self.lock.release()

    def _count_call(self, trail: Trail) -> None:
        entries = trail.entries
        if len(entries) == 1 and isinstance(entries[0], Attempt):
            leg = self.legs[entries[0].known_route, trail.operation]
        else:
            attempts = trail.attempts
            leg = self.legs[attempts[-1].known_route if attempts else _OTHERS, trail.operation]
            self._note_held(trail)
        calls, durations = leg.ends[trail.outcome]
        calls.inc(1.0)
        durations.observe(trail.duration or 0.0)

    def _add_usage(self, leg: _Leg, attempt: Attempt) -> None:
        """Add the tokens and the cost of an answer."""
        usage: Any = attempt.usage
        prompt = getattr(usage, "prompt_tokens", None)
        if prompt is None:
            return
        if attempt.operation == "chat":
            leg.input.inc(prompt)
            leg.output.inc(usage.completion_tokens)
            if (details := usage.prompt_tokens_details) is not None:
                leg.read.inc(details.cached_tokens or 0)
                leg.written.inc(details.cache_write_tokens or 0)
            if (details := usage.completion_tokens_details) is not None:
                leg.reasoned.inc(details.reasoning_tokens or 0)
        elif attempt.operation == "embeddings":
            leg.embedded.observe(prompt)
        if usage.cost is not None:
            leg.spent.inc(usage.cost)
        elif not self._has_prices:
            return
        elif self._unpriced is None or len(self._unpriced) >= MOST_UNPRICED:
            leg.spent.inc(attempt.cost or 0.0)
        else:
            self._unpriced.append((leg.spent, attempt))

    def _note_held(self, trail: Trail) -> None:
        """Note which known legs are held."""
        for entry in trail.skipped:
            if entry.ready_at is not None and (leg := self.legs.get((entry.route, trail.operation))) is not None:
                leg.hold(entry.ready_at)

    def after_fork(self) -> None:
        """Begin anew in a child: the parent shows what it has counted, and its attempts do not end here."""
        if self.lock.locked():  # by a thread that is not here
            self.lock.release()
        for one in self._cells:
            one.clear()
        self._noted.clear()
        self.legs.clear()
        self._singles.clear()


def _known(outcome: str | None) -> str:
    return outcome if outcome in _OUTCOMES else names.OTHER


def _call(method: WeakMethod[Callable[[], None]]) -> None:
    if (bound := method()) is not None:
        bound()


_stores: WeakValueDictionary[tuple[int, int, bool], _Store] = WeakValueDictionary()
"""Those whose numbers are kept elsewhere than in memory alone."""


def _shared_store(
    registry: CollectorRegistry | None, meter_provider: MeterProvider | None, *, old_names: bool
) -> _Store:
    """Return the store of plugins with these arguments. The numbers of a registry keep theirs: records wait in it."""
    key = id(registry), id(meter_provider), old_names
    if (known := _stores.get(key)) is not None:
        return known
    cells: list[Cells] = []
    numbers: Numbers | None = None
    if registry is not None or meter_provider is None or find_spec("prometheus_client") is not None:
        try:
            from .prometheus import is_multiprocess, numbers_of, shared_cells
        except ModuleNotFoundError as error:
            raise ImportError(f"{error.name} is not installed; run: {install_hint('prometheus')}") from error
        if is_multiprocess():
            cells.append(shared_cells())
        else:
            cells.append(numbers := numbers_of(registry))
    if meter_provider is None and numbers is not None:
        if isinstance(store := numbers.sources.get(old_names), _Store):
            return store
        store = numbers.sources[old_names] = _Store(cells, numbers, old_names=old_names)
        return store
    if meter_provider is not None:
        from .otel_metrics import OTelCells

        cells.append(OTelCells(meter_provider))
    store = _stores[key] = _Store(cells, numbers, old_names=old_names)
    store.owners = registry, meter_provider
    return store
