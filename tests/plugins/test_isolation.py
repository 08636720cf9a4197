"""Hostile plugins: every other provider works, and an error names the plugin."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.driving import MODES, run
from helpers.sites import Site, provider_code

from g4f_lite import Client, OpenaiTemplate, PluginLoadError, PluginWarning
from g4f_lite.plugins import isolation, subprocess_load
from g4f_lite.plugins.registry import process_registry
from g4f_lite.plugins.subprocess_load import load_isolated
from g4f_lite.testing import FaultServer, replies

SECRET = "sk-hostile-0123456789abcdef"
OBSERVER = "from g4f_lite import hookimpl\n@hookimpl\ndef {hook}({arguments}): {body}\n"


class Hostile(NamedTuple):
    """A plugin `evil` of the distribution `evil-plugin`, and the message about it."""

    name: str
    code: str
    message: str
    """A part of the message, in addition to the name of the plugin."""
    where: str = "error"
    """Where the message is: `error` of a call that names it, `log`, `warning`, `trail` or `list`."""
    hooks: bool = False
    provider: str = "evil"


def evil(body: str = "", *, build: str = "", parse: str = "", before: str = "") -> str:
    code = provider_code("evil").replace("    default_model = 'm'\n", f"    default_model = 'm'\n{build}{parse}")
    return f"{before}\n{code}\n{body}"


PARSE = "    def parse_response(self, response): {}\n"
BUILD = "    def build_request(self, request, *, key, stream): raise KeyError(f'no place for {key}')\n"

HOSTILE = [
    Hostile("raises on import", "raise RuntimeError('on import')", "RuntimeError: on import"),
    Hostile("leaves on import", "raise SystemExit(3)", "SystemExit: 3"),
    Hostile("prints on import", evil(before="print('evil was', 'here')"), "prints while it is loaded: 'evil was here'", "log"),
    Hostile("observes and raises", OBSERVER.format(hook="attempt_finished", arguments="attempt", body="1 / 0"),
            "the observer attempt_finished", "log", hooks=True),
    Hostile("misspells a hook", OBSERVER.format(hook="attempt_finish", arguments="attempt", body="..."),
            "unknown hook 'attempt_finish'; did you mean 'attempt_finished'?", "list", hooks=True),
    Hostile("has a wrong signature", OBSERVER.format(hook="call_finished", arguments="trial", body="..."),
            "call_finished cannot have the argument 'trial'; did you mean 'trail'?", "list", hooks=True),
    Hostile("takes the name of another plugin", provider_code("acme"), "is shadowed by 'acme' of the distribution acme",
            "warning", provider="acme"),
    Hostile("takes a bundled name", provider_code("groq"), "is shadowed by 'groq' (bundled)", "warning", provider="groq"),
    Hostile("is huge", evil(before="TABLE = [{'row': number} for number in range(200_000)]"), "s to load", "log"),
    Hostile("misses a dependency", "import nobody_has_this", "No module named 'nobody_has_this'"),
    Hostile("returns junk from parse", evil(parse=PARSE.format("return 42")), "returns int, not ChatCompletion", "trail"),
    Hostile("raises foreign exceptions with the key", evil(build=BUILD), "KeyError: 'no place for [key]'", "trail"),
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_hostile_plugin_is_named_and_all_others_work(
    mode: str, hostile: Hostile, site: Site, groq: FaultServer, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Every other provider works, and the error names the plugin."""
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    entry = {"hooks": ["evil"]} if hostile.hooks else {"providers": [hostile.provider]}
    site.add("evil-plugin", hostile.code, **entry)
    if "huge" in hostile.name:
        monkeypatch.setattr(isolation, "SLOW_S", 0.0)
    settings: dict[str, Any] = {"base_urls": {"acme": groq.base_url, "evil": groq.base_url}, "keys": {"evil": SECRET}}
    with pytest.warns(PluginWarning) if hostile.where in {"warning", "list"} else Nothing() as caught:
        for provider in ("acme", "groq"):
            assert run(mode, settings, {"provider": provider}).text == "ok"
        asked = run(mode, {**settings, "retries": 0}, {"provider": hostile.provider if not hostile.hooks else "groq"})
        beside = run(mode, settings, {"provider": [hostile.provider if not hostile.hooks else "acme", "groq"]})
    assert beside.text == "ok"
    [listed] = [one for one in process_registry().plugins() if one.distribution == "evil-plugin"]
    text = {
        "error": str(asked.error),
        "log": caplog.text,
        "warning": str([str(one.message) for one in caught or []]),
        "trail": "evil" + "; ".join(map(str, asked.trail.attempts)),
        "list": f"evil {listed.problem}",
    }[hostile.where]
    assert "evil" in text
    assert hostile.message in text
    if hostile.where == "error":
        assert isinstance(asked.error, PluginLoadError)
        assert "evil-plugin 1.0" in text
        assert hostile.message in (listed.error or "")
    assert capsys.readouterr().out == ""
    shown = (str(asked.error), str(asked.trail), str(beside.trail), caplog.text, str(listed))
    assert not [text for text in shown if SECRET in text]


