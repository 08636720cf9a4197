"""
One run: some sweeps over everything that is measured, with a few rounds each.

So each figure is taken several times during the run and in several processes. The load on the machine and the memory
layout of a process differ between two runs; this way they differ between the sweeps of one run as well.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import startup
from .cases import CALLS, IN_FLIGHT, OURS, OWN, ROUTED, ROUTING, STREAMS, THREADS
from .environments import Environment
from .nginx import version
from .rounds import ROOT, Round, Worker, measure, upstream

ROUNDS = 5
"""Rounds in one sweep."""

Run = dict[str, Any]
"""Lists of rounds: by name in `cases`; `imports`, `first`, `streams`. Also the environments and the upstream."""


def sweeps(rounds: int) -> list[int]:
    """Return how many rounds each sweep has."""
    full, rest = divmod(rounds, ROUNDS)
    return [ROUNDS] * full + [rest] * bool(rest)


def contender(name: str) -> Any:
    return importlib.import_module(f"benchmarks.contenders.{name}")


def run(environments: Mapping[str, Environment], rounds: int, *, quick: bool) -> Run:
    """Measure everything; if quick, only what the bars need."""
    pythons = {name: one.python for name, one in environments.items()}
    path = f"{ROOT}:{ROOT / 'providers'}" if quick else ""
    taken: Run = {
        "environments": {name: one._asdict() for name, one in environments.items()},
        "upstream": version() or "a small one of our own",
        "cases": {}, "imports": [], "first": [], "streams": [],
    }  # fmt: skip
    with ExitStack() as stack:
        bases = stack.enter_context(upstream())
        peers = {name: _start(stack, pythons, name) for name in pythons if name not in OWN}
        for number, rounds_here in enumerate(sweeps(rounds), 1):
            print(f"sweep {number}", file=sys.stderr, flush=True)
            _sweep(taken, pythons, peers, rounds_here, bases, quick=quick)
            statements = {name: (python, contender(name).IMPORT) for name, python in pythons.items()}
            taken["imports"] += startup.imports(statements, rounds_here, path)
            firsts = {name: (pythons[name], contender(name).FIRST_ANSWER) for name in (OURS, "bare_requests")}
            taken["first"] += startup.first_answers(firsts, rounds_here, bases["answer"], path)
    return taken


def _start(stack: ExitStack, pythons: Mapping[str, Path], name: str) -> Worker:
    module = "benchmarks.routing" if name == ROUTING else f"benchmarks.contenders.{name}"
    return stack.enter_context(Worker(pythons[OURS if name == ROUTING else name], module))


def _sweep(
    taken: Run,
    pythons: Mapping[str, Path],
    peers: Mapping[str, Worker],
    rounds: int,
    bases: Mapping[str, str],
    *,
    quick: bool,
) -> None:
    cases: dict[str, list[Round]] = taken["cases"]
    with ExitStack() as stack:
        own = {name: _start(stack, pythons, name) for name in OWN if name in pythons or name == ROUTING}
        for worker in (*own.values(), *(() if cases else peers.values())):
            worker.wait()
        for case in CALLS:
            cases.setdefault(case.name, []).extend(measure(case, {**own, **peers}, rounds, bases))
        for case in (case for steps in ROUTED.values() for case in steps.values()):
            cases.setdefault(case.name, []).extend(measure(case, own, rounds, bases))
        for case in () if quick else (*IN_FLIGHT.values(), *THREADS.values()):
            few = {name: own[name] for name in (case.base, OURS)}
            cases.setdefault(case.name, []).extend(measure(case, few, max(1, rounds // 2), bases))
    steps = (1000,) if quick else STREAMS
    row: Round = {}
    for name in ("bare_aiohttp", OURS):
        with ExitStack() as stack:
            worker = _start(stack, pythons, name)
            worker.wait()
            row[name] = dict(zip(map(str, steps), worker.ask("hold", bases["held"], steps), strict=True))
    taken["streams"].append(row)
