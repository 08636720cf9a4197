"""docs/simulation.md: what it shows can be done, and gives what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.recording import record

from g4f_lite.client.policy_table import PolicyTable
from g4f_lite.simulation import load, simulate
from g4f_lite.simulation.scenario import Clients, Phase, RateLimits, ServiceSettings, Traffic

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "simulation.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in zip(("scenario.toml", "brisk.toml", "hedged.toml"), blocks("toml"), strict=False):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def rows_of(folder: Path, block: int) -> list[list[str]]:
    """Run the command of a block, and compare what it prints; return the rows."""
    command, *shown = blocks("console")[block].splitlines()
    ran = subprocess.run(
        [sys.executable, "-m", "g4f_lite.cli", *command.split()[2:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
    )
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    for row, line in zip(rows[1:], shown[1:-1], strict=False):
        assert [cell.strip() for cell in re.split(r"\s{2,}", line.strip())] == [cell.strip() for cell in row]
    return rows


def test_the_command_of_the_page_gives_the_figures_that_it_shows(folder: Path) -> None:
    rows = rows_of(folder, 0)
    picture = ElementTree.fromstring((folder / "policies.svg").read_text("utf-8"))
    assert [one.text for one in picture.iter() if one.get("class") == "name"] == rows[0][1:]


def test_what_is_learnt_on_the_page_is_learnt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(load(folder / "scenario.toml"), folder / "trails.jsonl", monkeypatch)
    rows_of(folder, 1)
    learnt = load(folder / "learnt.toml")
    found = simulate(learnt, [load(folder / f"{name}.toml", base=learnt) for name in ("brisk", "hedged")])
    [slowest] = re.findall(r"from (11.1) seconds to (2.9) and (3.4)", PAGE)
    assert [f"{one.first_content.p99:.1f}" for one in found.policies] == [*slowest]


def test_the_python_of_the_page_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for block in blocks("python"):
        exec(compile(block, "docs/simulation.md", "exec"), {})


@pytest.mark.parametrize("table", [ServiceSettings, RateLimits, Phase, Traffic, Clients, PolicyTable])
def test_the_page_names_all_that_a_scenario_may_have(table: type) -> None:
    for name in table.__struct_fields__:  # type: ignore[attr-defined]
        assert re.search(rf"\b{name}\b", PAGE), name
