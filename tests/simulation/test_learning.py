"""A learnt scenario gives the figures of its record, within 10 %; the record is simulated here, so what it holds is known."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.agreeing import differences
from helpers.recording import record

from g4f_lite.cli.app import commands as cli
from g4f_lite.records import prices
from g4f_lite.simulation import learn, read_trails, recorded_report, to_toml
from g4f_lite.simulation.clients import prices_of
from g4f_lite.simulation.engine import Run
from g4f_lite.simulation.reading import scenario_from

STEADY = {"first_content_s": {"median": 0.5, "p95": 1.0}, "tokens_per_s": {"median": 60, "p95": 100}}
QUICK = {"first_content_s": {"uniform": [0.2, 0.4]}, "tokens_per_s": 100}
TRAFFIC = {"rate": 2.0, "duration_s": 900, "answer_tokens": {"median": 150, "p95": 300}}
RECORDS: dict[str, dict[str, Any]] = {
    "errors of many kinds": {
        "services": {"acme": {**STEADY, "errors": {"503": 0.05, "reset": 0.02, "cut": 0.02, "500": 0.01}}, "other": QUICK}
    },
    "an outage": {
        "services": {
            "acme": {**STEADY, "phases": [{"kind": "outage", "from_s": 200, "until_s": 320, "how": "refused"}]},
            "other": {**QUICK, "prices": {"prompt": 1.0, "completion": 4.0}},
        }
    },
    "a brown-out": {
        "services": {
            "acme": {**STEADY, "phases": [{"kind": "brownout", "from_s": 300, "until_s": 500, "factor": 5, "errors": {"500": 0.2}}]},
            "other": QUICK,
        }
    },
    "a flapping service": {
        "services": {
            "acme": {**QUICK, "phases": [{"kind": "flapping", "from_s": 100, "until_s": 800, "period_s": 60, "share": 0.4}]},
            "other": QUICK,
        }
    },
    "a rate limit": {
        "services": {"acme": {**QUICK, "limits": {"rpm": 100, "window": "bucket", "burst": 0.2}}, "other": STEADY},
        "policy": {"patience": 3.0},
    },
    "whole answers": {"services": {"acme": {**STEADY, "errors": {"503": 0.04}}, "other": QUICK}, "traffic": {**TRAFFIC, "stream": False}},
}  # fmt: skip


@pytest.mark.parametrize("kind", RECORDS)
def test_a_learnt_scenario_gives_the_figures_of_its_record(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_from({"traffic": TRAFFIC, **RECORDS[kind]})
    file = tmp_path / "trails.jsonl"
    record(scenario, file, monkeypatch)
    calls = read_trails(file)
    with prices.declared(prices_of(scenario)):
        learnt = scenario_from(tomllib.loads(to_toml(learn(calls))))
        recorded = recorded_report(calls, learnt)
    expected = Run(scenario).report()
    assert not differences(recorded.to_dict(), expected.to_dict(), without=("recoveries", "failing"))
    # When a service is back hangs on one draw of a breaker's jitter.
    wrong = differences(Run(learnt).report().to_dict(), recorded.to_dict(), by_chance=True, without=("recoveries",))
    assert not wrong, "\n".join(wrong)


def test_the_command_writes_a_scenario_and_shows_its_figures_beside_those_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "trails.jsonl", tmp_path / "learnt.toml"
    scenario = scenario_from({"services": {"acme": STEADY, "other": QUICK}, "traffic": {"rate": 2.0, "duration_s": 60}})
    record(scenario, file, monkeypatch)
    ran = CliRunner().invoke(cli, ["simulate", "--learn", str(file)])
    assert ran.exit_code == 0 and set(tomllib.loads(ran.output)["services"]) == {"acme"}
    ran = CliRunner().invoke(cli, ["simulate", "--learn", str(file), "-o", str(out), "--json"])
    recorded, learnt = json.loads(ran.output)["policies"]
    assert (recorded["name"], learnt["name"]) == ("recorded", "learnt") and recorded["calls"] == learnt["calls"] > 90
    assert CliRunner().invoke(cli, ["simulate", str(out)]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "Give a SCENARIO"), (["--learn", "{}", "{}"], "takes none"), (["{}", "-o", "x"], "belongs to --learn")],
)  # fmt: skip
def test_what_does_not_belong_together_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    ran = CliRunner().invoke(cli, ["simulate", *[one.format(file) for one in arguments]])
    assert ran.exit_code == 2 and message in ran.output
