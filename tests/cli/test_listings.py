"""`providers`, `models` and `explain` print lists for people and for scripts."""

from __future__ import annotations

import json
import re

import pytest
from helpers.commands import KEY, A, B, Cli, in_terminal

import g4f_lite
import g4f_lite_providers
from g4f_lite.testing import FaultServer, replies


def test_providers_shows_key_and_default_model(cli: Cli, groq: FaultServer) -> None:
    line = cli("providers").out.splitlines()[0].split("\t")
    assert line == ["groq", "ready", "GROQ_API_KEY", A]
    status = json.loads(cli("providers", "--json").out)[0]
    assert (status["label"], status["key"], status["state"]) == (
        "Groq",
        g4f_lite.provider.keys.fingerprint(KEY),
        "ready",
    )
    assert (status["name"], status["key_from"], status["usable"]) == ("groq", "GROQ_API_KEY", True)
    assert (status["base_url"], status["base_url_from"]) == (groq.base_url, "GROQ_API_BASE")


def test_providers_shows_which_key_is_missing_and_other_notices(cli: Cli) -> None:
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in cli("providers").out.splitlines()}
    assert rows["groq"] == ["no key", "GROQ_API_KEY", A]
    assert rows["ollama"] == ["when named", "OLLAMA_API_KEY", "a server on this computer"]
    assert rows["github"] == ["not working", "", "GitHub Models was retired on 2026-07-30"]
    assert rows["azure"][:2] == ["no key", "AZURE_OPENAI_API_KEY"]


def test_an_incomplete_address_is_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_KEY", "cf_x")
    assert "cloudflare\tnot working\tCLOUDFLARE_API_KEY\tno address: set CLOUDFLARE_ACCOUNT_ID" in cli("providers").out
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "a1")
    assert "cloudflare\tready\tCLOUDFLARE_API_KEY\t@cf/" in cli("providers").out


def test_the_providers_fit_a_narrow_terminal(groq: FaultServer) -> None:
    screen = in_terminal("providers", env={"NO_COLOR": "1", "COLUMNS": "80"}).out
    lines = re.sub(r"\x1b\[[01]?m", "", screen).splitlines()
    assert max(map(len, lines)) <= 80
    started = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert started > set(g4f_lite_providers.BUNDLED)
    assert len(lines) < 1.4 * len(started)


def test_a_terminal_gets_a_table_and_no_colour_when_asked(groq: FaultServer) -> None:
    screen = in_terminal("models", "groq", env={"NO_COLOR": "1"}).out
    head, *rows = [re.sub(r"\x1b\[[01]?m", "", line).split() for line in screen.splitlines()]
    assert head == ["provider", "id", "aliases"]
    assert rows[0] == ["groq", A, "gpt-oss-120b"]
    assert "\x1b[3" not in screen


def test_models_lists_ids_and_aliases(cli: Cli) -> None:
    assert cli("models", "groq").out.splitlines()[1] == f"groq\t{B}\tgpt-oss-20b"
    listed = json.loads(cli("models", "--json").out)
    assert {"provider": "groq", "id": A, "aliases": ["gpt-oss-120b"], "default": True} in listed


def test_explain_prints_the_plan_and_sends_nothing(cli: Cli, groq: FaultServer) -> None:
    ran = cli("explain", "-p", "groq", "-m", "gpt-oss-20b", "--fallback", "other")
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["1.", f"groq:{B}"], ["2.", "groq:other"]]
    assert groq.received == []
    assert KEY not in ran.out


def test_models_live_lists_what_the_service_reports(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.models("m-1", "m-2"))
    assert cli("models", "groq", "--live") == (0, "groq\tm-1\tyes\ngroq\tm-2\tyes\n", "")
    assert json.loads(cli("models", "--live", "--json").out)[0] == {"provider": "groq", "id": "m-1", "live": True}
    groq.script(replies.error(401, "no"))
    ran = cli("models", "groq", "--live")
    assert ran.code == 0
    assert ran.out.startswith("groq\topenai/gpt-oss-120b\tno\n")
    assert ran.err == "Warning: groq 401 AuthenticationError (no) → no leg is left\n"


def test_without_a_key_models_live_lists_the_providers_own_models(cli: Cli) -> None:
    ran = cli("models", "groq", "--live")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "groq\topenai/gpt-oss-120b\tno")
    assert ran.err.startswith("Warning: groq skipped: no key: set GROQ_API_KEY")
    assert cli("models", "--live").code == 3
