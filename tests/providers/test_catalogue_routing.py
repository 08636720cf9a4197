"""The bundled providers that a call selects: by model, by key, by name."""

from __future__ import annotations

import pytest
from helpers.catalogue import at, squeezed
from helpers.driving import MESSAGES

import g4f_lite
import g4f_lite_providers
from g4f_lite import Client
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers import BUNDLED

SERVING = """
    groq cerebras openrouter together deepinfra sambanova nvidia huggingface nebius novita siliconflow baseten scaleway vercel
    bedrock vertex-openai cloudflare cloudflare-gateway
""".split()


def test_a_model_selects_every_provider_that_serves_it_under_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_GATEWAY_ID", "AWS_DEFAULT_REGION",
                     "GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_PROJECT"):  # fmt: skip
        monkeypatch.setenv(variable, "a1")
    with Client(keys=dict.fromkeys(BUNDLED, "k")) as client:
        [tier] = client.explain(model="gpt-oss-120b").tiers
        assert [leg.provider for leg in tier] == SERVING
        assert {squeezed(leg.model) for leg in tier} == {"gptoss120b"}
        assert [leg.base_url for leg in tier][-4:] == [
            "https://bedrock-runtime.a1.amazonaws.com/openai/v1",
            "https://a1-aiplatform.googleapis.com/v1/projects/a1/locations/a1/endpoints/openapi",
            "https://api.cloudflare.com/client/v4/accounts/a1/ai/v1",
            "https://gateway.ai.cloudflare.com/v1/a1/a1/compat",
        ]
        named = client.explain(model="gpt-oss-120b", provider="ovhcloud").tiers
        assert str(named[0][0]).startswith("ovhcloud:gpt-oss-120b at https://")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")  # else Google's credentials may be a key
    with Client() as client, pytest.raises(g4f_lite.MissingKeyError, match="GROQ_API_KEY") as caught:
        client.explain(model="gpt-oss-120b")
    assert [one.provider for one in caught.value.trail.skipped] == SERVING
    assert "and 15 more" in str(caught.value) and len(str(caught.value)) < 500


def test_a_call_without_a_provider_tries_all_that_have_a_key_in_the_order_of_the_catalogue() -> None:
    keyed = ["openrouter", "mistral", "groq", "azure", "hyperbolic", "perplexity", "ollama"]
    with Client(keys=dict.fromkeys(keyed, "k")) as client:
        plan = client.explain()
    first_of_each = dict.fromkeys(leg.provider for tier in plan.tiers for leg in tier)
    assert [name for name in first_of_each if name != "local"] == ["groq", "mistral", "openrouter"]
    left_out = {one.provider for one in plan.skipped}
    assert not left_out & {"azure", "hyperbolic", "ollama", "perplexity", "github", "groq"} and "cerebras" in left_out


def test_providers_without_a_key_are_all_in_the_trail_and_few_in_its_text(
    groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(g4f_lite_providers, "BUNDLED", {name: BUNDLED[name] for name in BUNDLED if name != "local"})
    groq.script(replies.error(404, "gone"))
    with Client() as client:
        plan = client.explain()
        with pytest.raises(g4f_lite.RoutesExhaustedError) as caught:
            client.chat.completions.create(messages=MESSAGES)
    keyless = [one.provider for one in caught.value.trail.skipped if one.lacks_key]
    assert len(keyless) > 10 and {"cerebras", "openai", "pollinations"} <= set(keyless)
    for text in (str(caught.value), str(caught.value.trail), str(plan)):
        assert text.count("skipped: no key: set ") == 3
        assert f"{len(keyless) - 3} others skipped: no key: {', '.join(keyless[3:])}" in text


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_single_provider_is_not_summed_up(number: int) -> None:
    names = [f"p{at}" for at in range(number)]
    skipped = [g4f_lite.Skipped(provider=one, model="m", reason="no key: set P", lacks_key=True) for one in names]
    lines = str(g4f_lite.Trail(entries=tuple(skipped))).splitlines()
    assert lines[3:] == [[], ["p3:m skipped: no key: set P"], ["2 others skipped: no key: p3, p4"]][number - 3]


@pytest.mark.parametrize(("name", "message"), [("github", "retired on 2026-07-30"), ("perplexity", "ended its chat")])
def test_a_retired_provider_says_so(name: str, message: str) -> None:
    with Client(keys={"groq": "k"}) as client:
        for params in ({"provider": name}, {"provider": name, "model": "x"}, {"model": f"{name}:x"}):
            with pytest.raises(g4f_lite.NoUsableRouteError, match=message):
                client.explain(**params)
        plan = client.explain(provider=[name, "groq"])
    assert [message in one.reason for one in plan.skipped] == [True]
    assert plan.tiers[0][0].provider == "groq"


@pytest.mark.parametrize("name", ["azure"])
def test_a_provider_without_a_default_model_needs_a_named_model(name: str, server: FaultServer) -> None:
    with Client(**at(name, server)) as client:
        with pytest.raises(g4f_lite.UnknownModelError, match=f"{name} has no default model; name one with model="):
            client.chat.completions.create(messages=MESSAGES, provider=name)
    assert server.received == []


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"AZURE_OPENAI_ENDPOINT": " https://r.openai.azure.com/ "}, "https://r.openai.azure.com/openai/v1"),
        ({"AZURE_API_BASE": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1"),
    ],
)
def test_an_address_is_completed_from_the_environment(
    given: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(keys={"azure": "k"}) as client:
        with pytest.raises(g4f_lite.NoUsableRouteError, match="no address: set AZURE_OPENAI_ENDPOINT"):
            client.explain(provider="azure", model="d")
        for variable, value in given.items():
            monkeypatch.setenv(variable, value)
        assert client.explain(provider="azure", model="d").tiers[0][0].base_url == address
        monkeypatch.setenv(next(iter(given)), "no address")
        with pytest.raises(g4f_lite.ConfigurationError, match="must be an address"):
            client.explain(provider="azure", model="d")


def test_a_misspelt_provider_before_a_model_is_refused() -> None:
    with Client() as client, pytest.raises(g4f_lite.UnknownModelError, match="did you mean 'groq:foo'"):
        client.explain(model="grok:foo")
