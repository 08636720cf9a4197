"""Writes RESULTS.md from the measurements."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import quantiles
from typing import Any, NamedTuple

from .cases import CALLS, IN_FLIGHT, OURS, ROUTED, ROUTING, STREAMS, THREADS, Case
from .rounds import BUDGET_S, figures, ratio
from .spread import AIM_S, Spread, agree, figure
from .sweeps import contender, sweeps

Run = Mapping[str, Any]

BARE_CALL_US = 670
"""CPU time of a bare requests call when and where the bars of the design were set."""


class Bar(NamedTuple):
    """A limit that section 11 of the design sets, and its figure in a run."""

    what: str
    most: float
    unit: str
    of: Callable[[Run], Spread]


def _of_case(case: Case) -> Callable[[Run], Spread]:
    return lambda run: ratio(run["cases"][case.name], OURS, case.base)


def _routing(which: str, run: Run) -> Spread:
    """Return microseconds, for the slowest number of routes."""
    steps = [figures(run["cases"][case.name], ROUTING) * 1e6 for case in ROUTED[which].values()]
    return max(steps, key=lambda step: step.middle)


def _routing_scaled(which: str, run: Run) -> Spread:
    steps = [ratio(run["cases"][case.name], ROUTING, case.base) * BARE_CALL_US for case in ROUTED[which].values()]
    return max(steps, key=lambda step: step.middle)


def _first(run: Run) -> Spread:
    return ratio(run["first"], OURS, "bare_requests")


def _held(run: Run, name: str, step: int) -> Spread:
    return figures(run["streams"], name, str(step)) * 1e-3


def _held_beyond(run: Run) -> Spread:
    return Spread.of([(row[OURS]["1000"] - row["bare_aiohttp"]["1000"]) / 1e3 for row in run["streams"]])


def _of_import(what: str, factor: float) -> Callable[[Run], Spread]:
    return lambda run: figures(run["imports"], OURS, what) * factor


_CASE_BARS = (
    ("sync call / plain requests", 0.60),
    ("async call at 32 in flight / plain aiohttp", 1.10),
    ("async stream of 1000 chunks in one piece / plain aiohttp", 0.4),
    ("sync stream of 1000 chunks in one piece / plain aiohttp", 0.4),
    ("async stream, chunked, one burst / plain aiohttp", 0.6),
    ("sync stream, chunked, one burst / plain aiohttp", 0.9),
    ("async stream, one event a packet / plain aiohttp", 1.15),
    ("sync stream, one event a packet / plain aiohttp", 1.15),
)
_SCALED = f"… where a bare requests call takes {BARE_CALL_US} µs"
BARS = (
    *(Bar(what, most, "", _of_case(case)) for (what, most), case in zip(_CASE_BARS, CALLS, strict=True)),
    Bar("routing alone, 1 to 1000 routes, at once: here", 25, "µs", partial(_routing, "at_once")),
    Bar(_SCALED, 25, "µs", partial(_routing_scaled, "at_once")),
    Bar("routing alone, 1 to 1000 routes, after a failure: here", 120, "µs", partial(_routing, "after_failure")),
    Bar(_SCALED, 120, "µs", partial(_routing_scaled, "after_failure")),
    Bar("`import g4f_lite`, CPU over a bare interpreter", 25, "ms", _of_import("cpu", 1e3)),
    Bar("`import g4f_lite`, memory over a bare interpreter", 3, "MB", _of_import("memory", 1e-6)),
    Bar("first answer of a process / the same with requests", 1.5, "", _first),
    Bar("1000 concurrent streams, each beyond plain aiohttp", 15, "kB", _held_beyond),
)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def label(name: str) -> str:
    return str(contender(name).LABEL)


def bars(runs: Sequence[Run]) -> str:
    rows = []
    for bar in BARS:
        found = [bar.of(run) for run in runs]
        agreed = "" if len(found) == 1 else "yes" if agree(found) else "**no**"
        met = "yes" if all(one.middle <= bar.most for one in found) else "**no**"
        rows.append([bar.what, f"≤ {bar.most:g} {bar.unit}".strip(), *map(str, found), agreed, met])
    return _table(["what", "bar", *(f"run {number}" for number in range(1, len(runs) + 1)), "agrees", "met"], rows)


def _measured(run: Run, case: Case, name: str) -> bool:
    return any(name in row for row in run["cases"][case.name])


def plotted(run: Run, cases: Iterable[Case]) -> dict[str, list[tuple[str, float]]]:
    """Return the bars of the picture: ourselves, then the others from fast to slow."""
    groups = {}
    for case in cases:
        names = [name for name in run["environments"] if _measured(run, case, name)]
        rows = [(label(name), ratio(run["cases"][case.name], name, case.base).middle) for name in names]
        groups[f"{case.name}: CPU"] = [rows[0], *sorted(rows[1:], key=lambda row: row[1])]
    return groups


def _peers(runs: Sequence[Run]) -> str:
    rows = []
    for name in runs[0]["environments"]:
        cells = []
        for case in CALLS:
            if name == case.base or not _measured(runs[0], case, name):
                cells.append("1" if name == case.base else "")
                continue
            found = [ratio(run["cases"][case.name], name, case.base) for run in runs if _measured(run, case, name)]
            others = "" if agree(found) else "; " + ", ".join(figure(one.middle) for one in found[1:])
            cells.append(f"{found[0]}{others}")
        rows.append([label(name), *cells])
    return _table(["", *(case.name for case in CALLS)], rows)


def _absolute(run: Run) -> str:
    rows = []
    for name in run["environments"]:
        cells = []
        for case in CALLS[:2]:
            taken = run["cases"][case.name]
            if not _measured(run, case, name):
                cells += [""] * 4
                continue
            walls = [wall for row in taken if name in row for wall in row[name]["walls"]]
            cuts = quantiles(walls, n=100, method="inclusive")
            seconds = (figures(taken, name).middle, figures(taken, name, "wall").middle, cuts[49], cuts[98])
            cells += [figure(one * 1e3) for one in seconds]
        rows.append([label(name), *cells])
    head = [f"{kind} {what}, ms" for kind in ("sync", "async") for what in ("CPU", "wall", "p50", "p99")]
    return _table(["", *head], rows)


def _installed(run: Run) -> str:
    rows = []
    for name, environment in run["environments"].items():
        cpu, memory = figures(run["imports"], name) * 1e3, figures(run["imports"], name, "memory") * 1e-6
        size, packages = environment["size"] / 1e6, len(environment["packages"])
        rows.append([label(name), str(cpu), str(memory), f"{size:.1f}", str(packages)])
    return _table(["", "import, ms CPU", "import, MB", "installed, MB", "packages"], rows)


def _scale(run: Run) -> str:
    cases, tables = run["cases"], []
    for title, steps in (("calls in flight on one loop", IN_FLIGHT), ("threads on one client", THREADS)):
        rows = [
            [str(step), *(str(figures(cases[case.name], name) * 1e6) for name in (case.base, OURS))]
            for step, case in steps.items()
        ]
        tables.append(_table([title, "bare, µs of CPU a call", "g4f_lite, µs of CPU a call"], rows))
    rows = [[str(step), *(str(_held(run, name, step)) for name in ("bare_aiohttp", OURS))] for step in STREAMS]
    tables.append(_table(["streams open on one loop", "bare, kB each", "g4f_lite, kB each"], rows))
    rows = [
        [str(routes), *(str(figures(cases[case.name], ROUTING) * 1e6) for case in both)]
        for routes, *both in zip(ROUTED["at_once"], *(steps.values() for steps in ROUTED.values()), strict=True)
    ]
    tables.append(_table(["routes", "routing alone, µs of CPU, at once", "after a failure"], rows))
    return "\n".join(tables)


def _versions(run: Run) -> str:
    shown = {"g4f-lite", "requests", "urllib3", "aiohttp", "tenacity", "pluggy", "msgspec", "openai", "groq", "litellm",
             "any-llm-sdk", "aisuite", "httpx"}  # fmt: skip
    found: dict[str, str] = {}
    for environment in run["environments"].values():
        found |= {name: version for name, version in environment["packages"].items() if name in shown}
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def report(runs: Sequence[Run], rounds: int) -> str:
    """Return the page. The bars show each run; the other tables the first."""
    first = runs[0]
    bare = figures(first["cases"]["sync call"], "bare_requests") * 1e6
    machine = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} CPUs"
    served = first["upstream"]
    if served.startswith("nginx"):
        served = f"{served} for whole answers and streams in one piece, a small one of our own for the rest"
    return f"""# What a call costs

