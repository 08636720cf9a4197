"""
Measure what a call costs.

    python -m benchmarks            everything, twice; writes RESULTS.md and results.svg
    python -m benchmarks --quick    this library and the bare calls, within a minute; prints the bars
"""

from __future__ import annotations

import argparse
import pkgutil
import signal
import sys
from pathlib import Path

from . import contenders, plot, report
from .cases import CALLS, OWN, ROUTING
from .environments import Environment, environment
from .processor import share
from .rounds import ROOT
from .sweeps import contender, run

_FOLDER = ROOT / "benchmarks"


def _names(quick: bool) -> list[str]:
    own = [name for name in OWN if name != ROUTING]
    if quick:
        return own[:3]
    return [*own, *sorted(name for _, name, _ in pkgutil.iter_modules(contenders.__path__) if name not in own)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what a call costs.")
    parser.add_argument("--quick", action="store_true", help="only this library and the bare calls; writes nothing")
    parser.add_argument("--rounds", type=int, help="measurements of each case in a run (25; 3 with --quick)")
    parser.add_argument("--runs", type=int, default=2, help="how often everything is measured (2)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where RESULTS.md and results.svg go")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its child processes end too
    rounds = given.rounds or (3 if given.quick else 25)
    names = _names(given.quick)
    if given.quick:
        share()
        here = {name: Environment(Path(sys.executable), {}, 0) for name in names}
        print(report.bars([run(here, rounds, quick=True)]))
        return
    made = {name: environment(contender(name).REQUIREMENTS) for name in names}
    share()
    runs = [run(made, rounds, quick=False) for _ in range(given.runs)]
    (given.folder / "results.svg").write_text(plot.bars(report.plotted(runs[0], CALLS[:3]), "the bare call"), "utf-8")
    (given.folder / "RESULTS.md").write_text(report.report(runs, rounds), "utf-8")
    print(report.bars(runs))


if __name__ == "__main__":
    main()
