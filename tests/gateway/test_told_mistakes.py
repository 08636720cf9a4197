"""What `--check` and the start say of a mistake: the file, the field, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from helpers.commands import Cli
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.gateway.keys import hash_of
from g4f_lite.testing import FaultServer

MISTAKES = {
    '[server]\nshared = "redis:/127.0.0.1"': "[server] shared: state must be a URL",
    '[models.fast]\nroutes = ["grok"]': "[models.fast]: there is no provider 'grok'",
    '[client]\nkeys = { groq = { env = "NOT_SET_1" }, openai = [{ env = "NOT_SET_2" }] }': (
        "[client] keys.groq: the variable NOT_SET_1 is empty or not set; "
        "[client] keys.openai: the variable NOT_SET_2 is empty or not set"
    ),
    '[server]\nadmin = { env = "NOT_SET_1" }\n[providers.own]\nlike = "groq"\nkey = { env = "NOT_SET_2" }': (
        "[providers.own] key: the variable NOT_SET_2 is empty or not set; "
        "[server] admin: the variable NOT_SET_1 is empty or not set"
    ),
    '[client]\nkeys = { groq = { env = "gsk_Ab0-secret" } }': (
        "[client] keys.groq: env must name a variable, such as GROQ_API_KEY; this one is not set, and may be a key"
    ),
    '[server]\nadmin = { env = "g4f-secret" }': "[server] admin: env must name a variable",
    '[server]\nstore = "redis://:secret@host/0"': "[server] store must be sqlite:PATH; this one begins with 'redis'",
    '[models.a]\nroutes = ["groq"]\n[models.b]\nroutes = "groq"': "models.b.routes: must be a list, not a text",
    '[teams.search]\nbudget = { usd = 1, per = "monthly" }': (
        "teams.search.budget.per: must be day, week, month, total, not 'monthly'; did you mean 'month'?"
    ),
    '[client]\nkeys = { groq = "gsk_secret" }': (
        'client.keys.groq: must be { env = "NAME" } or { file = "path" }, not a text'
    ),
    '[client]\nkeys = { groq = [{ env = "A" }, "gsk_secret"] }': "client.keys.groq[1]: must be { env",
    '[server]\nadmin = "g4f-secret"': 'server.admin: must be { env = "NAME" } or { file = "path" }, not a text',
    "[keys.a]\nhash = 5": "keys.a.hash: must be a text, not a whole number",
    "models = 5": "models: must be a table, not a whole number",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_file_and_field(text: str, cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f"{text}\n", "utf-8")
    told = cli("serve", str(config), "--check").err.replace("\n", " ")
    assert f"{config}: {MISTAKES[text]}" in told and "secret" not in told


OWN = '[providers.own]\nbase_url = "http://192.0.2.1/v1"\n[models.fast]\nroutes = ["own:llama"]\n'


def test_the_check_says_which_keys_are_refused_a_model_without_a_price(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    one, two = hash_of("1"), hash_of("2")
    teams = '[teams.search]\nbudget = { usd = 1 }\n[teams.free]\nbudget = { usd = 1 }\nunknown_price = "allow"\n'
    keys = f'[keys.a]\nhash = "{one}"\nteam = "search"\n[keys.b]\nhash = "{two}"\nteam = "free"\n'
    config.write_text(OWN + teams + keys, "utf-8")
    told = cli("serve", str(config), "--check").out
    assert "refused to key a: the price of own:llama is not known, and team search has a budget" in told
    assert "refused to key b" not in told


def test_a_refusal_names_the_team_whose_budget_needs_a_price(groq: FaultServer) -> None:
    teams = {"search": {"budget": {"usd": 5}}}
    keys = key_table(team="search", budget={"usd": 5}, unknown_price="allow")
    with running(tables(groq, teams=teams, keys=keys)) as gateway:
        body = {"model": "auto", "messages": MESSAGES}
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)
    assert answer.status_code == 400 and "not known, and team search has a budget" in answer.text


def test_a_stored_key_is_told_whose_models_are_not_there_any_more(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(OWN, "utf-8")
    cli("gateway", "keys", "--config", str(config), "new", "x1", "--model", "fast")
    assert "no name of [models] fits" not in cli("serve", str(config), "--check").out
    config.write_text(OWN.replace("models.fast", "models.fast2"), "utf-8")
    told = cli("serve", str(config), "--check")
    assert "key x1: fast\n  models: no name of [models] fits 'fast'; did you mean 'fast2'?" in told.out


def test_a_file_with_a_key_is_found_from_the_configuration_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    config = tmp_path / "etc" / "gateway.toml"
    given = '[server]\nadmin = { file = "admin" }\n[client]\nkeys = { groq = { file = "one" }, openai = [{ file = "two" }] }\n'
    config.write_text(given + '[providers.own]\nlike = "groq"\nkey = { file = "three" }\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    names = ("admin", "one", "two", "three")
    told = cli("serve", str(config), "--check").err
    assert all(str(config.with_name(name)) in told for name in names)
    for name in names:
        config.with_name(name).write_text("a-key\n", "utf-8")
    assert cli("serve", str(config), "--check").code == 0


def test_a_new_key_says_where_it_is_and_whose_it_is_not(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    Path("gateway.toml").write_text("", "utf-8")
    ran = cli("gateway", "keys", "new", "a")
    assert ran.code == 0 and "give --config gateway.toml" in ran.err and "gateway.db" in ran.err
    ran = cli("gateway", "keys", "--config", "gateway.toml", "new", "a", "--usd", "1", "--unknown-price", "allow")
    assert ran.code == 0 and ran.err == "The key is in gateway.db.\n" and len(ran.out.split()) == 1


def test_a_key_that_has_expired_already_is_not_made(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("", "utf-8")
    ran = cli("gateway", "keys", "--config", str(config), "new", "a", "--expires", "2020-01-01")
    assert ran.code == 2 and "expires is in the past: 2020-01-01" in ran.err
