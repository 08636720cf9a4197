"""What the import of LiteLLM's configuration tells of settings that `[client]` has by now, and of stars."""

from __future__ import annotations

import pytest

from g4f_lite.gateway.litellm.importing import imported


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
