"""The caller's names become tiers: the table of docs/routing.md, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.providers import Alpha, Beta, Keyless

import g4f_lite
from g4f_lite import Client, OpenaiTemplate


class Keyed(OpenaiTemplate):
    name = "keyed"
    api_base = "http://127.0.0.1:4/v1"
    api_key = "k"


class Broken(OpenaiTemplate):
    name = "broken"
    label = "Broken Inc"
    working = False
    default_model = "gone"


@pytest.fixture
def client() -> Client:
    keys = {"alpha": "a-key", "beta": ["b-key-1", "b-key-2"]}
    return Client(plugins=[Alpha, Beta, Keyless, Broken], keys=keys)


def plan(client: Client, **params: Any) -> list[list[str]]:
    tiers = client.explain(**params).tiers
    return [[f"{leg.provider}:{leg.model}" for leg in tier] for tier in tiers]


A, A_REST = ["alpha:big"], [["alpha:middle"], ["alpha:small"]]
B, B_REST = ["beta:beta/one"] * 2, [["beta:beta/two"] * 2]  # two keys, two legs
ROWS: list[tuple[str, dict[str, Any], list[list[str]]]] = [
    ("a provider and a model", {"provider": "alpha", "model": "small"}, [["alpha:small"], ["alpha:middle"]]),
    ("an alias", {"provider": "alpha", "model": "m"}, [["alpha:middle"], ["alpha:small"]]),
    ("an id that the class does not list", {"provider": "alpha", "model": "new/x"}, [["alpha:new/x"], *A_REST]),
    ("an id with a colon", {"provider": "alpha", "model": "llama3:8b"}, [["alpha:llama3:8b"], *A_REST]),
    ("a leading colon", {"provider": "alpha", "model": ":beta:8b"}, [["alpha:beta:8b"], *A_REST]),
    ("its own name before the model", {"provider": "alpha", "model": "alpha:small"}, [["alpha:small"], ["alpha:middle"]]),
    ("a provider", {"provider": "alpha"}, [A, *A_REST]),
    ("an instance", {"provider": Alpha(default_model="own")}, [["alpha:own"], *A_REST]),
    ("a class", {"provider": Keyless}, [["keyless:free"]]),
    ("several providers", {"provider": ["alpha", "beta"]}, [A + B, *A_REST, *B_REST]),
    ("several providers and a model", {"provider": ["alpha", "beta"], "model": "gpt-oss-120b", "fallback_models": []}, [A + B]),
    ("a model that several serve", {"model": "gpt-oss-120b"}, [A + B]),
    ("a model that one serves", {"model": "beta/two"}, [["beta:beta/two"] * 2]),
    ("a route as model", {"model": "alpha:small"}, [["alpha:small"], ["alpha:middle"]]),
    ("a provider as model", {"model": "alpha"}, [A, *A_REST]),
    ("no fallbacks", {"provider": "alpha", "fallback_models": []}, [A]),
    ("other fallbacks", {"provider": "alpha", "fallback_models": ["m", "beta:x", "beta", ":beta"]},
     [A, ["alpha:middle"], ["beta:x"] * 2, B, ["alpha:beta"]]),
    ("fallbacks of a model", {"model": "beta/two", "fallback_models": ["gpt-oss-120b"]}, [["beta:beta/two"] * 2, A + B]),
    ("the same leg twice", {"provider": "alpha", "fallback_models": ["big", "gpt-oss-120b", "small"]}, [A, ["alpha:small"]]),
    ("nothing", {}, [A, B, *A_REST, *B_REST, ["local:gemma-3-270m"]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_names_become_tiers(name: str, params: dict[str, Any], expected: list[list[str]], client: Client) -> None:
    assert plan(client, **params) == expected


def test_routes_are_tiers_and_then_their_fallbacks() -> None:
    with Client(
        routes=["beta:gpt-oss-120b", Alpha(api_key="k"), Keyless], plugins=[Beta], keys={"beta": "k"}
    ) as client:
        assert plan(client) == [["beta:beta/one"], A, ["keyless:free"], ["beta:beta/two"], *A_REST]
        assert plan(client, fallback_models=[]) == [["beta:beta/one"], A, ["keyless:free"]]
        assert plan(client, model="middle") == [["alpha:middle"]]


def test_keyless_services_are_used_only_when_named(client: Client) -> None:
    assert "keyless" not in str(plan(client))
    with pytest.raises(g4f_lite.UnknownModelError, match="must be named: 'keyless:free'"):
        client.explain(model="free")


def test_each_skipped_leg_is_listed_once_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETA_API_KEY", "b")
    with Client(plugins=[Alpha, Beta, Broken]) as client:
        skipped = {one.provider: one.reason for one in client.explain().skipped}
        assert skipped["alpha"] == (
            "no key: set ALPHA_API_KEY, or run `g4f-lite keys set alpha`, or pass keys=; "
            "get one at https://alpha.invalid/keys"
        )
        assert skipped["broken"] == "Broken Inc is marked as not working"
        assert "console.groq.com/keys" in skipped["groq"]


MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"provider": "alpa"}, g4f_lite.UnknownProviderError, "did you mean 'alpha'"),
    ({"provider": "ALPHA"}, g4f_lite.UnknownProviderError, "did you mean 'alpha'"),
    ({"provider": "alpha:big"}, g4f_lite.UnknownProviderError, "is a route, not a provider; write model='alpha:big'"),
    ({"provider": []}, g4f_lite.UnknownProviderError, "is empty"),
    ({"provider": 5}, g4f_lite.ConfigurationError, "a provider is a name"),
    ({"provider": OpenaiTemplate}, g4f_lite.ConfigurationError, "OpenaiTemplate\\(\\) fails"),
    ({"provider": "alpha", "model": "beta:8b"}, g4f_lite.ConfigurationError, "name two providers.*':beta:8b'"),
    ({"provider": "broken"}, g4f_lite.NoUsableRouteError, "Broken Inc is marked as not working"),
    ({"provider": "groq"}, g4f_lite.MissingKeyError, "GROQ_API_KEY.*https://console.groq.com/keys"),
    ({"model": "gpt-oss-12b"}, g4f_lite.UnknownModelError, "did you mean 'gpt-oss-120b'"),
    ({"model": "GPT-OSS-120B"}, g4f_lite.UnknownModelError, "did you mean 'gpt-oss-120b'"),
    ({"model": "alpha/big"}, g4f_lite.UnknownModelError, "did you mean 'alpha:big'"),
    ({"model": "Alpha/made/big"}, g4f_lite.UnknownModelError, "did you mean 'alpha:made/big'"),
    ({"model": ""}, g4f_lite.ConfigurationError, "model must be"),
    ({"model": 5}, g4f_lite.ConfigurationError, "model must be"),
    ({"provider": "alpha", "fallback_models": "small"}, g4f_lite.ConfigurationError, "list of model names"),
    ({"provider": "alpha", "fallback_models": [None]}, g4f_lite.ConfigurationError, "not a model name"),
    ({"provider": Keyed(default_model="")}, g4f_lite.UnknownModelError, "no default model"),
    ({"strategy": "ordr"}, g4f_lite.ConfigurationError, "did you mean 'order'"),
    ({"strategy": 5}, g4f_lite.ConfigurationError, "strategy must be"),
    ({"timeout": 0}, g4f_lite.InvalidRequestError, "timeout must be"),
    ({"deadline": "1"}, g4f_lite.InvalidRequestError, "deadline must be"),
    ({"retries": -1}, g4f_lite.InvalidRequestError, "retries must be"),
    ({"timeouts": 5}, g4f_lite.ConfigurationError, "g4f_lite.Timeouts"),
]


@pytest.mark.parametrize(("params", "error", "message"), MISTAKES, ids=[str(row[0]) for row in MISTAKES])
def test_mistakes_are_reported_before_anything_is_sent(
    params: dict[str, Any], error: type[Exception], message: str, client: Client
) -> None:
    with pytest.raises(error, match=message):
        client.explain(**params)
    with pytest.raises(error, match=message):
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], **params)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"routes": "cerebras"}, r"a list, such as \['cerebras'\], not"),
    ({"routes": []}, "routes must be a list"),
    ({"routes": ["grok:x"]}, "did you mean 'groq'"),
    ({"routes": ["groq/openai/gpt-oss-20b"]}, "a route is written 'groq:openai/gpt-oss-20b'"),
    ({"routes": [5]}, "a provider is a name, a Provider class or an instance, not 5"),
    ({"routes": [Client]}, "a provider is a name, a Provider class or an instance"),
    ({"keys": "gsk_x"}, "keys must be a mapping"),
    ({"keys": {"groq": "two words"}}, "the key from keys\\['groq'\\] holds a blank"),
    ({"keys": {"groq": ["fine", 5]}}, "must be a string"),
    ({"base_urls": {"groq": "localhost:80"}}, "must be an address"),
    ({"base_urls": {"groq": "http://[::1/v1"}}, "must be an address"),
    ({"base_urls": {"groq": "http://host:99999/v1"}}, "must be an address"),
    ({"base_urls": {"groq": "http://ho\x00st/v1"}}, "must be an address"),
    ({"keys": {"groq": 5}}, "must be a key, a function that returns one, or a list"),
    ({"base_urls": {"groq": "https://me:pw@host/v1"}}, "must not hold a user"),
    ({"proxy": "socks5://x"}, "proxy must be"),
    ({"retries": 1.5}, "retries must be"),
    ({"patience": -1}, "patience must be"),
    ({"deadline": float("inf")}, "deadline must be"),
    ({"strategy": "fastes"}, "no strategy 'fastes'"),
]


@pytest.mark.parametrize(("settings", "message"), SETTINGS, ids=[str(row[0]) for row in SETTINGS])
def test_invalid_settings_are_refused_by_both_clients(settings: dict[str, Any], message: str) -> None:
    for kind in (Client, g4f_lite.AsyncClient):
        with pytest.raises(g4f_lite.G4FLiteError, match=message):
            kind(**settings)


def test_timeouts_that_are_not_durations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Timeouts\.stall"):
        g4f_lite.Timeouts(stall=0)
