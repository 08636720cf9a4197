"""RESULTS.md from what was measured: the median of all rounds, in brackets the quarters below and above it."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .rounds import CASES, Ratio, ratio
from .startup import middle

Run = Mapping[str, Any]
_OURS = "g4f_lite_router"


class Bar(NamedTuple):
    """What section 11 of the design demands, and where a run has it."""

    what: str
    most: float
    unit: str
    of: Callable[[Run], Ratio | float]


def _of_case(name: str) -> Callable[[Run], Ratio]:
    case = next(case for case in CASES if case.name == name)
    return lambda run: ratio(run["cases"][name][_OURS], run["cases"][name][case.base], "cpu")


def _routing(which: str) -> Callable[[Run], float]:
    return lambda run: max(step[which] for step in run["scale"]["routing"].values())


def _stream_memory(run: Run) -> float:
    at = run["scale"]["streams"]["1000"]
    return (float(at["ours"]) - float(at["bare"])) / 1000


BARS = (
    Bar("sync call / plain requests", 0.60, "", _of_case("sync call")),
    Bar("async call at 32 in flight / plain aiohttp", 1.10, "", _of_case("async call, 32 in flight")),
    Bar("async stream of 1000 chunks in one piece / plain aiohttp", 0.4, "", _of_case("async stream, one piece")),
    Bar("sync stream of 1000 chunks in one piece / plain aiohttp", 0.4, "", _of_case("sync stream, one piece")),
    Bar("async stream, chunked, one burst / plain aiohttp", 0.6, "", _of_case("async stream, one burst")),
    Bar("sync stream, chunked, one burst / plain aiohttp", 0.9, "", _of_case("sync stream, one burst")),
    Bar("async stream, one event a packet / plain aiohttp", 1.15, "", _of_case("async stream, packets")),
    Bar("sync stream, one event a packet / plain aiohttp", 1.15, "", _of_case("sync stream, packets")),
    Bar("routing alone, 1 to 1000 routes, at once", 25, "µs", _routing("at once")),
    Bar("routing alone, 1 to 1000 routes, after a failure", 60, "µs", _routing("after a failure")),
    Bar("`import g4f_lite`, CPU over a bare interpreter", 25, "ms", lambda run: _middle(run, "cpu") * 1e3),
    Bar("`import g4f_lite`, memory over a bare interpreter", 3, "MB", lambda run: _middle(run, "memory") / 1e6),
    Bar(
        "first answer of a process / the same with requests", 1.5, "",
        lambda run: ratio(run["first"][_OURS], run["first"]["bare_requests"], "cpu"),
    ),
    Bar("1000 concurrent streams, each beyond plain aiohttp", 15, "kB", _stream_memory),
)  # fmt: skip


def _middle(run: Run, what: str, name: str = _OURS) -> float:
    return middle(run["imports"][name], what)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def label(name: str) -> str:
    return str(importlib.import_module(f"benchmarks.contenders.{name}").LABEL)


def _number(value: Ratio | float) -> tuple[float, str]:
    return (value.middle, str(value)) if isinstance(value, Ratio) else (value, f"{value:.3g}")


def shown(value: Ratio | float) -> str:
    return _number(value)[1]


def bars(runs: list[Run]) -> str:
    rows = []
    for bar in BARS:
        found = [_number(bar.of(run)) for run in runs]
        met = "yes" if all(value <= bar.most for value, _ in found) else "**no**"
        rows.append([bar.what, f"≤ {bar.most:g} {bar.unit}".strip(), *(text for _, text in found), met])
    return _table(["what", "bar", *(f"run {number}" for number in range(1, len(runs) + 1)), "met"], rows)


def _peers(run: Run, what: str) -> str:
    names = list(run["environments"])
    rows = []
    for case in CASES:
        taken = run["cases"][case.name]
        cells = [
            str(ratio(taken[name], taken[case.base], what)) if name in taken and name != case.base else
            ("1" if name in taken and case.call != "sync_stream" else "")
            for name in names
        ]  # fmt: skip
        rows.append([case.name, *cells])
    return _table(["CPU of the process, ratio to the bare call", *map(label, names)], rows)


def _latency(run: Run) -> str:
    rows = []
    for name in run["environments"]:
        cells = []
        for case in CASES[:2]:
            taken = run["cases"][case.name].get(name)
            cells += [f"{middle(taken, what) * 1e3:.2f}" if taken else "" for what in ("cpu", "wall", "p50", "p99")]
        rows.append([label(name), *cells])
    head = [f"{kind} {what}, ms" for kind in ("sync", "async") for what in ("CPU", "wall", "p50", "p99")]
    return _table(["", *head], rows)


def _installed(run: Run) -> str:
    rows = []
    for name, environment in run["environments"].items():
        cpu, memory = _middle(run, "cpu", name), _middle(run, "memory", name)
        rows.append(
            [label(name), f"{cpu * 1e3:.0f}", f"{memory / 1e6:.1f}", f"{environment['size'] / 1e6:.1f}",
             str(len(environment["packages"]))]
        )  # fmt: skip
    return _table(["", "import, ms CPU", "import, MB", "installed, MB", "packages"], rows)


def _scale(run: Run) -> str:
    scale = run["scale"]
    told = []
    for title, key, unit in (
        ("calls in flight on one loop", "async", "µs of CPU a call"),
        ("threads on one client", "threads", "µs of CPU a call"),
        ("streams open on one loop", "streams", "bytes each"),
    ):
        rows = [[step, f"{at['bare']:.0f}", f"{at['ours']:.0f}"] for step, at in scale[key].items()]
        told.append(_table([title, f"bare, {unit}", f"g4f_lite, {unit}"], rows))
    rows = [[step, f"{at['at once']:.0f}", f"{at['after a failure']:.0f}"] for step, at in scale["routing"].items()]
    told.append(_table(["routes", "routing alone, µs, at once", "after a failure"], rows))
    return "\n".join(told)


def _versions(run: Run) -> str:
    shown = {"g4f-lite", "requests", "urllib3", "aiohttp", "tenacity", "pluggy", "msgspec", "openai", "groq", "litellm",
             "any-llm-sdk", "aisuite", "httpx"}  # fmt: skip
    found: dict[str, str] = {}
    for environment in run["environments"].values():
        found |= {name: version for name, version in environment["packages"].items() if name in shown}
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def report(runs: list[Run], rounds: int) -> str:
    """Return the page. The bars show each run; the other tables the first."""
    first = runs[0]
    sync = first["scale"]["threads"]["1"]["bare"]
    machine = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} CPUs"
    return f"""# What a call costs

Made by `python -m benchmarks`, with Python {platform.python_version()}, {machine}.
Figures are CPU time of the process that calls: the upstream, a process of its own, is not in them.
Contenders are measured in turn, {rounds} rounds a case, and divided by the bare call of the same round: the median, and
in brackets the quarters of the rounds below and above it. Absolute figures depend on the machine and its load: a
bare requests call took {sync:.0f} µs of CPU here while they were measured (the design's bars were set where it took
about 670).

Versions: {_versions(first)}.

## The bars of the design

{bars(runs)}
## Beside the peers

![CPU per call](results.svg)

{_peers(first, "cpu")}
## Absolute

{_latency(first)}
## To begin with

{_installed(first)}
## From one to many

{_scale(first)}"""
