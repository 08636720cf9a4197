"""Installed plugins, working or broken, as the commands show them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from helpers.commands import Cli, run

from g4f_lite.testing import FaultServer


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed plugins: one that works, one broken, one shadowed, and a broken hook."""
    folder = tmp_path / "site"
    info = folder / "odd_plugins-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugins\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[g4f_lite]\nfree = odd_free\nbroken = odd_broken\ngroq = odd_free\n[g4f_lite.hooks]\nwatcher = odd_broken\n"
    )
    (folder / "odd_broken.py").write_text("import surely_not_installed\n")
    (folder / "odd_free.py").write_text(
        "import g4f_lite\n\n\n"
        "class Free(g4f_lite.OpenaiTemplate):\n"
        "    name, label, api_base, needs_auth = 'free', 'Free', 'http://127.0.0.1:9/v1', False\n"
        "    default_model = 'small'\n\n\n"
        "@g4f_lite.hookimpl\ndef register_providers(register):\n    register(Free)\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", "odd-plugins")
    monkeypatch.setitem(sys.modules, "odd_free", None)
    monkeypatch.delitem(sys.modules, "odd_free")  # and again afterwards


expect_shadow = pytest.mark.filterwarnings("ignore:.* is shadowed by:g4f_lite.PluginWarning")


@pytest.mark.usefixtures("plugged")
def test_a_shadowed_plugin_is_reported_in_one_line(groq: FaultServer) -> None:
    ran = run("ask", "hi", "-p", "groq")
    assert ran[:2] == (0, "ok\n")
    assert re.fullmatch(
        r"Warning: the provider 'groq' of the distribution odd-plugins 1.2 is shadowed by .*\n"
        r"Warning: the plugin 'watcher' of the distribution odd-plugins 1.2 is switched off: ModuleNotFoundError.*\n",
        ran.err,
    )


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_plugins_lists_all_and_why_some_are_broken(cli: Cli) -> None:
    rows = [line.split("\t") for line in cli("plugins").out.splitlines()]
    [free] = [row for row in rows if row[0] == "free"]
    assert free[:7] == ["free", "third-party", "odd-plugins", "1.2", "free", "", "register_providers"]
    assert re.fullmatch(r"\d+\.\d\d s", free[7])
    assert free[8] == ""
    broken = [row for row in rows if "surely_not_installed" in row[8]]
    assert [row[0] for row in broken] == ["broken", "watcher"]
    assert any(row[0] == "groq" and row[8].startswith("shadowed by") for row in rows)
    infos = json.loads(cli("plugins", "--json").out)
    assert {info["name"] for info in infos} >= {"groq", "free", "broken", "watcher"}
    assert "pip uninstall odd-plugins" in cli("plugins").err


@pytest.mark.usefixtures("plugged")
def test_a_chosen_plugin_that_is_not_there_is_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", "odd-plugin")
    problem = "G4F_LITE_LOAD_PLUGINS names odd-plugin, which is not installed; did you mean 'odd-plugins'?"
    for command in (["plugins"], ["plugins", "--load", "--json"], ["ask", "hi", "-p", "free"]):
        assert problem in cli(*command).err
    assert f"plugin\tchoice\t{problem}" in cli("doctor").out


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_plugins_load_reports_the_same_without_importing_any_plugin_in_this_process(cli: Cli) -> None:
    loaded = {(row["name"], row["source"]): row for row in json.loads(cli("plugins", "--load", "--json").out)}
    assert "odd_free" not in sys.modules
    here = {(row["name"], row["source"]): row for row in json.loads(cli("plugins", "--json").out)}
    assert list(loaded) == list(here)
    for place, row in here.items():
        for column in ("providers", "strategies", "hooks", "error", "shadowed_by", "distribution", "version"):
            if (place, column) != (
                ("groq", "third-party"),
                "error",
            ):  # it is shadowed, so this command does not load it
                assert loaded[place][column] == row[column], (place, column)


@expect_shadow
@pytest.mark.filterwarnings("ignore:the plugin 'watcher' .* is switched off:g4f_lite.PluginWarning")
@pytest.mark.usefixtures("plugged")
def test_a_broken_plugin_fails_with_exit_code_3_only_if_it_is_named(cli: Cli) -> None:
    named = cli("ask", "hi", "-p", "broken")
    assert named[:2] == (3, "")
    assert "surely_not_installed" in named.err
    assert cli("models", "broken").code == 3
    listed = cli("models")
    assert "free\tsmall\t\n" in listed.out
    assert "Warning: the provider 'broken'" in listed.err


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_the_doctor_names_broken_plugins_and_keyless_providers(cli: Cli, groq: FaultServer) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    rows = {tuple(line.split("\t")[:2]): line.split("\t")[2] for line in ran.out.splitlines()}
    assert rows["provider", "broken"] == "not working: its plugin is broken"
    assert rows["provider", "free"] == "ok; needs no key; used only when named"
    assert rows["plugin", "watcher"].startswith("broken (odd-plugins 1.2): ModuleNotFoundError")
    assert "broken\tbroken\t\tthe provider 'broken'" in cli("providers").out
