"""`g4f-lite simulate` as a command: what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.commands import Cli, in_terminal

SCENARIO = """
[services.a]
errors = { 500 = 0.2 }
prices = { prompt = 1, completion = 1 }
[services.b]
[traffic]
rate = 5
duration_s = 20
"""
OTHER = '[policy]\nroutes = ["b"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("scenario.toml").write_text(SCENARIO, "utf-8")
    Path("other.toml").write_text(OTHER, "utf-8")
    return tmp_path


def test_it_prints_the_figures_of_all_policies(cli: Cli) -> None:
    ran = cli("simulate", "scenario.toml", "--against", "other.toml")
    assert (ran.code, ran.err) == (0, "")
    rows = {cells[0]: cells[1:] for cells in (line.split("\t") for line in ran.out.splitlines())}
    assert rows["policy"] == ["scenario", "other"]
    assert rows["calls"][0] == rows["calls"][1]
    assert rows["b: requests"][1] == rows["calls"][1]


def test_it_prints_json_and_writes_a_picture(cli: Cli, folder: Path) -> None:
    ran = cli("simulate", "scenario.toml", "--against", "other.toml", "--json", "--svg", "picture.svg", "--seed", "3")
    policies = json.loads(ran.out)["policies"]
    assert [one["name"] for one in policies] == ["scenario", "other"]
    assert policies[1]["services"]["a"]["requests"] == 0
    assert policies[0]["timelines"]["lines"]["a"]["ok"]
    assert (folder / "picture.svg").read_text("utf-8").startswith("<svg ")
    again = cli("simulate", "scenario.toml", "--against", "other.toml", "--json", "--seed", "4")
    assert json.loads(again.out)["policies"] != policies


def test_recorded_calls_take_the_place_of_the_traffic(cli: Cli, folder: Path) -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 60, "total_tokens": 100}
    trails = [
        {
            "call_id": str(number),
            "operation": "chat",
            "outcome": "ok",
            "duration": 1.0,
            "attempts": [
                {
                    "provider": "x", "model": "y", "outcome": "ok", "usage": usage, "first_token": 0.1,
                    "started_at": 1_000.0 + 10 * number, "duration": 1.0,
                }
            ],
            "skipped": [],
        }
        for number in range(7)
    ]  # fmt: skip
    (folder / "trails.jsonl").write_text("\n".join(map(json.dumps, trails)), "utf-8")
    (policy,) = json.loads(cli("simulate", "scenario.toml", "--calls", "trails.jsonl", "--json").out)["policies"]
    assert policy["calls"] == 7
    assert 60 < policy["seconds"] < 75


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[servces.a]", "unknown name 'servces'; did you mean 'services'?"),
        (SCENARIO + "[policy]\nretries = -1", "retries must be a whole number"),
        ("[", "scenario.toml"),
    ],
)
def test_a_scenario_that_cannot_work_ends_with_2(cli: Cli, text: str, says: str) -> None:
    Path("scenario.toml").write_text(text, "utf-8")
    ran = cli("simulate", "scenario.toml")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_a_terminal_shows_a_table(folder: Path) -> None:
    ran = in_terminal("simulate", "scenario.toml", "--against", "other.toml")
    assert ran.code == 0
    assert "answered" in ran.out
    assert "other" in ran.out


def test_ctrl_c_ends_a_long_simulation_without_a_word(folder: Path) -> None:
    (folder / "long.toml").write_text(SCENARIO.replace("duration_s = 20", "calls = 10_000_000"), "utf-8")
    ends = "import sys; from g4f_lite.cli import main; print('begins', flush=True); sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", ends, "simulate", "long.toml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"")
