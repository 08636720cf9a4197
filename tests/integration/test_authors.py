"""
What plugin authors do, as they do it: a plugin from the command, the tutorial step by step, the examples
from their wheels. Slow, so on one Python only: `.ci/run` sets `G4F_LITE_QUICK` for the others.
"""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.installing import ROOT, SLOW, Built, Venv, make_venv

from g4f_lite.testing import FaultServer, replies

pytestmark = SLOW


@pytest.fixture(scope="module")
def venv(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    return make_venv(tmp_path_factory.mktemp("authors"), built.wheel)


KINDS = {"openai": "acme", "protocol": "acme-own", "local": "acme_here", "hooks": "acme-eyes", "strategy": "acme_order"}
PROVIDERS = ("openai", "protocol", "local")
EXAMPLES = ("by_length", "own_protocol", "sqlite_trails")


class Installed(NamedTuple):
    """A folder with new plugins and copies of the examples, all of them installed."""

    kinds: dict[str, Path]
    examples: list[Path]


@pytest.fixture(scope="module")
def installed(venv: Venv, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    empty, copies = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("examples")
    for kind, name in KINDS.items():
        venv.run("g4f-lite", "plugin", "new", name, "--kind", kind, cwd=empty)
    shutil.copytree(ROOT / "examples", copies, dirs_exist_ok=True)
    kinds = {kind: empty / f"g4f-lite-{name.replace('_', '-')}" for kind, name in KINDS.items()}
    examples = [copies / example for example in EXAMPLES]
    venv.run("python", "-m", "pip", "install", "--quiet", *kinds.values(), *examples)  # builds a wheel of each
    for example in examples:
        [module] = example.glob("*.py")
        module.unlink()  # so that the installed files are tested
    return Installed(kinds, examples)


def listed(venv: Venv, *options: str) -> dict[str, dict[str, Any]]:
    infos = json.loads(venv.run("g4f-lite", "plugins", "--json", *options))
    return {info["distribution"]: info for info in infos if info["source"] == "third-party"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_tests_and_answers_by_its_name(
    kind: str, venv: Venv, installed: Installed, server: FaultServer
) -> None:
    name, project = KINDS[kind], installed.kinds[kind]
    assert re.search(r"\d+ passed", venv.run("python", "-m", "pytest", "-q", "-p", "no:xdist", cwd=project))
    if kind not in PROVIDERS:
        return
    if kind == "protocol":
        server.script(replies.body(b'{"reply": "Sunday it is", "ended": "done"}'))
    else:
        server.script(replies.answer("Sunday it is"))
    prefix = name.upper().replace("-", "_")
    answer = venv.run(
        *("g4f-lite", "ask", "-p", name, "Sunday it is"),
        **{f"{prefix}_API_KEY": "test", f"{prefix}_API_BASE": server.base_url},
    )
    assert answer.strip() == "Sunday it is"
    assert len(server.received) == (kind != "local")


def test_the_examples_pass_their_tests_from_their_wheels(venv: Venv, installed: Installed) -> None:
    assert {path.parent.name for path in ROOT.glob("examples/*/pyproject.toml")} == set(EXAMPLES)
    ran = venv.run("python", "-W", "error", "-m", "pytest", "-q", *installed.examples, cwd=installed.examples[0].parent)
    assert re.search(r"3\d passed", ran)


def test_new_plugins_and_examples_are_clean(venv: Venv, installed: Installed) -> None:
    [folder] = {project.parent for project in installed.kinds.values()}
    venv.run("python", "-m", "ruff", "check", "--no-cache", ".", cwd=folder)
    venv.run("python", "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=folder)
    files = [*folder.glob("*/*.py"), *folder.glob("*/tests/*.py")]
    files += [path for example in EXAMPLES for path in (ROOT / "examples" / example).rglob("*.py")]
    assert len(files) == 16
    venv.run("python", "-m", "mypy", "--strict", "--cache-dir", venv.cwd / "mypy", *files, cwd=folder)


def test_all_are_listed_and_can_be_uninstalled(venv: Venv, installed: Installed) -> None:
    infos = listed(venv, "--load")
    assert {info["error"] for info in infos.values()} == {None}
    assert {(*info["notes"],) for info in infos.values()} == {()}
    for kind in PROVIDERS:
        info, name = infos[installed.kinds[kind].name], KINDS[kind]
        found = (info["name"], info["providers"], info["hooks"], info["version"])
        assert found == (name, [name], ["register_providers"], "0.1.0")
    hooks = infos["g4f-lite-acme-eyes"]["hooks"]
    assert sorted(hooks) == ["attempt_finished", "call_finished", "refine_error"]
    assert infos["g4f-lite-acme-order"]["strategies"] == ["acme_order"]
    assert infos["g4f-lite-by-length"]["strategies"] == ["by-length"]
    assert infos["g4f-lite-sqlite-trails"]["hooks"] == ["call_finished"]
    assert infos["g4f-lite-parley"]["providers"] == ["parley"]
    assert len(infos) == 8
    venv.run("python", "-m", "pip", "uninstall", "--quiet", "-y", *infos)
    assert listed(venv) == {}


# -- the tutorial --------------------------------------------------------------------------


def test_the_steps_of_the_tutorial_end_with_a_working_plugin(venv: Venv, tmp_path: Path) -> None:
    """A block after a file name is written to that file. A block of shell is run and must print what the page shows."""
    page = (ROOT / "docs" / "plugins" / "tutorial.md").read_text("utf-8")
    steps = re.findall(r"(?:^`([\w./-]+)`[^\n]*:\n\n)?^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    ran: list[str] = []
    where = tmp_path
    for file, language, text in steps:
        if file:
            (where / file).parent.mkdir(parents=True, exist_ok=True)
            (where / file).write_text(text)
        elif language == "sh":
            script = f"set -e\n{text}pwd > {tmp_path / 'cwd'}\n"
            ran.append(venv.run("bash", "-c", script, cwd=where))
            where = Path((tmp_path / "cwd").read_text().strip())
        elif language == "text":
            assert re.sub(r"\s+", " ", text).strip() in re.sub(r"\s+", " ", ran[-1]), (text, ran[-1])
        elif language != "console":  # needs a package index
            raise AssertionError(f"what is to be done with this block of {language}?\n{text}")
    assert len(ran) > 4
    program = """
        from g4f_lite import provider_names
        print("weekday" in provider_names())
    """
    assert venv.run("python", "-c", textwrap.dedent(program)).strip() == "True"
    venv.run("python", "-m", "pip", "uninstall", "--quiet", "-y", "g4f-lite-weekday")
