"""
What an answer costs, as its service bills it: every kind of token, tiers, fees, and what the service itself says.

The expected sums are made of the prices for a million tokens that each service publishes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.protocol_bodies import candidate, ended, message, response, started
from helpers.protocol_reading import parse

from g4f_lite import OpenaiTemplate, TokenDetails, Usage
from g4f_lite.records.prices import cost
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Reply
from g4f_lite.testing.shapes import SHAPES

M = 1e-6


def openai(model: str, usage: dict[str, Any], tier: str | None = None) -> Reply:
    head = {"id": "c-1", "created": 1, "model": model, "service_tier": tier}
    said = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    piece = {"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}
    events = [{**head, "choices": [piece]}, {**head, "choices": [], "usage": usage}]
    return either({**head, "choices": [said], "usage": usage}, "openai", *events)


def claude(model: str, **usage: Any) -> Reply:
    text = {"type": "text", "text": "Yes."}
    first, *others = started({**text, "deltas": []})
    first["message"] |= {"model": model, "usage": {"input_tokens": 1, "output_tokens": 1}}
    return either({**message(text, **usage), "model": model}, "anthropic", first, *others, *ended(**usage))


def gemini(model: str, grounding: dict[str, Any] | None = None, **usage: Any) -> Reply:
    said = candidate({"text": "Yes."}, **({"groundingMetadata": grounding} if grounding else {}))
    body = {**response(said, **usage), "modelVersion": model}
    return either(body, "gemini", body)


def either(whole: object, shape: str, *events: object) -> Reply:
    sse = b"".join(SHAPES[shape].sse(event) for event in events) + (b"data: [DONE]\n\n" if shape == "openai" else b"")

    def reply(request: Received) -> Any:
        if b'"stream":true' not in request.body and "streamGenerate" not in request.path:
            return replies.body(json.dumps(whole).encode())(request)
        return replies.body(sse, content_type="text/event-stream")(request)

    return reply


def counts(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


SPOKEN = {"completion_tokens_details": {"audio_tokens": 900}}
HEARD = {"prompt_tokens_details": {"audio_tokens": 300, "cached_tokens": 0}}
WRITTEN = {
    "input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 3000, "cache_creation_input_tokens": 30_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 10_000, "ephemeral_1h_input_tokens": 20_000},
}  # fmt: skip
HOUR = 1000 * 2 * M + 3000 * 0.2 * M + 10_000 * 2.5 * M + 20_000 * 4 * M + 100 * 10 * M
SUMMED = {
    "input_tokens": 200, "output_tokens": 10,
    "iterations": [
        {"type": "compaction", "input_tokens": 50_000, "output_tokens": 900, "cache_read_input_tokens": 1000,
         "cache_creation": {"ephemeral_1h_input_tokens": 0}},
        {"type": "message", "input_tokens": 200, "output_tokens": 10},
    ],
}  # fmt: skip
ADVISED = {
    "input_tokens": 200, "output_tokens": 10,
    "iterations": [{"type": "message"}, {"type": "advisor_message", "model": "claude-opus-5-5", "input_tokens": 9}],
}  # fmt: skip
SOUND = {"modality": "AUDIO", "tokenCount": 600}
PAGES = [{"modality": "DOCUMENT", "tokenCount": 100}, {"modality": "TEXT", "tokenCount": 400}, SOUND]
QUERIES = {"webSearchQueries": ["sky", "sun"]}

BILLS: dict[str, tuple[str, str, Reply, float | None]] = {
    "spoken words": ("openai", "gpt-audio", openai("gpt-audio", counts(100, 1000, **SPOKEN)), 0.05885),
    "heard words": ("openai", "gpt-audio", openai("gpt-audio", counts(400, 10, **HEARD)), 100 * 2.5 * M + 300 * 32 * M + 10 * 10 * M),
    "sound without a known price": ("openai", "gpt-4o-audio-preview", openai("gpt-4o-audio-preview", counts(100, 1000, **SPOKEN)), None),
    "text where sound has no known price": ("openai", "gpt-4o-audio-preview", openai("gpt-4o-audio-preview", counts(100, 10)), 100 * 2.5 * M + 10 * 10 * M),
    "written to the cache": ("openai", "gpt-6-sol", openai("gpt-6-sol", counts(4020, 4, prompt_tokens_details={"cache_write_tokens": 4000})), 20 * 2 * M + 4000 * 2.5 * M + 4 * 10 * M),
    "flex": ("openai", "gpt-5", openai("gpt-5", counts(1000, 100), "flex"), (1000 * 1.25 + 100 * 10) * M / 2),
    "priority": ("openai", "gpt-5", openai("gpt-5", counts(1000, 100), "priority"), (1000 * 1.25 + 100 * 10) * M * 2),
    "the default tier": ("openai", "gpt-5", openai("gpt-5", counts(1000, 100), "default"), (1000 * 1.25 + 100 * 10) * M),
    "a tier without known prices": ("openai", "gpt-5", openai("gpt-5", counts(1000, 100), "scale"), None),
    "flex at Groq": ("groq", "openai/gpt-oss-120b", openai("openai/gpt-oss-120b", counts(1000, 100), "flex"), (1000 * 0.15 + 100 * 0.6) * M),
    "performance at Groq": ("groq", "openai/gpt-oss-120b", openai("openai/gpt-oss-120b", counts(1000, 100), "performance"), None),
    "Moonshot's cache": ("moonshot", "kimi-k3", openai("kimi-k3", counts(30_000, 100, cached_tokens=29_000)), 1000 * 3 * M + 29_000 * 0.3 * M + 100 * 15 * M),
    "OpenRouter says it": ("openrouter", "openai/gpt-5", openai("openai/gpt-5", counts(10, 5, cost=0.0125, is_byok=False, cost_details={"upstream_inference_cost": 0.0125})), 0.0125),
    "OpenRouter with a key of one's own": ("openrouter", "openai/gpt-5", openai("openai/gpt-5", counts(10, 5, cost=0.001, is_byok=True, cost_details={"upstream_inference_cost": 0.02})), 0.021),
    "a free model": ("openrouter", "openai/gpt-oss-20b:free", openai("openai/gpt-oss-20b:free", counts(10, 5, cost=0)), 0.0),
    "xAI says it": ("xai", "grok-4.3", openai("grok-4.3", counts(10, 5, cost_in_usd_ticks=37_756_000)), 0.0037756),
    "DeepInfra says it": ("deepinfra", "m", openai("m", counts(10, 5, estimated_cost=2.5e-05)), 2.5e-05),
    "cache writes for an hour": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", **WRITTEN), HOUR),
    "web searches": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", input_tokens=1000, output_tokens=100, server_tool_use={"web_search_requests": 3}), 1000 * 2 * M + 100 * 10 * M + 0.03),
    "a batch": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", input_tokens=1000, output_tokens=100, service_tier="batch"), (1000 * 2 + 100 * 10) * M / 2),
    "fast mode": ("anthropic", "claude-opus-4-8", claude("claude-opus-4-8", input_tokens=1000, output_tokens=100, speed="fast"), (1000 * 10 + 100 * 50) * M),
    "in one region": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", input_tokens=1000, output_tokens=100, inference_geo="us"), None),
    "anywhere": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", input_tokens=1000, output_tokens=100, inference_geo="global", service_tier="standard", speed="standard"), (1000 * 2 + 100 * 10) * M),
    "a summary": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", **SUMMED), 50_200 * 2 * M + 1000 * 0.2 * M + 910 * 10 * M),
    "the help of another model": ("anthropic", "claude-sonnet-5", claude("claude-sonnet-5", **ADVISED), None),
    "heard by Gemini": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", promptTokenCount=1100, candidatesTokenCount=10, promptTokensDetails=PAGES), 500 * 0.3 * M + 600 * 1 * M + 10 * 2.5 * M),
    "heard before": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", promptTokenCount=1100, candidatesTokenCount=10, promptTokensDetails=PAGES, cachedContentTokenCount=800, cacheTokensDetails=[SOUND, {"modality": "TEXT", "tokenCount": 200}]), 300 * 0.3 * M + 200 * 0.03 * M + 600 * 0.1 * M + 10 * 2.5 * M),
    "a drawing": ("gemini", "gemini-2.5-flash-image", gemini("gemini-2.5-flash-image", promptTokenCount=10, candidatesTokenCount=1300, candidatesTokensDetails=[{"modality": "IMAGE", "tokenCount": 1290}]), 10 * 0.3 * M + 10 * 2.5 * M + 1290 * 30 * M),
    "thoughts and tools": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", promptTokenCount=100, toolUsePromptTokenCount=200, candidatesTokenCount=10, thoughtsTokenCount=40), 300 * 0.3 * M + 50 * 2.5 * M),
    "two searches of one prompt": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", QUERIES, promptTokenCount=100, candidatesTokenCount=10), 100 * 0.3 * M + 10 * 2.5 * M + 0.035),
    "two searches, billed apart": ("gemini", "gemini-3.1-flash-lite", gemini("gemini-3.1-flash-lite", QUERIES, promptTokenCount=0, candidatesTokenCount=0), 0.028),
    "a tier of Gemini's": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", promptTokenCount=100, candidatesTokenCount=10, serviceTier="priority"), None),
    "the standard of Gemini's": ("gemini", "gemini-2.5-flash", gemini("gemini-2.5-flash", promptTokenCount=100, candidatesTokenCount=10, serviceTier="standard"), 100 * 0.3 * M + 10 * 2.5 * M),
}  # fmt: skip


@pytest.mark.parametrize(("who", "model", "reply", "bill"), BILLS.values(), ids=BILLS)
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_costs_what_its_service_bills(
    mode: str, who: str, model: str, reply: Reply, bill: float | None, server: FaultServer
) -> None:
    server.script(reply)
    urls = {who: server.origin + {"gemini": "/v1beta"}.get(who, "/v1")}
    outcome = run(mode, {"base_urls": urls, "keys": {who: "test"}}, {"provider": who, "model": model})
    assert outcome.completion is not None, outcome.error
    assert outcome.completion.cost == (None if bill is None else pytest.approx(bill))


class Acme(OpenaiTemplate):
    """A service of a plugin."""

    name = "acme"
    default_model = "m"
    usage_fields = {"cache.hits": "prompt_tokens_details.cached_tokens", "searches": "web_searches"}
    usage_costs = {"bill.model": 0.01, "bill.search": 0.01}  # cents


@pytest.mark.parametrize("mode", MODES)
def test_a_plugin_declares_what_its_service_says(mode: str, server: FaultServer) -> None:
    own = {"cache": {"hits": 4}, "searches": 2, "bill": {"model": 3, "search": 1.5}}
    server.script(openai("m", counts(10, 5, **own)))
    completion = run(mode, {}, {"provider": Acme(api_base=server.base_url, api_key="test")}).completion
    assert completion is not None and completion.usage is not None
    assert completion.usage.prompt_tokens_details == TokenDetails(cached_tokens=4)
    assert (completion.usage.web_searches, completion.cost) == (2, pytest.approx(0.045))
    assert completion.to_dict()["usage"] == counts(10, 5, prompt_tokens_details={"cached_tokens": 4}, **own)


@pytest.mark.parametrize("odd", [None, "0.5", [1], {"model": None}, {"model": -1}, {"model": True}])
@pytest.mark.parametrize("mode", ["sync", "sync stream"])
def test_odd_numbers_of_a_service_are_left_out(mode: str, odd: Any, server: FaultServer) -> None:
    server.script(openai("m", counts(10, 5, bill=odd, cache=odd, searches=odd)))
    completion = run(mode, {}, {"provider": Acme(api_base=server.base_url, api_key="test")}).completion
    assert completion is not None
    assert (completion.usage, completion.cost) == (Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15), None)


OWN_PLACES = [
    ("moonshot", "cached_tokens"), ("together", "cached_tokens"), ("mistral", "num_cached_tokens"),
    ("deepseek", "prompt_cache_hit_tokens"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "name"), OWN_PLACES)
@pytest.mark.parametrize("openais", [None, 7])
@pytest.mark.parametrize("mode", ["sync", "async stream"])
def test_cached_tokens_are_found_where_the_service_has_them(
    mode: str, openais: int | None, who: str, name: str, server: FaultServer
) -> None:
    details = {} if openais is None else {"prompt_tokens_details": {"cached_tokens": openais}}
    server.script(openai("m", counts(10, 5, **{name: 8}, **details)))
    settings = {"base_urls": {who: server.base_url}, "keys": {who: "test"}}
    completion = run(mode, settings, {"provider": who, "model": "m"}).completion
    assert completion is not None and completion.usage is not None
    assert completion.usage.prompt_tokens_details == TokenDetails(cached_tokens=openais or 8)


def test_usage_in_a_choice_is_read_too() -> None:
    from g4f_lite.provider.openai_protocol.usage import with_own_fields

    event = b'{"choices": [{"delta": {}}, {"usage": {"cached_tokens": 3}}]}'
    fields = {"cached_tokens": "prompt_tokens_details.cached_tokens"}
    assert with_own_fields(Usage(), event, fields, {}).prompt_tokens_details == TokenDetails(cached_tokens=3)
    assert with_own_fields(Usage(), b'{"usage": 7}', fields, {}) == Usage()


def test_the_prices_are_those_of_the_time_of_the_request() -> None:
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=0)
    at_night, at_noon = (datetime(2026, 11, 3, hour, 30, tzinfo=UTC).timestamp() for hour in (2, 12))
    assert cost("deepseek", "deepseek-v4-flash", usage, at=at_night) == pytest.approx(0.3)
    assert cost("deepseek", "deepseek-v4-flash", usage, at=at_noon) == pytest.approx(0.15)


def test_a_fee_that_an_answer_does_not_report_leaves_the_cost_unknown() -> None:
    usage = Usage(prompt_tokens=1000, completion_tokens=100)
    assert cost("openai", "gpt-5-search-api", usage) is None
    assert cost("openai", "gpt-4o-mini-search-preview-2025-03-11", usage) is None


def test_sound_in_seconds_has_its_own_price() -> None:
    usage = Usage(prompt_tokens=1000, completion_tokens=10, audio_seconds=3600.0)
    night = datetime(2026, 11, 3, tzinfo=UTC).timestamp()
    assert cost("mistral", "voxtral-small-24b-2507", usage, at=night) == pytest.approx(
        0.24 + 1000 * 0.1 * M + 10 * 0.4 * M
    )


def test_a_tier_that_another_provider_lists_is_not_taken_for_known() -> None:
    usage = Usage(prompt_tokens=1000, completion_tokens=100)
    assert cost("openai", "gpt-5.4", usage, tier="flex") is not None
    assert cost("azure", "gpt-5.4", usage, tier="flex") is None
    assert cost("azure", "gpt-5.4", usage) is not None


def test_a_tier_is_not_known_before_it_had_prices() -> None:
    usage = Usage(prompt_tokens=1000, completion_tokens=100)
    before, after = (datetime(2026, month, 1, tzinfo=UTC).timestamp() for month in (10, 11))
    assert cost("anthropic", "claude-sonnet-5", usage, tier="batch", at=before) is None
    assert cost("anthropic", "claude-sonnet-5", usage, tier="batch", at=after) == pytest.approx(0.0015)


def test_claudes_counts_name_what_is_billed() -> None:
    usage = parse("anthropic", message({"type": "text", "text": "a"}, **WRITTEN)).usage
    assert usage is not None
    assert usage.prompt_tokens == 34_000
    assert usage.prompt_tokens_details == TokenDetails(
        cached_tokens=3000, cache_write_tokens=30_000, cache_write_1h_tokens=20_000
    )