class Nothing:
    """No warning is expected; any is an error."""

    def __enter__(self) -> list[Any]:
        return []

    def __exit__(self, *exc_info: object) -> None: ...


# -- plugins that end or block the process -------------------------------------------------

DEADLY = {
    "hangs": ("import threading\nthreading.Event().wait()", "not loaded within 3 s: it hangs at plug_"),
    "ends the process": ("import os\nos._exit(7)", "it ends the process that loads it, with exit code 7"),
    "is killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "with exit code -9"),
}


@pytest.mark.parametrize("deadly", DEADLY)
def test_a_provider_that_ends_its_process_affects_only_calls_that_name_it(
    deadly: str, site: Site, groq: FaultServer
) -> None:
    site.add("evil-plugin", DEADLY[deadly][0], providers=["evil"])
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with Client(base_urls={"acme": groq.base_url}) as client:
        for provider in ("acme", "groq"):
            params: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "provider": provider}
            assert client.chat.completions.create(**params).text == "ok"
    assert "evil" in process_registry().names()
    assert "plug_evil_plugin" not in sys.modules


@pytest.mark.parametrize("deadly", DEADLY)
def test_an_unknown_keyword_loads_no_plugin(deadly: str, site: Site) -> None:
    site.add("evil-plugin", DEADLY[deadly][0], providers=["evil"])
    with Client() as client, pytest.raises(TypeError, match="did you mean 'temperature'"):
        client.explain(provider="groq", temprature=1)  # type: ignore[call-arg]
    assert "plug_evil_plugin" not in sys.modules


def test_own_parameters_that_cannot_be_read_are_none(caplog: pytest.LogCaptureFixture) -> None:
    class Lazy(OpenaiTemplate):
        name = "lazy"
        ready = True

        @property
        def own_parameters(self) -> frozenset[str]:  # type: ignore[override]  # a property
            if not Lazy.ready:
                raise RuntimeError("no configuration")
            return frozenset()

    with Client(plugins=[Lazy]) as client:
        Lazy.ready = False
        with pytest.raises(TypeError, match="did you mean 'temperature'"):
            client.explain(temprature=1)  # type: ignore[call-arg]
    assert "lazy's own_parameters cannot be read: " in caplog.text
    assert "at test_isolation.py:" in caplog.text and "RuntimeError: no configuration" in caplog.text


def test_each_plugin_is_loaded_in_a_process_of_its_own(site: Site) -> None:
    for number, (code, _) in enumerate(DEADLY.values()):
        site.add(f"evil-{number}", code, providers=[f"evil-{number}"])
        site.add(f"sour-{number}", code, hooks=[f"sour-{number}"])
    for number, hostile in enumerate(HOSTILE[:6]):
        entry = {"hooks": [f"bad-{number}"]} if hostile.hooks else {"providers": ["evil"]}
        if hostile.hooks or hostile.name.startswith("prints"):
            site.add(f"bad-{number}", hostile.code, **entry)
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    site.add("orders", "from g4f_lite import hookimpl\n@hookimpl\ndef register_strategies(register):\n"
             "    register('mine', lambda legs, context: legs)", hooks=["orders"])  # fmt: skip
    infos = {
        one.distribution: one for one in load_isolated(process_registry(), limit=3.0) if one.source == "third-party"
    }
    for number, (_, message) in enumerate(DEADLY.values()):
        assert message in (infos[f"evil-{number}"].error or "")
        assert message in (infos[f"sour-{number}"].error or "")
    acme = infos["acme-plugin"]
    assert (acme.error, acme.providers, acme.hooks, acme.loaded) == (None, ("acme",), ("register_providers",), True)
    assert acme.load_time
    assert (infos["orders"].strategies, infos["orders"].problem) == (("mine",), "")
    assert infos["bad-2"].problem == "prints while it is loaded: 'evil was here'"
    assert infos["bad-3"].problem == ""  # its exception occurs only when it observes a call
    assert "did you mean 'attempt_finished'?" in infos["bad-4"].problem
    assert "did you mean 'trail'?" in infos["bad-5"].problem
    assert not [name for name in sys.modules if name.startswith("plug_")]


