"""Legs that are not eligible for a request: by capability, price and length."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.imports import python

import g4f_lite
from g4f_lite import Client, OpenaiTemplate, audio_part, image_part
from g4f_lite.errors.suggestions import install_hint
from g4f_lite.testing import FaultServer, replies

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
IMAGE = [{"role": "user", "content": [{"type": "text", "text": "What?"}, image_part(PNG)]}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def provider(server: FaultServer, name: str, model: str = "m", *capabilities: str) -> OpenaiTemplate:
    return OpenaiTemplate(
        name=name,
        api_base=server.base_url,
        default_model=model,
        needs_auth=False,
        capabilities=frozenset({"streaming", *capabilities}),
    )


SOUND = [{"role": "user", "content": ({"type": "text", "text": "What?"}, audio_part(b"ID3", format="mp3"))}]

NEEDS: list[tuple[str, dict[str, Any]]] = [
    ("vision", {"messages": IMAGE}),
    ("audio", {"messages": SOUND}),
    ("tools", {"messages": MESSAGES, "tools": [TOOL]}),
    ("json_schema", {"messages": MESSAGES, "response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
]


@pytest.mark.parametrize(("capability", "params"), NEEDS)
def test_a_leg_without_a_capability_is_skipped_with_the_reason(
    capability: str, params: dict[str, Any], server: FaultServer
) -> None:
    plain, able = provider(server, "plain"), provider(server, "able", "m", capability)
    with Client() as client:
        reply = client.chat.completions.create(provider=[plain, able], **params)
        assert reply.provider == "able"
        (skipped,) = reply.trail.skipped
        assert (skipped.provider, capability in skipped.reason) == ("plain", True)
        assert client.explain(provider=[plain, able], **params).skipped == (skipped,)
        with pytest.raises(g4f_lite.NoUsableRouteError, match=f"plain: does not take .*{capability}"):
            client.chat.completions.create(provider=plain, **params)
    assert len(server.received) == 1


def test_a_request_goes_to_the_only_model_with_the_capability(groq: FaultServer) -> None:
    with Client() as client:
        reply = client.chat.completions.create(messages=IMAGE, provider="groq")
        assert groq.models == ["qwen/qwen3.8-27b"]
        assert {skipped.model for skipped in reply.trail.skipped} == {"openai/gpt-oss-120b", "openai/gpt-oss-20b"}


def test_a_missing_capability_is_reported_before_a_missing_key(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMBANOVA_API_KEY", "test")
    with Client(routes=["sambanova", "groq"]) as client, pytest.raises(g4f_lite.NoUsableRouteError) as caught:
        client.chat.completions.create(messages=IMAGE, fallback_models=[])
    assert type(caught.value) is g4f_lite.NoUsableRouteError
    assert str(caught.value).startswith("nothing can answer this call: sambanova: does not take images")


def test_a_request_that_cannot_be_built_does_not_penalize_the_leg(server: FaultServer) -> None:
    class Broken(OpenaiTemplate):
        name, default_model, needs_auth = "broken", "m", False

        def adapt_body(self, body: dict[str, Any]) -> None:
            if body["messages"][0]["content"] == "odd":
                raise KeyError("odd")

    one = Broken(api_base=server.base_url)
    with Client() as client:
        for _ in range(4):
            with pytest.raises(g4f_lite.MalformedResponseError, match="failed building the request"):
                client.chat.completions.create(messages=[{"role": "user", "content": "odd"}], provider=one)
        assert client.chat.completions.create(messages=MESSAGES, provider=one).text == "ok"


# -- prices --------------------------------------------------------------------------------

DEAR, CHEAP = "gpt-5", "gpt-5-nano"


@pytest.mark.parametrize("most", [1.0, {"completion": 1}, {"prompt": 0.5}])
def test_a_leg_that_is_too_expensive_is_skipped(most: Any, server: FaultServer) -> None:
    expensive, cheap = provider(server, "openai", DEAR), provider(server, "openai", CHEAP)
    with Client(routes=[expensive, cheap]) as client:
        reply = client.chat.completions.create(messages=MESSAGES, max_price=most)
        assert server.models == [CHEAP]
        assert "more than max_price" in reply.trail.skipped[0].reason
        unknown = provider(server, "unknown").replace(api_base="https://unknown.invalid/v1")
        with pytest.raises(g4f_lite.NoUsableRouteError, match="its price is not known"):
            client.chat.completions.create(messages=MESSAGES, provider=unknown, max_price=most)


@pytest.mark.parametrize("most", ["1", -1, {"prompts": 1}, True, {"prompt": None}])
def test_an_invalid_price_is_refused(most: Any, server: FaultServer) -> None:
    with Client() as client, pytest.raises(g4f_lite.ConfigurationError, match="max_price must be USD for a million"):
        client.chat.completions.create(messages=MESSAGES, provider=provider(server, "openai", DEAR), max_price=most)


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_has_its_cost(mode: str, server: FaultServer) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 400}}
    choice = {"finish_reason": "stop", "delta": {"content": "ok"}, "message": {"content": "ok"}}
    answer = {"model": "gpt-5", "choices": [choice], "usage": usage}
    server.script(replies.stream([answer]) if "stream" in mode else replies.body(json.dumps(answer).encode()))
    outcome = run(mode, {}, {"provider": provider(server, "openai", DEAR), "fallback_models": []})
    assert outcome.completion is not None
    assert outcome.completion.cost == pytest.approx(600 * 1.25e-6 + 400 * 0.125e-6 + 1000 * 10e-6)  # openai's list
    unknown = run(mode, {}, {"provider": provider(server, "unknown"), "fallback_models": []})
    assert unknown.completion is not None
    assert unknown.completion.cost is None


# -- context windows -----------------------------------------------------------------------


def test_a_prompt_that_is_too_long_for_a_model_goes_to_another(server: FaultServer) -> None:
    small, large = provider(server, "groq", "openai/gpt-oss-120b"), provider(server, "openai", "gpt-4.1")
    messages = [{"role": "user", "content": "word " * 200_000}]
    with Client() as client:
        reply = client.chat.completions.create(messages=messages, provider=[small, large])
        assert reply.provider == "openai"
        assert "longer than its context window of 131072" in reply.trail.skipped[0].reason
        short = client.chat.completions.create(messages=MESSAGES, provider=[small, large])
        assert (short.provider, short.trail.skipped) == ("groq", ())


def test_without_the_extra_prices_are_unknown_and_calls_work(server: FaultServer) -> None:
    code = f"""
import sys
sys.modules["genai_prices"] = None
import g4f_lite
one = g4f_lite.OpenaiTemplate(name="openai", api_base={server.base_url!r}, default_model="gpt-5", needs_auth=False)
client = g4f_lite.Client()
reply = client.chat.completions.create(messages=[{{"role": "user", "content": "word " * 200_000}}], provider=one)
assert reply.cost is None and not reply.trail.skipped
client.chat.completions.create(messages=[{{"role": "user", "content": "hi"}}], provider=one, max_price=1)
"""
    done = python(code)
    assert f"ConfigurationError: prices are not installed; run: {install_hint('prices')}" in done.stderr
