"""`budget=` where prices depend on the length of the prompt, or on the tier: reserved is the largest possible cost."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.limited import FastState

from g4f_lite import Budget, BudgetExceededError, ChatRequest, TokenDetails, Usage
from g4f_lite.health.estimates import estimate
from g4f_lite.records.prices import cost
from g4f_lite.testing import FaultServer

LONG = [{"role": "user", "content": "a" * 300_000}]
"""Nobody can know that it has less than 300,000 tokens; from 272,000 on, gpt-5.4 costs twice as much."""
MODELS = [("gemini", "gemini-2.5-pro"), ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5.4"), ("openai", "gpt-5")]


@pytest.mark.parametrize("tier", [None, "priority", "flex", "no such tier"])
@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_no_usage_that_a_request_can_have_costs_more(provider: str, model: str, tier: str | None) -> None:
    for size in (10, 90_000, 150_000, 199_000, 260_000, 400_000):
        for extra in ({"service_tier": tier}, {"extra_body": {"service_tier": tier}}):
            messages = ({"role": "user", "content": "a" * size},)
            most = estimate(ChatRequest(messages=messages, model=model, max_tokens=500, **extra))
            reserved = most.most_usd(provider, model)
            assert reserved is not None
            for prompt in range(size // 3, size + 1, size // 3):
                usage = Usage(prompt_tokens=prompt, completion_tokens=500, total_tokens=prompt + 500)
                for served in (None, tier):
                    assert reserved >= (cost(provider, model, usage, tier=served) or 0)


@pytest.mark.parametrize(
    ("wanted", "usd"),
    [({"model": "openai:gpt-5.4"}, 1.0), ({"model": "openai:gpt-5", "service_tier": "priority"}, 0.5)],
)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_sent_that_may_cost_more_than_the_budget(
    mode: str, groq: FaultServer, wanted: dict[str, Any], usd: float
) -> None:
    settings = {"keys": {"openai": "sk-dear"}, "base_urls": {"openai": groq.base_url}, "state": FastState()}
    one = {"fallback_models": [], "max_tokens": 20, "messages": LONG, **wanted}
    error = run(mode, {**settings, "budget": Budget(usd=usd)}, one).error
    assert type(error) is BudgetExceededError and groq.received == []
    assert run(mode, {**settings, "budget": Budget(usd=4, name="large")}, one).text == "ok"


SOUND = (
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "a" * 40_000, "format": "mp3"}}]},
)
TEXT = ({"role": "user", "content": "a" * 9_000},)
KEPT = ({"role": "user", "content": [{"type": "text", "text": "a" * 300_000, "cache_control": {"type": "ephemeral"}}]},)


def kinds_of(size: int) -> list[TokenDetails]:
    return [
        TokenDetails(cache_write_tokens=size),
        *(TokenDetails(**{f"{kind}_tokens": size}) for kind in ("audio", "image", "reasoning")),
    ]


@pytest.mark.parametrize(("provider", "model"), [
    *MODELS, ("openai", "gpt-audio"), ("openai", "gpt-4o-audio-preview"), ("gemini", "gemini-2.5-flash"),
    ("gemini", "gemini-2.5-flash-image"), ("openai", "gpt-5.6"), ("perplexity", "sonar-deep-research"),
])  # fmt: skip
def test_no_kind_of_token_costs_more(provider: str, model: str) -> None:
    """Sound and pictures in a prompt that has such parts, all that an answer may have, and what is kept in a cache."""
    checked = 0
    for messages in (SOUND, TEXT, KEPT):
        most = estimate(ChatRequest(messages=messages, model=model, max_tokens=500))
        reserved = most.most_usd(provider, model)
        if reserved is None:
            continue
        heard = [one for one in kinds_of(most.prompt) if messages is SOUND or one.cache_write_tokens]
        if messages is KEPT:
            heard.append(TokenDetails(cache_write_tokens=most.prompt, cache_write_1h_tokens=most.prompt))
        for prompt in (None, *heard):
            for answer in (None, *kinds_of(500)):
                used = Usage(
                    prompt_tokens=most.prompt,
                    completion_tokens=500,
                    prompt_tokens_details=prompt,
                    completion_tokens_details=answer,
                )
                checked += 1
                assert reserved >= (cost(provider, model, used) or 0) * (1 - 1e-9), (prompt, answer)
    assert checked


def test_text_is_not_reserved_at_the_price_of_sound() -> None:
    def reserved(messages: Any) -> float:
        size = estimate(ChatRequest(messages=messages, model="gpt-audio", max_tokens=1))
        return (size.most_usd("openai", "gpt-audio") or 0) / size.prompt

    assert reserved(SOUND) > 3 * reserved(TEXT) > 0
