"""Each bundled service's own error replies are understood; the table is in helpers/error_replies."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from helpers.catalogue import PROVIDERS, at
from helpers.driving import MESSAGES, MODES, run
from helpers.endpoints import MODES as endpoint_modes
from helpers.endpoints import seen as outcome
from helpers.error_bodies import anthropic, cloudflare, google
from helpers.error_replies import REPLIES
from helpers.error_replies.told import CONTEXT, KEY, MODEL, RATE, Told, openai

from g4f_lite import Client, ErrorReply, G4FLiteError, QuotaExceededError, RateLimitError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply

ALL = [(name, told) for name, told_by in REPLIES.items() for told in told_by]
each_reply = pytest.mark.parametrize(
    ("name", "told"), ALL, ids=[f"{name}-{told.status}-{told.means.__name__}-{n}" for n, (name, told) in enumerate(ALL)]
)
OWN_SERVERS = ("ollama", "lmstudio", "vllm", "llamacpp")


def test_every_service_is_in_the_table_with_the_most_frequent_kinds() -> None:
    served = {name for name, one in PROVIDERS.items() if one.working and name != "local"}
    assert REPLIES.keys() == served
    for name, told in REPLIES.items():
        means = {reply.means for reply in told}
        assert {MODEL, CONTEXT} <= means | ({CONTEXT} if name == "pollinations" else set()), name
        assert name in OWN_SERVERS or {KEY, RATE} <= means, name


@each_reply
def test_an_error_reply_means_its_exception_and_its_wait(name: str, told: Told) -> None:
    body = json.dumps(told.body).encode()
    reply = ErrorReply(status=told.status, headers=told.headers, body=body, in_stream=told.status == 200)
    error = PROVIDERS[name].classify_error(reply)
    assert (type(error), error.message) == (told.means, error.message)
    if told.until is None:
        assert error.retry_after == (None if told.wait is None else pytest.approx(told.wait))
    else:
        assert error.retry_after is not None
        assert time.time() + error.retry_after == pytest.approx(told.until, abs=300)


FIRST = {(name, told.means): told for name, told in reversed(ALL) if told.status != 200}
"""The first reply of each kind, by service."""


@pytest.mark.no_cover
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", REPLIES)
def test_both_clients_raise_it(name: str, mode: str, server: FaultServer) -> None:
    for told in (told for (by, _), told in FIRST.items() if by == name):
        headers = {"retry-after": "3600", **told.headers}  # longer than the deadline: nothing is waited for
        server.script(replies.body(json.dumps(told.body).encode(), told.status, **headers))
        params = {"provider": name, "model": "m", "fallback_models": [], "retries": 0, "deadline": 60.0}
        error = run(mode, at(name, server, retry_stop=lambda state: True), params).error
        assert type(error) is told.means, (told, error)


LIMITED = [
    ("cerebras", "tokens", {"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "1000.5"}),
    (
        "cerebras",
        "requests per day",
        {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "1000"},
    ),
    (
        "sambanova",
        "requests per day",
        {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "1000"},
    ),
    ("together", "requests", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000"}),
    ("groq", "requests", {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "16m40s"}),
    (
        "anthropic",
        "tokens",
        {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2096-10-02T07:06:40Z"},
    ),
]


@pytest.mark.parametrize(("name", "limit", "headers"), LIMITED)
def test_a_limit_in_the_headers_of_an_answer_is_seen_coming(
    name: str, limit: str, headers: dict[str, str], server: FaultServer
) -> None:
    body = json.dumps({"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"} if name == "anthropic" else
                      {"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]})  # fmt: skip
    server.script(replies.body(body.encode(), **headers))
    with Client(**at(name, server)) as client:
        params: dict[str, Any] = {
            "messages": MESSAGES,
            "provider": name,
            "model": "m",
            "fallback_models": [],
            "deadline": 5.0,
        }
        client.chat.completions.create(**params)
        with pytest.raises(G4FLiteError, match=limit):
            client.chat.completions.create(**params)
    assert len(server.received) == 1


# -- what the caller gets ----------------------------------------------------------------

RESTRICTED = openai("Organization has been restricted.", "organization_restricted")
TERMS = openai("The model requires terms acceptance.", "model_terms_required")
DISABLED = anthropic("invalid_request_error", "This organization has been disabled.")


def reply(body: object, status: int = 400) -> Reply:
    return replies.body(json.dumps(body).encode(), status)


def among(server: FaultServer, *names: str) -> dict[str, Any]:
    return {"keys": dict.fromkeys(names, "k"), "base_urls": dict.fromkeys(names, server.base_url)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("groq", RESTRICTED),
        ("groq", TERMS),
        ("anthropic", DISABLED),
        ("gemini", google(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")),
        (
            "xai",
            {
                "code": "c",
                "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            },
        ),
        ("moonshot", openai("Your request exceeded model token limit: 262144 (requested: 269030)")),
        ("fireworks", openai("Account a is suspended", "PRECONDITION_FAILED")),
        ("cloudflare", cloudflare(5016, "User has not agreed to the terms of the model")),
        ("deepseek", openai("Model Not Exist")),
        ("dashscope", openai("Access denied, please make sure your account is in good standing.", "Arrearage")),
        ("cloudflare-gateway", {"success": False, "error": [{"code": 2008, "message": "Invalid provider"}]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_that_is_not_about_the_request_leads_to_another_provider(
    name: str, refusal: object, mode: str, server: FaultServer
) -> None:
    for model in PROVIDERS[name].models():
        server.on(model, reply(refusal))
    seen = run(mode, among(server, name, "cerebras"), {"provider": [name, "cerebras"]})
    assert (seen.error, seen.text, seen.trail.attempts[-1].provider) == (None, "ok", "cerebras")


@pytest.mark.parametrize("mode", MODES)
def test_the_next_key_takes_the_place_of_a_restricted_account(mode: str, server: FaultServer) -> None:
    server.script(reply(RESTRICTED), replies.answer("Sunday"))
    keys = {"keys": {"groq": ["k-first", "k-second"]}, "base_urls": {"groq": server.base_url}}
    seen = run(mode, keys, {"provider": "groq", "model": "m", "fallback_models": []})
    assert (seen.error, seen.text) == (None, "Sunday")
    assert [one.headers["authorization"] for one in server.received] == ["Bearer k-first", "Bearer k-second"]


@pytest.mark.parametrize("mode", endpoint_modes)
def test_speech_whose_model_needs_terms_is_made_elsewhere(mode: str, server: FaultServer) -> None:
    groq, openai_ = (PROVIDERS[name].models_for("speech")[0] for name in ("groq", "openai"))
    server.on(groq, reply(TERMS))
    params = {"provider": ["groq", "openai"], "input": "Hello", "voice": "troy"}
    seen = outcome(mode, among(server, "groq", "openai"), "audio.speech.create", params)
    assert (seen.error, server.models) == (None, [groq, openai_])


@pytest.mark.parametrize("mode", MODES)
def test_a_free_model_of_openrouter_rests_until_the_reset_in_the_body(mode: str, server: FaultServer) -> None:
    later = int(time.time()) + 3000
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{later}000"}
    body = {
        "error": {"code": 429, "message": "Rate limit exceeded: free-models-per-min.", "metadata": {"headers": headers}}
    }
    server.script(reply(body, 429))
    params = {"provider": "openrouter", "model": "x/y:free", "fallback_models": [], "deadline": 5.0}
    error = run(mode, at("openrouter", server), params).error
    assert type(error) is RateLimitError
    assert len(server.received) == 1, "it is not asked again before the reset"
    assert error.retry_at == pytest.approx(later, abs=300)


BASE_RESP = {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
NO_SUCCESS = {"code": 1008, "msg": "insufficient balance", "success": False}


@pytest.mark.parametrize(
    ("mode", "body"), [*((mode, BASE_RESP) for mode in MODES), ("sync", NO_SUCCESS), ("async", NO_SUCCESS)]
)
def test_an_error_of_another_form_inside_a_200_is_an_error(mode: str, body: object, server: FaultServer) -> None:
    event = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(body).encode()
    whole = replies.body(json.dumps(body).encode())
    server.script(replies.body(event, content_type="text/event-stream") if "stream" in mode else whole)
    error = run(
        mode,
        at("together", server, retry_stop=lambda state: True),
        {"provider": "together", "model": "m", "fallback_models": []},
    ).error
    assert type(error) is QuotaExceededError
    assert error.code == "1008"


@pytest.mark.parametrize("mode", MODES)
def test_a_base_resp_of_success_is_none(mode: str, server: FaultServer) -> None:
    answer = {
        "choices": [
            {"index": 0, "message": {"content": "Sunday"}, "delta": {"content": "Sunday"}, "finish_reason": "stop"}
        ],
        "base_resp": {"status_code": 0, "status_msg": ""},
    }
    event = b"data: %b\n\n" % json.dumps(answer).encode()
    whole = replies.body(json.dumps(answer).encode())
    server.script(replies.body(event, content_type="text/event-stream") if "stream" in mode else whole)
    assert run(mode, at("together", server), {"provider": "together", "model": "m"}).text == "Sunday"