def test_a_plugin_that_blocks_all_threads_times_out_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_load, "_STARTUP_S", 1.0)
    site.add("evil-plugin", "import re\nre.match('(a+)+b', 'a' * 60)", providers=["evil"])
    [error] = [one.error for one in load_isolated(process_registry(), limit=1.0) if one.source == "third-party"]
    assert error == "it is not loaded within 1 s"


def test_the_command_names_broken_plugins_and_says_how_to_switch_them_off(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("evil-plugin", "import os\nos._exit(7)", providers=["evil"])
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    environment = {name: value for name, value in os.environ.items() if name != "G4F_LITE_LOAD_PLUGINS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    def command(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "g4f_lite.cli", *arguments],
            env={**environment, **more}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    ran = command("plugins", "--load", "--json")
    infos = {info["name"]: info for info in json.loads(ran.stdout)}
    assert ran.returncode == 0
    assert "exit code 7" in infos["evil"]["error"]
    assert (infos["acme"]["error"], infos["acme"]["providers"]) == (None, ["acme"])
    assert "Broken: evil-plugin. To switch off: pip uninstall evil-plugin" in ran.stderr
    switch = "G4F_LITE_LOAD_PLUGINS='acme-plugin'"
    assert switch in ran.stderr
    ran = command("plugins", G4F_LITE_LOAD_PLUGINS="acme-plugin")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "evil" not in ran.stdout


# -- misspelt hooks and arguments -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "arguments", "message"),
    [
        ("register_provider", "register", "unknown hook 'register_provider'; did you mean 'register_providers'?"),
        ("refine_errors", "error", "did you mean 'refine_error'?"),
        ("on_chunk", "chunk", "unknown hook 'on_chunk'; there are attempt_finished, attempt_started, call_answered"),
        ("refine_error", "provider, response, error", "'response'; there are provider, reply, error"),
        ("attempt_started", "attempts", "attempt_started cannot have the argument 'attempts'; did you mean 'attempt'?"),
        ("attempt_started", "attempt, more", "cannot have the argument 'more'; there are attempt"),
        ("attempt_started", "*, attempt", "attempt_started takes 'attempt' by keyword only; leave out the *"),
    ],
)
def test_the_error_for_a_misspelt_hook_suggests_the_right_one(
    hook: str, arguments: str, message: str, site: Site
) -> None:
    site.add("evil-plugin", OBSERVER.format(hook=hook, arguments=arguments, body="..."), hooks=["evil"])
    with pytest.warns(PluginWarning):
        Client().close()
    [listed] = [one for one in process_registry().plugins() if one.distribution == "evil-plugin"]
    assert message in (listed.error or "")


@pytest.mark.parametrize("arguments", ["", "attempt", "attempt, more=None", "attempt, *, more=None", "*more", "**more"])
def test_a_hook_takes_the_arguments_that_it_needs(arguments: str, site: Site, groq: FaultServer) -> None:
    body = "print('seen')"
    site.add("fine", OBSERVER.format(hook="attempt_started", arguments=arguments, body=body), hooks=["fine"])
    groq.script(replies.answer("ok"))
    assert run(MODES[0], {}, {"provider": "groq"}).text == "ok"
    [listed] = [one for one in process_registry().plugins() if one.distribution == "fine"]
    assert (listed.problem, listed.hooks) == ("", ("attempt_started",))


def test_only_the_thread_that_loads_a_plugin_is_kept_from_printing(
    site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = (
        "import sys, threading\nkept = sys.stdout\nkept.flush()\nother = threading.Thread(target=print, args=['of another thread'])\n"
        "other.start(); other.join(); print('of the plugin')"
    )
    site.add("evil-plugin", evil(before=before), providers=["evil"])
    with caplog.at_level(logging.WARNING, "g4f_lite.plugins"):
        process_registry().get("evil")
    print("afterwards")
    assert capsys.readouterr().out == "of another thread\nafterwards\n"
    sys.modules["plug_evil_plugin"].kept.write("with what it kept\n")
    assert capsys.readouterr().out == "with what it kept\n"
    assert "prints while it is loaded: 'of the plugin'" in caplog.text
