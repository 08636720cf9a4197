"""Installed plugins are found by name, without an import, and loaded when they are first used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from helpers.plugins import BUNDLED, ask, info, make
from helpers.sites import Site, provider_code

from g4f_lite import Client, PluginInfo, PluginWarning, Provider, Trail, UnknownProviderError, provider_names
from g4f_lite.plugins.registry import process_registry
from g4f_lite.plugins.sources import vain_choices
from g4f_lite.plugins.subprocess_load import load_isolated
from g4f_lite.testing import FaultServer


def test_names_come_without_imports_and_one_plugin_is_loaded_on_demand(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("acme-one", provider_code("acme"), providers=["acme"])
    site.add("acme-two", "raise RuntimeError('imported')", providers=["boom"])
    site.add("acme-eye", "from g4f_lite import hookimpl\n@hookimpl\ndef call_finished(trail): ...", hooks=["eye"])
    program = """
        import json, sys

        def loaded():
            data = ("g4f_lite_providers.catalogue", "g4f_lite_providers.row")
            return [name for name in sys.modules if not name.startswith(data) and (
                    name in ("requests", "aiohttp", "tenacity") or name.startswith(("plug_", "g4f_lite_providers.")))]

        import g4f_lite
        seen = [loaded(), g4f_lite.provider_names(), loaded()]
        from g4f_lite.plugins.registry import process_registry
        seen += [process_registry().get("acme").name, loaded()]
        g4f_lite.Client()
        json.dump([*seen, "plug_acme_eye" in sys.modules, "plug_acme_two" in sys.modules], sys.stdout)
    """
    environment = {name: value for name, value in os.environ.items() if name != "G4F_LITE_LOAD_PLUGINS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    before, names, after_names, acme, after_acme, hooks_loaded, broken_imported = json.loads(ran.stdout)
    assert before == after_names == []
    assert names == [*BUNDLED, "acme", "boom"]
    assert (acme, after_acme) == ("acme", ["plug_acme_one"])
    assert hooks_loaded
    assert not broken_imported


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, [*BUNDLED, "acme", "other"]),
        ("", BUNDLED),
        ("  ", BUNDLED),
        ("acme-plugin", [*BUNDLED, "acme"]),
        (" Other.Plugin , ACME_plugin", [*BUNDLED, "acme", "other"]),
        ("nobody", BUNDLED),
    ],
)
def test_the_environment_says_which_distributions_are_used(
    allowed: str | None, expected: list[str], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("Acme_Plugin", provider_code("acme"), providers=["acme"])
    site.add("other-plugin", provider_code("other"), providers=["other"], hooks=["other"])
    if allowed is not None:
        monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", allowed)
    assert provider_names() == expected
    Client().close()
    assert ("plug_other_plugin" in sys.modules) == ("other" in expected)


@pytest.mark.parametrize(
    ("chosen", "problems"),
    [
        (None, []),
        ("", []),
        ("ACME_plugin,", []),
        ("acme-plugn", ["names acme-plugn, which is not installed; did you mean 'Acme_Plugin'?"]),
        ("nobody", ["names nobody, which is not installed."]),
        ("acme, pytest", ["names acme, which is a plugin, not a distribution; write Acme_Plugin.",
                          "names pytest, which is installed, but has no plugin."]),
    ],
)  # fmt: skip
def test_a_name_in_the_environment_that_selects_nothing_is_a_problem(
    chosen: str | None, problems: list[str], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("Acme_Plugin", provider_code("acme"), providers=["acme"])
    if chosen is not None:
        monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", chosen)
    assert vain_choices() == [f"G4F_LITE_LOAD_PLUGINS {problem}" for problem in problems]
    with Client() as client, pytest.raises(UnknownProviderError) as caught:
        ask(client, provider="nowhere")
    assert all(problem in str(caught.value) for problem in problems)
    assert ("G4F_LITE_LOAD_PLUGINS" in str(caught.value)) == bool(problems)


def test_an_installed_provider_answers_by_name_and_is_listed_with_its_distribution(
    site: Site, server: FaultServer
) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with Client(base_urls={"acme": server.base_url}) as client:
        assert info("acme") == PluginInfo(
            name="acme", source="third-party", distribution="acme-plugin", version="1.0", loaded=False
        )
        assert ask(client, provider="acme") == "ok"
    assert info("acme").loaded
    assert info("acme").providers == ("acme",)


def test_one_module_may_have_two_names_and_be_in_both_groups(site: Site) -> None:
    code = (
        provider_code("acme", "acme-eu") + "\nseen = []\n@hookimpl\ndef call_finished(trail):\n    seen.append(trail)"
    )
    module = site.add("acme-plugin", code, providers=["acme", "acme-eu"], hooks=["acme"])
    registry = process_registry()
    registry.scan()
    assert [registry.get(name).name for name in ("acme-eu", "acme")] == ["acme-eu", "acme"]
    registry.observe("call_finished", Trail())
    assert sys.modules[module].seen == [Trail()]
    both = ("acme", "acme-eu")
    listed = [(one.name, one.providers, one.error) for one in registry.plugins() if one.source == "third-party"]
    assert listed == [("acme", both, None), ("acme-eu", both, None), ("acme", (), None)]


def test_a_name_without_an_entry_point_is_a_problem(site: Site) -> None:
    site.add("acme-plugin", provider_code("acme", "acme-eu", "acme-us"), providers=["acme", "acme-us"])
    process_registry().get("acme")
    assert info("acme").problem == "registers acme-eu, which has no entry point"
    assert [one.notes for one in load_isolated(process_registry()) if one.name == "acme-us"] == [info("acme").notes]


@pytest.mark.parametrize("observes", [False, True])
def test_a_provider_in_the_group_of_hooks_is_a_problem(observes: bool, site: Site) -> None:
    hook = "\n@hookimpl\ndef call_started(call): ..." if observes else ""
    site.add("acme-plugin", provider_code("acme") + hook, hooks=["acme"])
    with nullcontext() if observes else pytest.warns(PluginWarning, match="register_providers belongs"):
        Client().close()
    assert info("acme").problem == "register_providers belongs in the group g4f_lite, not in g4f_lite.hooks"
    assert info("acme").hooks == (("call_started", "register_providers") if observes else ())


def test_one_name_in_both_groups_may_mean_two_modules(site: Site) -> None:
    hooks = site.add("acme-hooks", "from g4f_lite import hookimpl\nseen = []\n@hookimpl\ndef call_finished(trail):\n"
                     "    seen.append(trail)")  # fmt: skip
    module = site.add("acme", provider_code("acme") + "\n@hookimpl\ndef attempt_started(attempt): ...")
    site.metadata("acme", f"[g4f_lite]\nacme = {module}\n[g4f_lite.hooks]\nacme = {hooks}\n".encode())
    registry = process_registry()
    registry.scan()
    registry.get("acme")
    registry.observe("call_finished", Trail())
    assert sys.modules[hooks].seen == [Trail()]
    assert [one.error for one in registry.plugins() if one.source == "third-party"] == [None, None]


def test_threads_that_use_a_plugin_at_once_load_it_once(site: Site) -> None:
    slow = "import time\nLOADS = []\ntime.sleep(0.05)\n" + provider_code("acme").replace(
        "    register(P0)", "    LOADS.append(1)\n    register(P0)"
    )
    module = site.add("acme-plugin", slow, providers=["acme"])
    got: list[Provider] = []
    threads = [threading.Thread(target=lambda: got.append(process_registry().get("acme"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert len(set(map(id, got))) == 1
    assert sys.modules[module].LOADS == [1]


def test_the_error_for_an_unknown_name_suggests_the_nearest_one(site: Site) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with pytest.raises(UnknownProviderError, match="did you mean 'acme'"):
        process_registry().get("acmi")
    with Client(plugins=[make("mine")]) as client, pytest.raises(UnknownProviderError, match="'mine'"):
        ask(client, provider="mime")
