"""`--json`, `-v`, `-m` and `-c` mean the same in every command that has them."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from helpers.commands import KEY, Cli, in_terminal

from g4f_lite.testing import FaultServer, replies

REFUSED = replies.error(401, "Invalid API Key", code="invalid_api_key")
CALLS = [["ask", "hi"], ["embed", "hi"], ["transcribe", "talk.wav"]]


@pytest.fixture(autouse=True)
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.wav").write_bytes(b"RIFF\x04\0\0\0WAVE")


def by_openai(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the options that lead to a provider that has all endpoints."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return ["-p", "openai", "--base-url", f"openai={server.base_url}"]


@pytest.mark.parametrize("command", CALLS, ids=lambda command: command[0])
def test_a_failed_call_prints_json_if_that_was_asked_for(
    cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    groq.script(*[REFUSED] * 5)
    ran = cli(*command, "--json", *by_openai(groq, monkeypatch), "--no-fallback")
    printed = json.loads(ran.out)
    assert (ran.code, printed["error"]["type"], printed["error"]["status"]) == (1, "AuthenticationError", 401)
    assert len(printed["trail"]["attempts"]) == 1 and ran.err.startswith("Error: ")


@pytest.mark.parametrize(
    "command",
    [["explain", "-p", "grok"], ["models", "grok"], ["models", "grok", "--live"], ["ask", "hi", "-p", "grok"]],
)
def test_a_refused_command_prints_json_if_that_was_asked_for(cli: Cli, command: list[str]) -> None:
    ran = cli(*command, "--json")
    assert (ran.code, json.loads(ran.out)["error"]["type"]) == (2, "UnknownProviderError")
    assert cli(*command).out == ""


@pytest.mark.parametrize("command", [*CALLS, ["explain"]], ids=lambda command: command[0])
def test_a_model_and_a_fallback_may_be_aliases(
    cli: Cli, groq: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "config.toml").write_text('[aliases]\nmine = "openai:first"\nother = "openai:second"')
    groq.script(replies.error(404, "gone", code="model_not_found"))
    address = by_openai(groq, monkeypatch)[2:]
    ran = cli(*command, *address, "-m", "mine", "--fallback", "other")
    assert re.findall(r"openai:(first|second)\b", ran.out + ran.err) == ["first", "second"]


@pytest.mark.parametrize("command", [["ask", "hi"], ["chat"]], ids=lambda command: command[0])
def test_a_conversation_keeps_its_system_message(cli: Cli, groq: FaultServer, command: list[str]) -> None:
    cli("logs", "on")
    cli("ask", "first", "-p", "groq", "-s", "be brief")
    ran = cli(*command, "-c", "-s", "be long", "-p", "groq", stdin=b"second\n")
    assert (ran.code, len(groq.received)) == (2, 1)
    assert "--system and --continue exclude each other" in ran.err


@pytest.mark.parametrize(
    "command", [["explain"], ["ask", "hi", "-v"], ["ask", "hi", "-v", "-p", "openai", "-p", "groq"]]
)
def test_what_was_left_out_is_told_in_the_words_of_the_command(cli: Cli, groq: FaultServer, command: list[str]) -> None:
    ran = cli(*command)
    assert "run `g4f-lite keys set openai`" in ran.out + ran.err
    assert "keys=" not in ran.out + ran.err


def test_other_parameters_for_the_body_need_a_body(cli: Cli, groq: FaultServer) -> None:
    ran = cli("ask", "hi", "-p", "groq", "-o", "extra_body=5", "-o", "other=1")
    assert (ran.code, groq.received) == (2, []) and "extra_body must be a JSON object, not 5" in ran.err
    assert cli("ask", "hi", "-p", "groq", "-o", 'extra_body={"one": 1}', "-o", "other=2").code == 0
    assert (groq.received[0].json["one"], groq.received[0].json["other"]) == (1, 2)


def test_ctrl_c_at_the_prompt_ends_its_line(groq: FaultServer) -> None:
    ran = in_terminal("chat", "-p", "groq", after=b"> ", typed=signal.SIGINT, env={"TERM": "dumb"})
    assert ran.code == 130
    assert ran.out.endswith("> \n")
