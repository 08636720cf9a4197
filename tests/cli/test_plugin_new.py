"""`g4f-lite plugin new`: its names and files. tests/integration/test_authors.py installs and runs a new plugin."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import ServerSentEvent
from g4f_lite.cli.plugin import KINDS
from g4f_lite.cli.plugin_project import LONGEST, OF_NO_PROVIDER, UnfitNameError, check_name, project_files
from g4f_lite.provider.base import NAME


def plugin_new(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "g4f_lite.cli", "plugin", "new", *arguments],
        cwd=folder, env={**os.environ, "COVERAGE_FILE": str(folder / ".coverage")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_writes_a_project_and_prints_the_next_step(tmp_path: Path) -> None:
    ran = plugin_new(tmp_path, "acme-eu", "--kind", "protocol")
    assert ran.returncode == 0, ran.stderr
    project = tmp_path / "g4f-lite-acme-eu"
    written = {str(path.relative_to(tmp_path)) for path in project.rglob("*") if path.is_file()}
    assert written == set(ran.stdout.split()) == {
        f"g4f-lite-acme-eu/{name}" for name in (
            "g4f_lite_acme_eu.py", "tests/test_g4f_lite_acme_eu.py", "pyproject.toml", "README.md",
            ".github/workflows/test.yml", ".gitignore",
        )
    }  # fmt: skip
    assert "Next: cd g4f-lite-acme-eu" in ran.stderr
    assert 'name = "acme-eu"' in (project / "g4f_lite_acme_eu.py").read_text()

    (project / "README.md").write_text("mine")
    ran = plugin_new(tmp_path, "acme_eu")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "g4f-lite-acme-eu exists already; nothing was written" in ran.stderr
    assert (project / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Acme Inc", "'Acme Inc' is not a provider name.*try 'acme-inc'"),
        ("groq:x", "try 'groq-x'"),
        ("-acme", "try 'acme'"),
        ("acmé", "try 'acm'"),
        ("", "'' is not a provider name"),
        ("日本", "is not a provider name"),
        ("acme-", "ends with '-'; try 'acme'"),
        ("acme_", "ends with '_'; try 'acme'"),
        ("a" * 25, "use at most 24"),
        ("groq", "the provider 'groq' exists already"),
        ("local", "the provider 'local' exists already"),
    ],
)
def test_an_unusable_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(UnfitNameError, match=message):
        check_name(name)


def test_hooks_and_strategies_have_names_of_their_own() -> None:
    check_name("groq", "hooks")
    check_name("groq", "strategy")
    with pytest.raises(UnfitNameError, match="the strategy 'fastest' exists already"):
        check_name("fastest", "strategy")


def test_a_bad_name_is_a_usage_error(tmp_path: Path) -> None:
    ran = plugin_new(tmp_path, "Acme")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Invalid value for NAME: 'Acme' is not a provider name" in ran.stderr
    assert list(tmp_path.glob("g4f*")) == []


@settings(max_examples=60, deadline=None)
@given(name=st.from_regex(NAME, fullmatch=True).filter(lambda name: len(name) <= LONGEST and name[-1] not in "-_"),
       kind=st.sampled_from(KINDS))  # fmt: skip
def test_every_name_gives_files_that_can_be_read(name: str, kind: str) -> None:
    files = project_files(name, kind)
    project = tomllib.loads(files["pyproject.toml"])
    [module] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    group = "g4f_lite.hooks" if kind in OF_NO_PROVIDER else "g4f_lite"
    assert project["project"]["entry-points"] == {group: {name: module.removesuffix(".py")}}
    for path, text in files.items():
        assert "Acme" not in text or "acme" in name
        if path.endswith(".py"):
            ast.parse(text)
            assert max(map(len, text.splitlines())) <= 100
    attributes = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.walk(ast.parse(files[module]))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "name"
    }
    assert attributes == ({} if kind in OF_NO_PROVIDER else {"name": name})


@pytest.mark.parametrize(
    ("name", "class_name"),
    [("acme", "Acme"), ("acme-eu", "AcmeEu"), ("a_b", "AB"), ("01ai", "Provider01ai"), ("none", "ProviderNone"),
     ("provider", "ProviderProvider"), ("shape", "ProviderShape"), ("parser", "ProviderParser")],
)  # fmt: skip
def test_the_class_is_named_after_the_provider_without_collisions(name: str, class_name: str) -> None:
    assert f"class {class_name}(" in project_files(name, "openai")[f"g4f_lite_{name.replace('-', '_')}.py"]


def test_the_parser_of_a_new_protocol_knows_the_end_of_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its streams then end at once, also if the service holds the connection open."""
    module = "g4f_lite_acme_ends"
    (tmp_path / f"{module}.py").write_text(project_files("acme-ends", "protocol")[f"{module}.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, module)  # and again afterwards
    parser = importlib.import_module(module).Parser()
    for data, done in ((b'{"reply": "Sunday"}', False), (b'{"ended": "done"}', True)):
        parser.feed(ServerSentEvent(data=data))
        assert parser.done is done
