"""Settings of LiteLLM's proxy in a shape that it does not have: none is lost without a word."""

from __future__ import annotations

import tomllib

import pytest

from g4f_lite import ConfigurationError
from g4f_lite.gateway.litellm.importing import imported

MODELS = """\
model_list:
  - {model_name: a, litellm_params: {model: openai/one}}
  - {model_name: b, litellm_params: {model: groq/two}}
"""


@pytest.mark.parametrize(
    ("text", "setting", "why"),
    [
        ("litellm_settings: {fallbacks: [{a: b}]}", "litellm_settings.fallbacks.a", "it is no list"),
        ("litellm_settings: {fallbacks: {a: [b]}}", "litellm_settings.fallbacks", "it is no list"),
        ("router_settings: {fallbacks: [b]}", "router_settings.fallbacks", "it is no mapping"),
        ("router_settings: {fallbacks: b}", "router_settings.fallbacks", "it is no list"),
        ("litellm_settings: {default_fallbacks: b}", "litellm_settings.default_fallbacks", "it is no list"),
        ("router_settings: {model_group_alias: [b]}", "router_settings.model_group_alias", "it is no mapping"),
        ("router_settings: {model_group_alias: {a: b}}", "router_settings.model_group_alias.a",
         "there is a model 'a' already"),
        ("router_settings: {redis_host: h, redis_port: 70000}", "router_settings.redis_host",
         "it is no host and port; see [server] shared"),
    ],
)  # fmt: skip
def test_a_setting_of_another_shape_is_told(text: str, setting: str, why: str) -> None:
    found = imported(MODELS + text)
    assert [tuple(one) for one in found.remarks] == [(4, setting, why, False)]
    assert tomllib.loads(found.toml) == {"models": {"a": {"routes": ["openai:one"]}, "b": {"routes": ["groq:two"]}}}


@pytest.mark.parametrize("nothing", ["fallbacks:", "default_fallbacks: null", "model_group_alias: ~"])
def test_an_empty_setting_says_nothing(nothing: str) -> None:
    assert imported(f"{MODELS}router_settings:\n  {nothing}\n").remarks == []


def test_an_empty_address_is_none() -> None:
    found = imported("model_list: [{model_name: a, litellm_params: {model: groq/one, api_base: }}]")
    assert (tomllib.loads(found.toml)["models"], found.remarks) == ({"a": {"routes": ["groq:one"]}}, [])


def test_of_two_addresses_the_one_that_is_not_taken_is_told() -> None:
    found = imported(
        "model_list: [{model_name: a, litellm_params: {model: openai/x, api_base: 'http://h/v1', base_url: 'http://g'}}]"
    )
    assert tomllib.loads(found.toml)["providers"] == {"openai-2": {"base_url": "http://h/v1"}}
    assert [one.setting for one in found.remarks] == ["litellm_params.base_url"]


def test_a_file_without_a_usable_model_says_why() -> None:
    with pytest.raises(ConfigurationError, match=r"carried over: line 1: litellm_params.api_base: it is no address"):
        imported("model_list: [{model_name: a, litellm_params: {model: openai/x, api_base: here}}]")
