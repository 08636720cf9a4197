"""
Measure what a call costs.

    python -m benchmarks            all, then ourselves and the bare calls again; writes RESULTS.md and results.svg
    python -m benchmarks --quick    ourselves and the bare calls, within a minute; prints the bars
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

from . import contenders, plot, report, startup
from .environments import Environment, environment
from .rounds import CASES, ROOT, measure, ratio, upstream
from .scale import routing, scale

_FIRST = ("g4f_lite_router", "bare_requests", "bare_aiohttp", "bare_urllib3")


def _names(quick: bool) -> list[str]:
    if quick:
        return list(_FIRST[:3])
    return [*_FIRST, *sorted(name for _, name, _ in pkgutil.iter_modules(contenders.__path__) if name not in _FIRST)]


def _run(environments: dict[str, Environment], rounds: int, quick: bool) -> dict[str, Any]:
    pythons = {name: one.python for name, one in environments.items()}
    modules = {name: importlib.import_module(f"benchmarks.contenders.{name}") for name in pythons}
    path = f"{ROOT}{os.pathsep}{ROOT / 'providers'}" if quick else ""
    with upstream() as origin:
        run: dict[str, Any] = {
            "environments": {name: one._asdict() for name, one in environments.items()},
            "imports": startup.imports(
                {name: (pythons[name], module.IMPORT) for name, module in modules.items()}, min(rounds, 2), path
            ),
            "first": startup.first_answers(
                {
                    name: (pythons[name], module.FIRST_ANSWER)
                    for name, module in modules.items()
                    if hasattr(module, "FIRST_ANSWER")
                },
                rounds, origin, path,
            ),
            "cases": {},
        }  # fmt: skip
        for case in CASES:
            print(case.name, file=sys.stderr, flush=True)
            run["cases"][case.name] = measure(case, pythons, rounds, origin)
        if quick:
            run["scale"] = {"routing": routing(pythons["g4f_lite_router"], rounds)}
        else:
            print("scale", file=sys.stderr, flush=True)
            run["scale"] = scale(pythons, rounds, origin)
    return run


def _plot(run: dict[str, Any]) -> str:
    groups = {}
    for case in CASES[:3]:
        taken = run["cases"][case.name]
        rows = [(report.label(name), ratio(taken[name], taken[case.base], "cpu").middle) for name in taken]
        groups[f"{case.name}: CPU"] = [rows[0], *sorted(rows[1:], key=lambda row: row[1])]
    return plot.bars(groups, "the bare call")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what a call costs.")
    parser.add_argument("--quick", action="store_true", help="only ourselves and the bare calls; writes nothing")
    parser.add_argument("--rounds", type=int, help="measurements of each case (7; 3 with --quick)")
    parser.add_argument("--runs", type=int, default=2, help="how often all is measured; the peers only once (2)")
    given = parser.parse_args()
    rounds = given.rounds or (3 if given.quick else 7)
    names = _names(given.quick)
    if given.quick:
        here = {name: Environment(Path(sys.executable), {}, 0) for name in names}
        run = _run(here, rounds, quick=True)
        for bar in report.BARS[:-1]:
            print(f"{bar.what}: {report.shown(bar.of(run))} {bar.unit}, at most {bar.most:g}")
        return
    made = {name: environment(importlib.import_module(f"benchmarks.contenders.{name}").REQUIREMENTS) for name in names}
    runs = [_run(made, rounds, quick=False)]
    runs += [_run({name: made[name] for name in _FIRST}, rounds, quick=False) for _ in range(given.runs - 1)]
    folder = ROOT / "benchmarks"
    (folder / "results.svg").write_text(_plot(runs[0]), "utf-8")
    (folder / "RESULTS.md").write_text(report.report(runs, rounds), "utf-8")
    print(report.bars(runs))


if __name__ == "__main__":
    main()
