"""A prefix never sends a prompt that is meant for a server on the caller's machine to a service elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from g4f_lite import Client, ConfigurationError, OpenaiTemplate
from g4f_lite.testing import FaultServer

KEYS = dict.fromkeys(("mistral", "groq", "deepseek", "azure"), "k" * 20)


def mine(**attributes: Any) -> OpenaiTemplate:
    base = {"name": "mine", "api_base": "http://127.0.0.1:1/v1", "needs_auth": False, "default_model": "llama3"}
    return OpenaiTemplate(**{**base, **attributes})


def routes(settings: dict[str, Any], **params: Any) -> list[str]:
    with Client(keys=KEYS, **settings) as client:
        plan = client.explain(messages=[{"role": "user", "content": "Hi"}], **params)
    return [f"{leg.provider}:{leg.model}" for tier in plan.tiers for leg in tier]


OWN: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {"provider": "ollama", "fallback_models": ["mistral:7b"]}, ["ollama:", "ollama:mistral:7b"]),
    ({}, {"provider": "ollama", "model": "mistral:7b"}, ["ollama:mistral:7b"]),
    ({}, {"provider": "ollama", "model": "llama3:8b", "fallback_models": ["deepseek:r1", "groq"]},
     ["ollama:llama3:8b", "ollama:deepseek:r1", "groq:openai/gpt-oss-120b"]),
    ({}, {"provider": ["groq", "lmstudio"], "model": "mistral:7b"}, ["groq:mistral:7b", "lmstudio:mistral:7b"]),
    ({"routes": ["ollama"]}, {"model": "mistral:7b"}, ["ollama:mistral:7b"]),
    ({"routes": ["groq", "ollama:qwen3"]}, {"model": "mistral:7b"}, ["ollama:mistral:7b"]),
    ({"routes": ["ollama"]}, {"fallback_models": ["mistral:7b"]}, ["ollama:", "ollama:mistral:7b"]),
    ({"routes": ["ollama"]}, {"model": "gpt-oss-20b", "fallback_models": ["mistral:7b"]},
     ["ollama:gpt-oss-20b", "ollama:mistral:7b"]),
    ({"routes": [mine()]}, {"model": "mistral:7b"}, ["mine:mistral:7b"]),
    ({}, {"provider": mine(), "fallback_models": ["mistral:7b"]}, ["mine:llama3", "mine:mistral:7b"]),
    ({}, {"provider": mine(default_model="mistral:7b"), "fallback_models": ["mistral:7b"]}, ["mine:mistral:7b"]),
]  # fmt: skip

THEIRS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {"provider": "ollama", "fallback_models": ["mistral:mistral-small-latest"]},
     ["ollama:", "mistral:mistral-small-latest"]),
    ({}, {"provider": "ollama", "fallback_models": ["groq:gpt-oss-20b"]}, ["ollama:", "groq:openai/gpt-oss-20b"]),
    ({}, {"provider": "groq", "fallback_models": ["mistral:new-model"]},
     ["groq:openai/gpt-oss-120b", "mistral:new-model"]),
    ({}, {"model": "mistral:new-model"}, ["mistral:new-model"]),
    ({"routes": ["groq"]}, {"model": "mistral:new-model"}, ["mistral:new-model"]),
    ({"routes": ["ollama"]}, {"model": "ollama:mistral:7b"}, ["ollama:mistral:7b"]),
    ({"routes": ["ollama"]}, {"model": "deepseek:deepseek-v4-pro"}, ["deepseek:deepseek-v4-pro"]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "params", "expected"), OWN)
def test_what_looks_like_a_prefix_is_an_id_of_the_callers_own_server(
    settings: dict[str, Any], params: dict[str, Any], expected: list[str]
) -> None:
    assert routes(settings, **{"fallback_models": [], **params}) == expected


@pytest.mark.parametrize(("settings", "params", "expected"), THEIRS)
def test_a_prefix_is_a_provider_if_nothing_else_can_be_meant(
    settings: dict[str, Any], params: dict[str, Any], expected: list[str]
) -> None:
    assert routes(settings, **{"fallback_models": [], **params}) == expected


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({}, {"provider": "ollama", "fallback_models": ["vllm:llama3"]}),
        ({"routes": ["ollama"]}, {"model": "vllm:llama3"}),
        ({"routes": [mine(default_model="groq:gpt-oss-20b")]}, {"model": "groq:gpt-oss-20b"}),
    ],
)
def test_an_error_shows_both_spellings_if_both_may_be_meant(settings: dict[str, Any], params: dict[str, Any]) -> None:
    entry = params.get("model") or params["fallback_models"][0]
    name, _, model = entry.partition(":")
    with pytest.raises(ConfigurationError) as caught:
        routes(settings, **params)
    for spelling in (repr(":" + entry), f"provider={name!r} with model={model!r}", repr(entry)):
        assert spelling in str(caught.value)


def test_the_prompt_does_not_reach_the_other_service() -> None:
    with FaultServer() as own, FaultServer() as cloud:
        urls = {"ollama": own.base_url, "mistral": cloud.base_url}
        with Client(keys=KEYS, base_urls=urls) as client:
            messages = [{"role": "user", "content": "secret"}]
            client.chat.completions.create(messages=messages, provider="ollama", model="mistral:7b")
        assert not cloud.received
        assert own.received[-1].json["model"] == "mistral:7b"
