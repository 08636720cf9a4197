"""The figures of recorded calls, as those of a simulation, so that a learnt scenario can be held against its record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import inf

import msgspec

from ...records.trail import Attempt
from ..figures import PolicyReport, Recorder, ServiceFigures
from ..recorded import RecordedCall
from ..scenario import Scenario
from ..services import Reply, is_on, services_of
from .attempts import ANSWERED
from .learn import names_of


def recorded_report(calls: Sequence[RecordedCall], learnt: Scenario) -> PolicyReport:
    """
    Return what came of recorded calls.

    Args:
        learnt: what `learn` has made of them: when services failed is known from there.
    """
    began_at = calls[0].start
    services, names = services_of(learnt.services, learnt.seed), names_of(calls)
    recorder = Recorder({name: one.phases for name, one in learnt.services.items()})
    made: list[tuple[float, Attempt]] = []
    ends: list[tuple[float, RecordedCall | Attempt]] = [(call.end - began_at, call) for call in calls]
    for call in calls:
        for attempt in call.trail.attempts:
            if attempt.route in names and attempt.duration is not None:
                made.append((attempt.started_at - began_at, attempt))
                ends.append((attempt.started_at + attempt.duration - began_at, attempt))
    for now, ended in sorted(ends, key=lambda end: end[0]):
        if isinstance(ended, Attempt):
            ok = ended.outcome == ANSWERED
            reply = Reply(0.0, "whole" if ok else "cut", 200 if ok else 0, ends_at=now if ok else inf)
            reply.cost = ended.cost or 0.0
            recorder.request_ended(services[names[ended.route]], reply, now)
        else:
            _count(recorder, ended, began_at)
    lasted = max(now for now, _ in ends)
    report = recorder.report("recorded", lasted, services)
    figures = {}
    for service, found in report.services.items():
        own = [(at, attempt) for at, attempt in made if names[attempt.route] == service]
        phases = learnt.services[service].phases
        failing = sum(any(is_on(phase, at) for phase in phases) for at, _ in own)
        figures[service] = _with_load(found, own, failing, lasted)
    return msgspec.structs.replace(report, services=figures)


def _count(recorder: Recorder, call: RecordedCall, began_at: float) -> None:
    began, now, trail = call.start - began_at, call.end - began_at, call.trail
    streams = [one for one in trail.attempts if one.first_token is not None]
    if trail.outcome == ANSWERED:
        last = streams[-1] if streams else None
        first = None if last is None else last.started_at + (last.first_token or 0.0) - began_at
        recorder.answered(began, now, first, trail)
    else:
        recorder.failed(now, trail.outcome or "", trail, has_content=bool(streams))


def _with_load(
    found: ServiceFigures, made: Sequence[tuple[float, Attempt]], failing: int, lasted: float
) -> ServiceFigures:
    steps = sorted([(at, 1) for at, _ in made] + [(at + (one.duration or 0.0), -1) for at, one in made])
    return msgspec.structs.replace(
        found,
        requests=len(made),
        peak_in_flight=max(accumulate(step for _, step in steps), default=0),
        mean_in_flight=sum(one.duration or 0.0 for _, one in made) / lasted if lasted else 0.0,
        requests_while_failing=failing,
        cost=sum(one.cost or 0.0 for _, one in made),
    )
