"""What the import of LiteLLM's configuration tells of settings that `[client]` has by now, and of stars."""

from __future__ import annotations

import tomllib

import pytest

from g4f_lite.gateway.litellm.importing import imported
from g4f_lite.gateway.settings import checked


def remarks(params: str = "{model: groq/a}", name: str = "a", rest: str = "") -> str:
    text = f'model_list:\n- model_name: "{name}"\n  litellm_params: {params}\n{rest}'
    return "\n".join(f"{one.setting}: {one.text}" for one in imported(text).remarks)


@pytest.mark.parametrize(
    ("params", "rest", "said"),
    [
        ("{model: groq/a, rpm: 6}", "", "[client] limits"),
        ("{model: groq/a, max_retries: 6}", "", "[client] retries"),
        ("{model: groq/a, timeout: 6}", "", "[client] timeouts"),
        ("{model: groq/a, max_budget: 6}", "", "[client] budget"),
        ("{model: bedrock/a, aws_region_name: x}", "", "--check` names the variables"),
        ("{model: groq/a}", "litellm_settings: {cooldown_time: 30}", "[client] breaker"),
        ("{model: groq/a}", "router_settings: {allowed_fails: 3}", "[client] breaker"),
        ("{model: groq/a}", 'credential_list: [{credential_name: c}]', "name the variable of the key"),
    ],
)  # fmt: skip
def test_where_a_setting_is_said_here(params: str, rest: str, said: str) -> None:
    assert said in remarks(params, rest=rest)


@pytest.mark.parametrize("name", ["eu-*", "*-eu", "x/eu-*"])
def test_a_star_that_means_something_else_is_told(name: str) -> None:
    assert "the whole name" in remarks("{model: azure/*}", name)


@pytest.mark.parametrize(("name", "model"), [("groq/*", "groq/*"), ("*", "openai/*"), ("gpt-*", "azure/gpt-*")])
def test_a_star_that_means_the_same_is_not_told(name: str, model: str) -> None:
    assert remarks(f'{{model: "{model}"}}', name) == ""


def test_an_alias_has_the_fallbacks_of_its_model() -> None:
    text = """
model_list:
- {model_name: big, litellm_params: {model: groq/a}}
- {model_name: small, litellm_params: {model: groq/b}}
router_settings:
  model_group_alias: {alias: big}
  fallbacks: [{big: [small]}]
"""
    models = checked(tomllib.loads(imported(text).toml), "imported").models
    assert models["alias"].routes == models["big"].routes == ["groq:a", "groq:b"]


@pytest.mark.parametrize("key", ["none", "EMPTY", "sk-no-key-required", "not-needed", "fake-key", "xxx"])
def test_what_is_no_key_of_a_service_of_ones_own_is_not_asked_for(key: str) -> None:
    params = f"{{model: openai/m, api_base: 'http://10.0.0.7/v1', api_key: {key}}}"
    text = f"model_list:\n- {{model_name: a, litellm_params: {params}, model_info: {{input_cost_per_token: 1}}}}\n"
    found = imported(text)
    (own,) = checked(tomllib.loads(found.toml), "imported").providers.values()
    assert own.key is None and "_KEY" not in found.toml
    told = "\n".join(one.text for one in found.remarks)
    assert "it is no key" in told and "a service of your own has no price: see unknown_price" in told
