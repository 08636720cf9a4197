"""The figures of a run: what is counted while it goes on, in a memory that does not grow, and what is reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from ..records.trail import Trail
from ..value import JSONObject, Value
from .quantiles import Quantiles
from .scenario import Phase
from .services import Reply, Service
from .timelines import Timelines, timelines_of

OUTCOMES = ("answered", "refused", "failed", "interrupted")
"""
What becomes of a call: it has its whole answer; nothing was sent for it; it failed before any content; its stream broke
off after that.
"""
_SHARES = (0.5, 0.95, 0.99)
_WINDOW, _BACK = 20, 0.5
"""A service is back once it has given this share of its earlier share of the answers, over the last ones."""


class Percentiles(Value, frozen=True, kw_only=True):
    """Seconds, wrong by 0.5 % at most; None if there is no value."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class ServiceFigures(Value, frozen=True, kw_only=True):
    """What a service has seen."""

    requests: int
    answered: int
    """Whole answers."""
    failed: int
    """The other requests, also those whose caller did not wait for the end."""
    peak_in_flight: int
    mean_in_flight: float
    requests_while_failing: int
    """Requests that arrived in an outage, in the bad time of a flapping service, or in a brown-out."""
    cost: float


class Recovery(Value, frozen=True, kw_only=True):
    """How long it took until a service was used again."""

    service: str
    until_s: float
    """When its outage ended."""
    seconds: float | None
    """
    From then until it gives half of its earlier share of the answers again, of the last 20; None if it never does.
    """


class PolicyReport(Value, frozen=True, kw_only=True):
    """What came of a policy. Seconds, and USD."""

    name: str
    seconds: float
    """Of virtual time."""
    calls: int
    answered: int
    refused: int
    failed: int
    interrupted: int
    errors: dict[str, int]
    """Calls that were not answered, by the name of their error."""
    first_content: Percentiles
    """Of answered streams, from the beginning of the call."""
    end: Percentiles
    """Of all answered calls."""
    attempts: int
    attempts_wasted: int
    """Those that did not give the answer of their call."""
    cost: float
    cost_wasted: float
    """Of answers, or parts of them, that nobody got whole."""
    services: dict[str, ServiceFigures]
    recoveries: tuple[Recovery, ...]
    timelines: Timelines

    def to_dict(self) -> JSONObject:
        """Return it as JSON."""
        found: JSONObject = msgspec.to_builtins(self)
        return found


class _Return:
    """The end of an outage, and the way back of its service."""

    def __init__(self, service: str, phase: Phase) -> None:
        self.service, self.phase = service, phase
        self.share: float | None = None
        self.seconds: float | None = None


class Recorder:
    """Counts the calls and the requests of one run."""

    def __init__(self, phases: Mapping[str, Sequence[Phase]]) -> None:
        self.calls = self.attempts = self.attempts_wasted = 0
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.errors: dict[str, int] = {}
        self.first, self.end = Quantiles(), Quantiles()
        self.cost = self.cost_wasted = 0.0
        self.timelines = timelines_of(list(phases))
        self._answered, self._failed = dict.fromkeys(phases, 0), dict.fromkeys(phases, 0)
        self._latest: deque[str] = deque(maxlen=_WINDOW)
        self._returns = [
            _Return(name, phase) for name, own in phases.items() for phase in own if phase.until_s < float("inf")
        ]
        self._waiting = list(self._returns)

    def answered(self, began: float, now: float, first: float | None, trail: Trail) -> None:
        """
        Count a call that has its whole answer.

        Args:
            first: when the first content of a stream came; None for an answer in one piece.
        """
        self.outcomes["answered"] += 1
        self.end.add(now - began)
        if first is not None:
            self.first.add(first - began)
        self._count(trail, now, ok=True)

    def failed(self, now: float, error: str, trail: Trail, *, has_content: bool) -> None:
        """Count a call that ended with an error of this name."""
        self.outcomes["interrupted" if has_content else "failed" if trail.attempts else "refused"] += 1
        self.errors[error] = self.errors.get(error, 0) + 1
        self._count(trail, now, ok=False)

    def never_ended(self) -> None:
        """Count a call that waits for ever: it has no limit, and its service is silent."""
        self.calls += 1
        self.outcomes["failed"] += 1
        self.errors["NeverEnded"] = self.errors.get("NeverEnded", 0) + 1

    def _count(self, trail: Trail, now: float, *, ok: bool) -> None:
        self.calls += 1
        attempts = 1 if ok and len(trail.entries) == 1 else len(trail.attempts)
        self.attempts += attempts
        self.attempts_wasted += attempts - ok
        self.timelines.add("", now, ok=ok)

    def request_ended(self, service: Service, reply: Reply, now: float) -> None:
        """Count a request that has ended at a service; its caller may have left before."""
        name, ok = service.name, reply.ok and now >= reply.ends_at
        self.cost += reply.cost
        self.timelines.add(name, now, ok=ok)
        if not ok:
            self.cost_wasted += reply.cost
            self._failed[name] += 1
            return
        if self._waiting:
            self._look(now)
        self._answered[name] += 1
        self._latest.append(name)

    def _look(self, now: float) -> None:
        """See whether a service is back after an outage."""
        for one in tuple(self._waiting):
            if one.share is None and now >= one.phase.from_s:
                one.share = self._answered[one.service] / max(1, sum(self._answered.values()))
            if one.share is not None and now >= one.phase.until_s:
                if not one.share:
                    self._waiting.remove(one)
                elif self._latest.count(one.service) >= _BACK * one.share * len(self._latest):
                    one.seconds = now - one.phase.until_s
                    self._waiting.remove(one)

    def report(self, name: str, now: float, services: Mapping[str, Service]) -> PolicyReport:
        """Return the figures so far."""
        return PolicyReport(
            name=name,
            seconds=now,
            calls=self.calls,
            **self.outcomes,
            errors=dict(sorted(self.errors.items())),
            first_content=_percentiles(self.first),
            end=_percentiles(self.end),
            attempts=self.attempts,
            attempts_wasted=self.attempts_wasted,
            cost=self.cost,
            cost_wasted=self.cost_wasted,
            services={
                name: ServiceFigures(
                    requests=one.seen,
                    answered=self._answered[name],
                    failed=self._failed[name],
                    peak_in_flight=one.peak,
                    mean_in_flight=one.mean_in_flight(now),
                    requests_while_failing=one.seen_failing,
                    cost=one.cost,
                )
                for name, one in services.items()
            },
            recoveries=tuple(
                Recovery(service=one.service, until_s=one.phase.until_s, seconds=one.seconds)
                for one in self._returns
                if one.share and now >= one.phase.until_s
            ),
            timelines=self.timelines,
        )


def _percentiles(quantiles: Quantiles) -> Percentiles:
    p50, p95, p99 = quantiles.at(_SHARES)
    return Percentiles(p50=p50, p95=p95, p99=p99)