Made by `python -m benchmarks`, with Python {platform.python_version()}, {machine}. The upstream is {served}.

- Figures are CPU time of the process that calls; the upstream is a process of its own, and not in them. On Linux all
  share one processor, on which the upstream runs when the caller waits: nobody pays for waking another one.
- A run has {rounds} rounds, in {len(sweeps(rounds))} sweeps over all cases. In a round all contenders are measured in
  turn, each for some {AIM_S:g} s of CPU, at least one call, and divided by the bare call of the same round. A peer
  that has spent more than {BUDGET_S:g} s on a case waits for the next sweep, so the slowest have one round in each.
- **Each figure is the median of its rounds, in brackets the middle 90 % of them: there the median of a second run is
  expected.** "agrees" says that the median of each run lies in the brackets of the other.
- g4f_lite and the bare calls start in new processes for each sweep, so that the brackets hold what differs from
  process to process; a peer's process lives for a whole run, as some import for seconds. All are warmed up before.
- Absolute figures depend on the machine and its load. A bare requests call took {bare} µs of CPU
  here, and {BARE_CALL_US} where the design's bars were set. So routing alone is given twice: as measured, and as its
  part of the bare call that is measured by turns with it, times {BARE_CALL_US} µs.

Versions: {_versions(first)}.

## The bars of the design

{bars(runs)}
## Beside the peers

CPU of the process, as ratio to the bare call: requests for the sync call, aiohttp for the async one and all streams.
These are of the first run; where the second does not agree, its median follows. Brackets of few rounds are rough: by
chance alone, two runs of 25 rounds differ once in a thousand times, of 10 once in twenty, of 5 once in three.

![CPU per call](results.svg)

{_peers(runs)}
## Absolute

p50 and p99 are of all calls of the run.

{_absolute(first)}
## To begin with

{_installed(first)}
## From one to many

{_scale(first)}"""
