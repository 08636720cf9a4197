"""`g4f-lite keys` stores, lists and removes keys, and never shows one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.commands import Cli, Free, in_terminal, run

import g4f_lite
from g4f_lite.testing import FaultServer


def test_a_key_is_piped_in_used_listed_and_removed_and_never_shown(
    cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROQ_API_KEY")
    stored = cli("keys", "set", "groq", stdin=b"gsk_stored_one\n")
    assert stored[:2] == (0, "")
    assert cli("ask", "hi", "-p", "groq").code == 0
    assert groq.received[0].headers["authorization"] == "Bearer gsk_stored_one"
    listed = cli("keys", "list")
    assert listed.out.split("\t")[:2] == ["groq", g4f_lite.provider.keys.fingerprint("gsk_stored_one")]
    assert listed.out.rstrip().endswith("keys.json")
    assert "groq\tready\tstored\t" in cli("providers").out
    assert cli("keys", "remove", "groq").code == 0
    nothing = cli("keys", "list")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No key is stored" in nothing.err
    assert "gsk_stored" not in stored.err + listed.out + listed.err


def test_a_typed_key_is_not_echoed() -> None:
    ran = in_terminal("keys", "set", "groq", after=b"not shown", typed=b"gsk_typed_unseen\n")
    assert ran.code == 0
    assert "https://console.groq.com/keys" in ran.out
    assert "gsk_typed" not in ran.out
    assert run("keys", "list").out.startswith(f"groq\t{g4f_lite.provider.keys.fingerprint('gsk_typed_unseen')}\t")


def test_a_key_as_argument_is_refused_and_not_repeated(cli: Cli) -> None:
    ran = cli("keys", "set", "groq", "gsk_in_the_history")
    assert (ran.code, ran.out) == (2, "")
    assert "history" in ran.err
    assert "gsk_" not in ran.err


def test_a_stored_key_that_the_environment_overrides_is_noted(cli: Cli, groq: FaultServer) -> None:
    assert "GROQ_API_KEY is set in the environment" in cli("keys", "set", "groq", stdin=b"gsk_other").err


def test_invalid_keys_are_refused(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    g4f_lite.register(Free)
    assert cli("keys", "set", "free", stdin=b"x").err.endswith("free needs no key.\n")
    assert cli("keys", "set", "groq", stdin=b"\n").code == 2
    assert cli("keys", "set", "groq", stdin=b"two words").code == 2
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path / "a file" / "below"))
    ran = cli("keys", "set", "groq", stdin=b"gsk_x")
    assert ran.code == 1
    assert ran.err.startswith("Error: ") and "a file" in ran.err


def test_a_user_without_a_home_can_do_all_but_store_keys(cli: Cli, groq: FaultServer, homeless: None) -> None:
    assert cli("ask", "hi", "-p", "groq").code == 0
    report = cli("doctor")
    assert report.code == 0
    assert "keys\tstored\tnone: this user has no home folder; set G4F_LITE_CONFIG_DIR\n" in report.out
    assert json.loads(cli("doctor", "--json").out)["stored_keys"] is None
    listed = cli("keys", "list")
    assert (listed.code, listed.out) == (0, "")
    assert listed.err == "No key is stored: this user has no home folder; set G4F_LITE_CONFIG_DIR.\n"
    for command in (("keys", "set", "groq"), ("keys", "remove", "groq")):
        ran = cli(*command, stdin=b"gsk_x")
        assert ran.code == 2
        assert "no home folder; set G4F_LITE_CONFIG_DIR" in ran.err


@pytest.mark.parametrize("home", ["a file", "a folder that cannot be written"])
def test_a_home_that_holds_no_keys_stops_no_call(
    home: str, cli: Cli, groq: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.write_text("")
    elif os.geteuid():
        place.mkdir(0o500)
    else:
        place = Path("/proc/self")  # root can write into any other
    monkeypatch.delenv("G4F_LITE_CONFIG_DIR")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(place))
    assert cli("ask", "hi", "-p", "groq").code == 0
    assert cli("doctor").code == 0
    assert cli("keys", "list").code == 0
    ran = cli("keys", "set", "groq", stdin=b"gsk_x")
    assert ran.code == 1
    assert ran.err.startswith(f"Error: {place}")
