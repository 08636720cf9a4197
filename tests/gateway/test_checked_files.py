"""A file that `g4f-lite serve` cannot use is refused by `--check`, with the names that stand in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from helpers.commands import Cli
from helpers.gateways import KEY, MESSAGES, running, tables

from g4f_lite.errors.exceptions import ConfigurationError
from g4f_lite.gateway.keys import hash_of
from g4f_lite.gateway.settings import checked, store_path
from g4f_lite.health.stores.opening import state_from_url
from g4f_lite.testing import FaultServer, replies

HASH = f'hash = "{hash_of(KEY)}"'
OWN = '[providers.own]\nbase_url = "http://127.0.0.1:1/v1"\n'
MISTAKES = {
    f"[keys.a]\n{HASH}\n[keys.b]\n{HASH}": "the keys 'a' and 'b' are the same key",
    '[server]\nadmin = { env = "NOT_SET" }': "[server] admin: the variable NOT_SET is empty or not set",
    '[server]\nstore = "mysql:keys"': "[server] store must be sqlite:PATH",
    '[server]\nstore = "sqlite:a\\u0000b"': "store must be a path, not 'sqlite:a\\x00b'",
    '[client]\nkeys = { grok = { env = "HOME" } }': "[client] keys: no provider 'grok'; did you mean 'groq' or 'xai'?",
    '[client]\nbase_urls = { onw = "http://x/v1" }': "no provider 'onw'; did you mean 'own'?",
    '[client]\nlimits = { "onw:m" = { rpm = 1 } }': "no provider 'onw'; did you mean 'own'?",
    "[client]\nlimits = { own = { rmp = 1 } }": "limits.own: unknown name 'rmp'; did you mean 'rpm'?",
    "[client]\ntimeouts = { totl = 1 }": "timeouts: unknown name 'totl'; did you mean 'total'?",
    "[client]\nbreaker = { failure = 1 }": "breaker: unknown name 'failure'; did you mean 'failures'?",
    "[client]\nbudget = { usdd = 1 }": "budget: unknown name 'usdd'; did you mean 'usd'?",
    '[client]\nbase_urls = { own = "ftp://x" }': "base_urls['own'] must be an address",
    '[models.m]\nroutes = ["own:x"]\nmax_tokens = 0': "[models.m] max_tokens must be",
    '[models."m*"]\nroutes = ["own:*:*"]': "a route has more '*' than the name",
    f'[models.fast]\nroutes = ["own:x"]\n[keys.a]\n{HASH}\nmodels = ["fsat"]': (
        "[keys.a] models: no name of [models] fits 'fsat'; did you mean 'fast'?"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_found_by_the_check(text: str, cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f"{OWN}{text}\n", "utf-8")
    ran = cli("serve", str(config), "--check")
    assert (ran.code, ran.out) == (2, "") and MISTAKES[text] in ran.err and "--" not in ran.err


def test_a_file_that_is_nested_too_deep_is_refused(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f"deep = {'[' * 5000}{']' * 5000}", "utf-8")
    ran = cli("serve", str(config), "--check")
    assert (ran.code, ran.out) == (2, "") and ran.err.startswith(f"Error: {config}: ") and "Traceback" not in ran.err


@pytest.mark.parametrize("url", ["sqlite:///a\0b", "sqlite:///a%00b"])
def test_a_state_whose_path_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///PATH"):
        state_from_url(url)


def test_the_check_says_that_keys_are_to_be_made(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[server]\nlisten = "0.0.0.0:0"\n', "utf-8")
    said = "no keys: it does not start before one is made, or with --no-auth"
    assert said in cli("serve", str(config), "--check").out
    assert said not in cli("serve", str(config), "--check", "--no-auth").out


def test_the_file_with_the_keys_is_found_from_the_configuration_on(tmp_path: Path) -> None:
    settings = checked({"server": {"store": "sqlite:keys/own.db"}}, "gateway.toml")
    assert store_path(settings, tmp_path / "gateway.toml") == tmp_path / "keys" / "own.db"
    elsewhere = checked({"server": {"store": "sqlite:/var/own.db"}}, "gateway.toml")
    assert store_path(elsewhere, tmp_path / "gateway.toml") == Path("/var/own.db")


def test_an_answer_is_not_begun_again_for_a_caller_who_cannot_be_told(groq: FaultServer) -> None:
    groq.on("one", replies.cut(2))
    groq.on("two", replies.answer("for nobody"))
    with running(tables(groq, client={"on_interrupt": "restart"})) as gateway:
        body = {"messages": MESSAGES, "stream": True}
        text = requests.post(f"{gateway.base_url}/chat/completions", json=body, timeout=30).text
    assert "stream_interrupted" in text and "[DONE]" not in text
    assert groq.models == ["one"]


@pytest.mark.parametrize(("path", "status"), [("chat/completions", 429), ("messages", 402)])
def test_a_budget_of_the_whole_gateway_is_no_refusal_of_a_service(path: str, status: int, groq: FaultServer) -> None:
    client = {"routes": ["openai:gpt-4o-mini"], "budget": {"usd": 1e-9, "per": "day"}}
    with running(tables(groq, client=client)) as gateway:
        body = {"model": "auto", "messages": MESSAGES, "max_tokens": 9}
        answer = requests.post(f"{gateway.base_url}/{path}", json=body, timeout=30)
    assert (answer.status_code, answer.headers["x-should-retry"], groq.received) == (status, "false", [])
    assert answer.json()["error"]["type"] in ("insufficient_quota", "billing_error")


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "a b", "ä"])
def test_what_keys_use_is_counted_beside_the_configuration(name: str, groq: FaultServer, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    keys = {"a": {"hash": hash_of(KEY), "rpm": 5}}
    with running(tables(groq, keys=keys), usage=folder / "gateway-usage.db") as gateway:
        headers = {"Authorization": f"Bearer {KEY}"}
        body = {"model": "auto", "messages": MESSAGES}
        answer = requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200
        assert (folder / "gateway-usage.db").exists()
    assert list(tmp_path.iterdir()) == [folder]
