"""What callers learn of names, paths and limits before they are refused, and with a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.commands import run
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.gateway.keys import ANYBODY
from g4f_lite.gateway.models import Names
from g4f_lite.gateway.settings import Model
from g4f_lite.testing import FaultServer

AUTH = {"Authorization": f"Bearer {KEY}"}


def got(url: str, path: str, method: str = "GET", **more: Any) -> requests.Response:
    return requests.request(method, f"{url}/{path}", headers=AUTH, timeout=30, **more)


def test_a_model_that_fits_a_pattern_is_found_as_it_can_be_called(groq: FaultServer) -> None:
    models = {"m/*": {"routes": ["groq:*"]}, "secret/*": {"routes": ["groq:*"]}}
    with running(tables(groq, models=models, keys=key_table(models=["m/*"]))) as gateway:
        found = {name: got(gateway.base_url, f"models/{name}") for name in ("m/one", "secret/one", "m/*", "one")}
        listed = got(gateway.base_url, "models").json()["data"]
    assert {name: one.status_code for name, one in found.items()} == {
        "m/one": 200, "secret/one": 404, "m/*": 404, "one": 404,
    }  # fmt: skip
    assert found["m/one"].json()["id"] == "m/one" and groq.received == []
    assert {one["id"] for one in listed} >= {"m/openai/gpt-oss-120b", "m/openai/gpt-oss-20b"}
    assert all(one["id"].startswith("m/") and "*" not in one["id"] for one in listed)


@pytest.mark.parametrize(
    ("pattern", "route", "asked", "sent"),
    [
        ("claude-*", "anthropic:*", "claude-x", "claude-x"),
        ("claude-*", "anthropic:claude-*", "claude-x", "claude-x"),
        ("anthropic/*", "anthropic:*", "anthropic/claude-x", "claude-x"),
        ("team/claude-*", "anthropic:*", "team/claude-x", "claude-x"),
        ("*", "groq:*", "openai/gpt-x", "openai/gpt-x"),
        ("groq/*", "groq:*", "groq/openai/gpt-x", "openai/gpt-x"),
        ("*-now", "groq:*", "gpt-now", "gpt-now"),
        ("eu-*", "groq:x-*", "eu-gpt", "x-gpt"),
        ("*-at-*", "groq:*-*", "gpt-at-home", "gpt-home"),
        ("*-at-*", "groq:*", "gpt-at-home", "gpt"),
    ],
)
def test_a_star_alone_in_a_route_stands_for_the_model(pattern: str, route: str, asked: str, sent: str) -> None:
    target = Names({pattern: Model(routes=[route])}, list).target(asked, ANYBODY)
    assert target is not None and target.routes == (f"{route.partition(':')[0]}:{sent}",)


@pytest.mark.parametrize(
    ("pattern", "route", "listed"),
    [
        ("claude-*", "own:*", ["claude-a", "claude-b"]),
        ("claude-*", "own:claude-*", ["claude-a", "claude-b"]),
        ("c-*", "own:claude-*", ["c-a", "c-b"]),
        ("own/*", "own:*", ["own/claude-a", "own/claude-b", "own/gpt"]),
        ("*", "own:*", ["claude-a", "claude-b", "gpt"]),
        ("*", "own:gpt", []),
        ("o1-*", "own:*", []),
    ],
)
def test_of_a_pattern_the_known_models_are_listed(pattern: str, route: str, listed: list[str]) -> None:
    names = Names({pattern: Model(routes=[route])}, list, lambda provider: ["claude-a", "claude-b", "gpt"])
    assert sorted(names.visible(ANYBODY)) == listed


def test_without_names_a_model_is_found_if_it_can_be_called(groq: FaultServer) -> None:
    with running(tables(groq, keys=key_table(models=["groq:*"]))) as gateway:
        found = [got(gateway.base_url, f"models/{name}").status_code for name in ("groq:one", "groq:x", "openai:two")]
    assert found == [200, 200, 404]


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "chat/completions", "it takes POST"),
        ("OPTIONS", "messages", "it takes POST"),
        ("POST", "models", "it takes GET"),
        ("DELETE", "models/m", "it takes GET"),
        ("POST", "chat/completion", "did you mean '/v1/chat/completions'?"),
    ],
)
def test_a_wrong_method_is_not_answered_with_the_same_path(
    method: str, path: str, said: str, groq: FaultServer
) -> None:
    with running(tables(groq, keys=key_table())) as gateway:
        answer = got(gateway.base_url, path, method)
    assert answer.status_code == 404 and answer.json()["error"]["message"].endswith(said)


def test_a_call_that_names_no_model_is_told_so(groq: FaultServer) -> None:
    with running(tables(groq, models={"m": {"routes": ["groq:one"]}}, keys=key_table())) as gateway:
        answer = got(gateway.base_url, "chat/completions", "POST", json={"messages": MESSAGES})
    assert answer.status_code == 404 and "names no model" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("unit", "limits"), [("requests", {"rpm": 1}), ("tokens", {"tpm": 60})])
def test_a_refusal_has_the_limits_of_the_key_too(unit: str, limits: dict[str, int], groq: FaultServer) -> None:
    body = {"model": "groq:one", "messages": MESSAGES, "max_tokens": 59}
    with running(tables(groq, keys=key_table(**limits))) as gateway:
        answers = [got(gateway.base_url, "chat/completions", "POST", json=body) for _ in range(2)]
        answers += [got(gateway.base_url, "messages", "POST", json=body)]
    assert [one.status_code for one in answers] == [200, 429, 429]
    for one in answers:
        assert one.headers[f"x-ratelimit-limit-{unit}"] == str(next(iter(limits.values())))
        assert int(one.headers[f"x-ratelimit-remaining-{unit}"]) >= 0
    assert answers[0].headers[f"x-ratelimit-reset-{unit}"] == "1m1s"
    assert 0 < float(answers[1].headers[f"x-ratelimit-reset-{unit}"].removesuffix("s")) <= 62


def test_a_key_of_a_team_is_made_by_the_command(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    digest = f"sha256:{'a' * 64}"
    config.write_text(f'[teams.search]\nrpm = 5\n[keys.own]\nhash = "{digest}"\n', "utf-8")
    command = ("gateway", "keys", "--config", str(config))
    assert run(*command, "new", "a", "--team", "search").code == 0
    assert "team search" in run(*command, "list").out
    for name, team, said in (("b", "serch", "did you mean 'search'?"), ("own", "search", "in the configuration")):
        refused = run(*command, "new", name, "--team", team)
        assert refused.code == 2 and said in refused.err and refused.out == ""
