"""Refusals whose cause is the size, a feature or the price tier of one request: the leg stays free for others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from helpers.catalogue import PROVIDERS
from helpers.driving import MESSAGES, MODES
from helpers.error_bodies import anthropic, google
from helpers.error_replies.told import openai

from g4f_lite import (
    AsyncClient,
    ChatCompletion,
    Client,
    ErrorReply,
    G4FLiteError,
    OpenaiTemplate,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    UnsupportedParameterError,
)
from g4f_lite.testing import FaultServer, replies

HOUR = {"retry_after": "3360"}


def afford(tokens: int) -> str:
    return (
        "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only "
        f"afford {tokens}. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account"
    )


def router(message: str) -> Any:
    metadata = {"provider_name": None, "error_type": "payment_required"}
    return {"error": {"message": message, "code": 402, "metadata": metadata}, "user_id": "user_x"}


def invalid(message: str) -> Any:
    return anthropic("invalid_request_error", message)


LARGE, FEATURE = RequestTooLargeError, UnsupportedParameterError
REFUSALS = [
    ("anthropic", 429, anthropic("rate_limit_error", "Extra usage is required for long context requests."), LARGE),
    ("anthropic", 429, anthropic("rate_limit_error", "Extra usage is required for 1M context."), LARGE),
    ("anthropic", 400, invalid("The long context beta is not yet available for this subscription."), FEATURE),
    ("anthropic", 400, invalid("messages.0.content.1.image.source: image exceeds 5 MB maximum: 6 > 5 bytes"), LARGE),
    ("anthropic", 400, invalid("A maximum of 100 PDF pages may be provided."), LARGE),
    ("anthropic", 400, invalid("Too much media: 0 document pages + 101 images > 100"), LARGE),
    ("anthropic", 400, invalid("max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens"), FEATURE),
    ("openrouter", 402, router(afford(3919)), LARGE),
    ("openrouter", 402, router("Prompt tokens limit exceeded: 230799 > 91442. To increase, upgrade."), LARGE),
    ("openrouter", 429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {
        "raw": "Request too large for gpt on tokens per min (TPM): Limit 30000, Requested 342389."}}}, LARGE),
    ("openai", 429, openai("Request too large for gpt on tokens per min (TPM): Limit 30000, Requested 342389.", "rate_limit_exceeded", "tokens"), LARGE),
    ("openai", 429, openai("Resource unavailable.", "resource_unavailable"), FEATURE),
    ("openai", 400, openai("Invalid 'messages': array too long.", "array_above_max_length", param="messages"), LARGE),
    ("openai", 400, openai("max_tokens is too large: 100000. This model supports at most 16384 completion tokens."), FEATURE),
    ("groq", 413, openai("Request too large for model `x` on tokens per day (TPD): Limit 6000, Requested 12328", "rate_limit_exceeded"), LARGE),
    ("groq", 400, openai("`max_tokens` must be less than or equal to 16384, the maximum value for this model"), FEATURE),
    ("groq", 400, openai("Too many images provided. This model supports up to 5 images"), LARGE),
    ("deepseek", 400, openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), FEATURE),
    ("gemini", 400, google(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."), LARGE),
    ("gemini", 429, google(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: search_grounding_requests PerDay"), FEATURE),
    ("cloudflare", 413, {"success": False, "errors": [{"code": 3006, "message": "Request is too large"}]}, LARGE),
]  # fmt: skip


class Other(OpenaiTemplate):
    name = "other"
    default_model = "other-1"
    api_key = "test"


async def answers(mode: str, settings: dict[str, Any], **params: Any) -> tuple[ChatCompletion, ChatCompletion]:
    """Return a client's answers to two calls."""
    stream = "stream" in mode
    got: list[ChatCompletion] = []
    if mode.startswith("async"):
        async with AsyncClient(**settings) as client:
            for _ in range(2):
                reply: Any = await client.chat.completions.create(messages=MESSAGES, stream=stream, **params)
                if stream:
                    async for _chunk in reply:
                        pass
                got.append(reply.completion if stream else reply)
    else:
        with Client(**settings) as one:
            for _ in range(2):
                reply = one.chat.completions.create(messages=MESSAGES, stream=stream, **params)
                if stream:
                    list(reply)
                got.append(reply.completion if stream else reply)
    return got[0], got[1]


@pytest.mark.parametrize(("who", "status", "body", "kind"), REFUSALS, ids=lambda one: str(one)[:60])
@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_of_one_request_leaves_the_leg_to_the_next(
    mode: str, who: str, status: int, body: Any, kind: type[Exception], server: FaultServer
) -> None:
    refusal = replies.body(json.dumps(body).encode(), status, **HOUR)
    server.script(refusal, replies.answer("elsewhere"), replies.answer("here"))
    path = {"gemini": "/v1beta"}.get(who, "/v1")
    settings = {"keys": {who: "test"}, "base_urls": {who: server.origin + path}, "retries": 0}
    other = Other(api_base=server.base_url)
    first, second = asyncio.run(answers(mode, settings, provider=[who, other], model="m", fallback_models=[]))
    assert [attempt.outcome for attempt in first.attempts] == [kind.__name__, "ok"]
    assert (first.provider, second.provider) == ("other", who)
    assert len(second.attempts) == 1


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_refusal_of_the_only_leg_is_raised_without_a_wait(mode: str, server: FaultServer) -> None:
    _, status, body, kind = REFUSALS[0]
    server.script(replies.body(json.dumps(body).encode(), status, **HOUR))
    settings = {"keys": {"anthropic": "test"}, "base_urls": {"anthropic": f"{server.origin}/v1"}}
    with pytest.raises(kind) as raised:
        asyncio.run(answers(mode, settings, provider="anthropic", model="m", fallback_models=[]))
    assert isinstance(raised.value, G4FLiteError)
    assert raised.value.retry_at is None
    assert len(server.received) == 1


def test_credits_that_are_used_up_are_still_a_quota() -> None:
    for message in (afford(0), "Insufficient credits. Add more.", "Your balance is used up."):
        reply = ErrorReply(status=402, body=json.dumps(router(message)).encode())
        assert type(PROVIDERS["openrouter"].classify_error(reply)) is QuotaExceededError
    busy = anthropic("rate_limit_error", "This request would exceed the limit of 30,000 input tokens per minute.")
    reply = ErrorReply(status=429, body=json.dumps(busy).encode())
    assert type(PROVIDERS["anthropic"].classify_error(reply)) is RateLimitError
