"""
Justify the defaults of breakers, queues, `retries` and `patience`: simulate them over services drawn at random.

    python -m benchmarks.policies            1,000 worlds of three services, about ten minutes on two idle processors
    python -m benchmarks.policies --quick    20 worlds

A world has three services with latencies, errors, limits, outages and brown-outs of its own, and traffic. It is
simulated with the defaults, then with one of them changed; the same chance makes services and traffic. A table shows
what each change does. A constant of the library is changed in the process that simulates, and nowhere else.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import exp, log, sqrt
from multiprocessing import Pool
from random import Random
from statistics import fmean, stdev
from typing import Any, NamedTuple

import msgspec

from g4f_lite import Breaker
from g4f_lite.failover import backoff
from g4f_lite.health import breaker, pressure
from g4f_lite.simulation.engine import Run
from g4f_lite.simulation.reading import scenario_from
from g4f_lite.simulation.scenario import Scenario

SECONDS = 240.0
"""Of each world."""


class Change(NamedTuple):
    """One default, and a value in its place."""

    name: str
    default: float
    value: float
    module: Any
    """Whose constant it is; None for a setting of clients."""


def _changes(module: Any, default: Mapping[str, float], values: Mapping[str, Sequence[float]]) -> list[Change]:
    return [Change(name, default[name], value, module) for name, chosen in values.items() for value in chosen]


BREAKER = [
    *_changes(None, {f"breaker.{name}": value for name, value in msgspec.structs.asdict(Breaker()).items()}, {
        "breaker.failures": (2, 5), "breaker.rest": (2.0, 10.0), "breaker.longest_rest": (15.0, 60.0),
    }),
    *_changes(breaker, vars(breaker), {"OPEN_GROWTH": (1.5,)}),
]  # fmt: skip
SETTINGS = _changes(None, {"retries": 2, "patience": 3.0}, {"retries": (1, 4), "patience": (1.0, 10.0)})
QUEUE = [
    *_changes(pressure, vars(pressure), {
        "LOWERED_TO": (0.8, 0.95), "FIRST_RATE": (2.0, 8.0), "DOUBLING_S": (0.4,), "RECOVERY_S": (1.5, 6.0),
        "RECOVERY_HOLDS": (3.0, 12.0),
    }),
    *_changes(backoff, vars(backoff), {"FIRST_HOLD": (0.3,)}),
    *_changes(None, {"patience": 3.0}, {"patience": (1.0, 10.0)}),
]  # fmt: skip
FAMILIES = {"failing": [*BREAKER, *SETTINGS], "limited": QUEUE}


class Figures(NamedTuple):
    """What came of one run."""

    answered: float
    """Share of the calls."""
    p95: float
    """Seconds, of answered calls."""
    wasted: float
    """Attempts for each call that did not give its answer."""
    failing: float
    """Requests for each call that a failing service got."""


# -- worlds --------------------------------------------------------------------------------


def world(family: str, seed: int) -> Scenario:
    """Return services, traffic and a deadline, drawn by chance."""
    chance = Random(f"{family}/{seed}")
    services = {name: _service(family, chance, first=name == "a") for name in "abc"}
    traffic = {"rate": _ratio(chance, 0.4, 2.5), "duration_s": SECONDS, "stream": chance.random()}
    if family == "limited" and chance.random() < 0.5:
        traffic["bursts"] = [{"at_s": chance.uniform(0, 120), "calls": chance.randrange(20, 120)}]
    traffic["answer_tokens"] = {"median": 150.0, "p95": 500.0}
    policy = {"deadline": chance.choice([15.0, 30.0, 60.0])}
    return scenario_from({"services": services, "traffic": traffic, "policy": policy, "seed": seed})


def _ratio(chance: Random, least: float, most: float) -> float:
    """Return a number of which each order of magnitude is as likely as another."""
    return exp(chance.uniform(log(least), log(most)))


def _service(family: str, chance: Random, *, first: bool) -> dict[str, Any]:
    median = _ratio(chance, 0.15, 2.0)
    service: dict[str, Any] = {
        "first_content_s": {"median": median, "p95": median * chance.uniform(1.3, 4.0)},
        "tokens_per_s": _ratio(chance, 30.0, 300.0),
        "error_s": _ratio(chance, 0.03, 1.0),
        "errors": {},
    }
    if chance.random() < 0.6:
        kinds = chance.sample(["500", "503", "reset", "cut", "hang"], 2)
        service["errors"] = {kind: _ratio(chance, 0.001, 0.05) for kind in kinds}
    if family == "failing":
        service["phases"] = list(_phases(chance, often=first))
    elif first or chance.random() < 0.6:
        rpm = int(_ratio(chance, 10, 200))
        window = chance.choice(["sliding", "fixed", "bucket"])
        service["limits"] = {
            "rpm": rpm, "window": window, "window_s": chance.choice([10.0, 60.0, 60.0]),
            "retry_after": chance.choice([True, True, False, 1.0]),
        }  # fmt: skip
        if window == "bucket":
            service["limits"]["burst"] = chance.uniform(0.02, 1.0)
    return service


def _phases(chance: Random, *, often: bool) -> Iterator[dict[str, Any]]:
    now = chance.uniform(0.0, 60.0) if often else chance.uniform(0.0, SECONDS)
    while now < SECONDS:
        length = _ratio(chance, 2.0, 120.0)
        kind = chance.choice(["outage", "outage", "brownout", "flapping"])
        phase: dict[str, Any] = {"kind": kind, "from_s": now, "until_s": now + length}
        if kind == "brownout":
            phase |= {"factor": _ratio(chance, 2.0, 20.0), "errors": {"503": chance.uniform(0.0, 0.6)}}
        else:
            phase["how"] = chance.choice(["503", "503", "500", "refused", "reset", "hang", "429"])
        if kind == "flapping":
            phase |= {"period_s": _ratio(chance, 2.0, 60.0), "share": chance.uniform(0.2, 0.8)}
        yield phase
        now += length + _ratio(chance, 20.0, 120.0) * (1 if often else 3)


# -- runs ----------------------------------------------------------------------------------


@contextmanager
def _changed(change: Change | None) -> Iterator[dict[str, Any]]:
    """Change a constant for a run; yield the settings of clients that are changed."""
    if change is None:
        yield {}
    elif change.module is None:
        name, _, field = change.name.partition(".")
        yield {name: {field: change.value} if field else change.value}
    else:
        setattr(change.module, change.name, change.value)
        try:
            yield {}
        finally:
            setattr(change.module, change.name, change.default)


def run(scenario: Scenario, change: Change | None = None) -> Figures:
    """Simulate a world, with a default changed."""
    with _changed(change) as settings:
        policy = msgspec.structs.replace(scenario.policy, **settings)
        report = Run(msgspec.structs.replace(scenario, policy=policy)).report()
    calls = max(1, report.calls)
    failing = sum(one.requests_while_failing for one in report.services.values())
    p95 = report.end.p95 if report.end.p95 is not None else 60.0
    return Figures(report.answered / calls, p95, report.attempts_wasted / calls, failing / calls)


def _world_runs(given: tuple[str, int]) -> tuple[str, list[Figures]]:
    family, seed = given
    scenario = world(family, seed)
    return family, [run(scenario), *(run(scenario, change) for change in FAMILIES[family])]


class Effect(NamedTuple):
    """A mean, and half the width of its 95 % confidence interval."""

    mean: float
    error: float


def _effect(values: Sequence[float]) -> Effect:
    return Effect(fmean(values), 1.96 * stdev(values) / sqrt(len(values)))


def line(change: Change, before: Sequence[Figures], after: Sequence[Figures]) -> str:
    """Return a row of the table: what a change does, over all worlds."""
    pairs = list(zip(before, after, strict=True))
    answered = _effect([100 * (new.answered - old.answered) for old, new in pairs])
    p95 = _effect([log(new.p95 / old.p95) for old, new in pairs])
    sums = [sum(getattr(one, name) for one in side) for name in ("wasted", "failing") for side in (before, after)]
    wasted, failing = (100 * (new / old - 1) if old else 0.0 for old, new in (sums[:2], sums[2:]))
    return (
        f"| `{change.name}` {change.default:g} → {change.value:g} | {answered.mean:+.2f} ± {answered.error:.2f} "
        f"| {100 * (exp(p95.mean) - 1):+.1f} ± {100 * p95.error:.1f} | {wasted:+.0f} | {failing:+.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policies", description=__doc__)
    parser.add_argument("--worlds", type=int, default=500, help="of each of the two families")
    parser.add_argument("--quick", action="store_true", help="10 worlds of each")
    parser.add_argument("--seed", type=int, default=0, help="of the first world")
    options = parser.parse_args()
    count = 10 if options.quick else options.worlds
    found: dict[str, list[list[Figures]]] = {family: [] for family in FAMILIES}
    tasks = [(family, options.seed + number) for number in range(count) for family in FAMILIES]
    with Pool(os.cpu_count()) as pool:
        for number, (family, figures) in enumerate(pool.imap(_world_runs, tasks), 1):
            found[family].append(figures)
            if number % 20 == 0 or number == len(tasks):
                _show(found)


def _show(found: Mapping[str, list[list[Figures]]]) -> None:
    for family, worlds in found.items():
        if len(worlds) < 2:
            continue
        before = [figures[0] for figures in worlds]
        shares = fmean(one.answered for one in before), fmean(one.wasted for one in before)
        print(f"\n{len(worlds)} worlds, {family}: {100 * shares[0]:.2f} % answered, {shares[1]:.3f} attempts wasted\n")
        print("| change | answered, points | p95, % | wasted, % | load on failing services, % |")
        print("| --- | --- | --- | --- | --- |")
        for index, change in enumerate(FAMILIES[family], 1):
            print(line(change, before, [figures[index] for figures in worlds]), flush=True)


if __name__ == "__main__":
    main()
