"""
The simulated figures of five scenarios are those of real sockets.

Each scenario runs in a process of its own, all at once, for about 90 seconds in which little is computed. The model of
the services, the traffic, the policy and the jitter are the same, and so is the code that makes the report; the clock,
the event loop, the sockets, the bytes and the transport are real.

Every figure agrees within 10 %, or, where it is small, within the absolute tolerances of `helpers/agreeing.py`. To times
is added how late this machine was at worst, by timers in the same process: some milliseconds, unless others load it; then
the scenario runs again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.agreeing import differences
from helpers.installing import ONCE, ROOT, unmeasured

from g4f_lite.records import prices
from g4f_lite.simulation import learn, read_trails, recorded_report
from g4f_lite.simulation.clients import prices_of
from g4f_lite.simulation.engine import Run
from g4f_lite.simulation.reading import load

SCENARIOS = sorted((ROOT / "tests" / "simulation" / "scenarios").glob("*.toml"))
LATE_S = 0.03
"""A machine whose timers are later than this is busy with something else: its run is made again."""
UNKNOWN = ("recoveries", "while_failing")
"""What hangs on when an outage began and ended: trails tell that to within the time between two attempts."""

pytestmark = [pytest.mark.xdist_group("agreement"), ONCE]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Run all scenarios at once, and again those in which the machine was late; return what each has written."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(3):
        late = [one for one in SCENARIOS if one.stem not in found or found[one.stem]["lateness_s"] > LATE_S]
        for name, one in _run(late, tmp_path_factory.mktemp("agreement")).items():
            found[name] = min(one, found.get(name, one), key=itemgetter("lateness_s"))
    return found


def _run(scenarios: list[Path], folder: Path) -> dict[str, dict[str, Any]]:
    environment = unmeasured(PYTHONPATH=str(ROOT / "tests"))
    running = {}
    for scenario in scenarios:
        out = folder / f"{scenario.stem}.json"
        command = (sys.executable, "-m", "helpers.real_run", scenario, out, out.with_suffix(".jsonl"))
        running[out] = subprocess.Popen(
            [str(part) for part in command], env=environment, stderr=subprocess.PIPE, text=True
        )
    found = {}
    for out, process in running.items():
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        found[out.stem] = {**json.loads(out.read_text("utf-8")), "trails": out.with_suffix(".jsonl")}
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_simulated_figures_are_those_of_real_sockets(ran: dict[str, dict[str, Any]], scenario: Path) -> None:
    simulated = json.loads(json.dumps(Run(load(scenario)).report().to_dict()))
    real = ran[scenario.stem]
    wrong = differences(real["report"], simulated, real["lateness_s"])
    assert not wrong, "\n".join([f"timers were late by {real['lateness_s']:.3f} s", *wrong])


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.stem != "budget"], ids=lambda path: path.stem)
def test_what_is_learnt_from_real_trails_gives_their_figures(ran: dict[str, dict[str, Any]], scenario: Path) -> None:
    """
    The policy is that of the scenario: trails tell its routes alone. A budget is left out: what it reserves hangs on the
    prices of prompts and answers, which calls of one size do not tell apart.
    """
    real, own = ran[scenario.stem], load(scenario)
    with prices.declared(prices_of(own)):
        calls = read_trails(real["trails"])
        learnt = msgspec.structs.replace(learn(calls), policy=own.policy, seed=own.seed)
        recorded = recorded_report(calls, learnt)
    assert not differences(recorded.to_dict(), real["report"], 0.1 + real["lateness_s"], without=UNKNOWN)
    simulated = Run(learnt).report().to_dict()
    wrong = differences(simulated, recorded.to_dict(), real["lateness_s"], by_chance=True, without=UNKNOWN)
    assert not wrong, "\n".join(wrong)
