"""What a third-party provider declares about its service: error codes, waits, limits and content parts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from helpers.catalogue import PROVIDERS
from helpers.driving import MESSAGES, MODES, QUICK, run

from g4f_lite import (
    AsyncClient,
    AuthenticationError,
    ChatCompletion,
    Client,
    ConfigurationError,
    ErrorReply,
    InvalidRequestError,
    NotReadyError,
    OpenaiTemplate,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from g4f_lite.provider.leg import Leg
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.gemini import Gemini

every_mode = pytest.mark.parametrize("mode", MODES)


class Acme(OpenaiTemplate):
    name = "acme"
    needs_auth = False
    default_model = "acme-1"
    error_codes = {
        "plan_expired": QuotaExceededError,
        "engine_full": ServerError,
        "not_found": PermissionDeniedError,
        "acme_limit": RateLimitError,
    }
    error_words = {
        "plan has ended": QuotaExceededError,
        "at most 3": RateLimitError,
        "not found": PermissionDeniedError,
    }
    limit_headers = {"requests": ("x-acme-left", "x-acme-renewed-in")}
    reasoning_parts = {"musing": "words"}

    def requested_wait(self, reply: ErrorReply, *, now: float) -> float | None:
        body = reply.json()
        wait = body.get("come_back_at") if isinstance(body, dict) else None
        return wait - now if isinstance(wait, (int, float)) else None


class Other(OpenaiTemplate):
    name = "other"
    needs_auth = False
    default_model = "other-1"


def failing(server: FaultServer, mode: str, status: int, body: object, **headers: str) -> ProviderError:
    """Return the error of a call that gets this reply."""
    server.script(replies.body(json.dumps(body).encode(), status, **headers))
    provider = Acme(api_base=server.base_url)
    once = {"retry_stop": lambda state: True}
    error = run(mode, once, {"provider": provider, "fallback_models": []}).error
    assert isinstance(error, ProviderError)
    return error


# -- error codes ---------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "plan_expired", QuotaExceededError),
        (403, "PLAN_EXPIRED", QuotaExceededError),
        (429, "engine_full", ServerError),  # the status alone means RateLimitError
        (404, "not_found", PermissionDeniedError),  # a common code means ModelUnavailableError
        (400, "acme_limit", RateLimitError),
        (401, "something_else", AuthenticationError),  # the common rules
    ],
)
def test_a_declared_code_decides_what_an_error_means(
    server: FaultServer, mode: str, status: int, code: str, kind: type[ProviderError]
) -> None:
    error = failing(server, mode, status, {"error": {"message": "No.", "code": code}})
    assert (type(error), error.code, error.status) == (kind, code, status)


@every_mode
@pytest.mark.parametrize(
    ("status", "message", "code", "kind"),
    [
        (400, "Your Plan Has Ended.", None, QuotaExceededError),
        (503, "Your plan has ended: too many tokens", "server_error", QuotaExceededError),  # before the common rules
        (429, "Your plan has ended", "engine_full", ServerError),  # a declared code comes first
        (404, "model not found", "model_not_found", PermissionDeniedError),
        (400, "at most 3 calls", None, RateLimitError),
        (400, "at most 3 calls per day", None, QuotaExceededError),
        (401, "something else", None, AuthenticationError),
    ],
)
def test_declared_words_decide_what_an_error_without_a_declared_code_means(
    server: FaultServer, mode: str, status: int, message: str, code: str | None, kind: type[ProviderError]
) -> None:
    error = failing(server, mode, status, {"error": {"message": message, "code": code}})
    assert (type(error), error.status) == (kind, status)


@pytest.mark.parametrize("code", [4711, "4711"])
def test_a_code_may_be_a_number(code: object) -> None:
    reply = ErrorReply(status=400, body=json.dumps({"error": {"message": "No.", "code": code}}).encode())
    error = Acme(error_codes={"4711": QuotaExceededError}).classify_error(reply)
    assert (type(error), error.code) == (QuotaExceededError, "4711")


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_declared_code_is_read_inside_a_stream(server: FaultServer, mode: str) -> None:
    event = {"error": {"message": "No.", "code": "plan_expired"}}
    server.script(replies.body(b"data: %b\n\n" % json.dumps(event).encode(), content_type="text/event-stream"))
    params = {"provider": Acme(api_base=server.base_url), "fallback_models": [], "retries": 0}
    assert type(run(mode, {}, params).error) is QuotaExceededError


def test_a_declared_rate_limit_per_day_is_a_quota() -> None:
    reply = ErrorReply(status=400, body=b'{"error": {"message": "1000 calls per day", "code": "acme_limit"}}')
    assert type(Acme().classify_error(reply)) is QuotaExceededError


def test_the_codes_of_one_provider_do_not_apply_to_another() -> None:
    reply = ErrorReply(status=429, body=b'{"error": {"message": "Full.", "code": "engine_full"}}')
    assert type(Other().classify_error(reply)) is RateLimitError


# -- not ready yet -------------------------------------------------------------------------

NOT_READY: list[tuple[int, Any]] = [
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),  # llama.cpp
    (503, {"error": "Model gpt2 is currently loading", "estimated_time": 20.0}),  # Hugging Face
    (
        503,
        {"error": {"message": "Deployment is currently scaled to zero and is scaling up.", "code": "X"}},
    ),  # Fireworks
    (503, {"error": {"message": "Please retry", "code": "DEPLOYMENT_SCALING_UP"}}),
    (400, {"error": "Request for unknown model: 'm' is not found, model 'm' is not ready"}),  # Triton
    (503, {"detail": "Service is starting up"}),  # NIM
    (503, {"error": {"message": "The model is being loaded, please wait"}}),
    (500, {"error": {"message": "Worker is warming up"}}),
    (425, {"error": {"code": "model_not_ready"}}),
    (200, {"error": {"message": "model is still loading"}}),
]
READY: list[tuple[int, Any, type[ProviderError]]] = [
    (500, {"error": "error loading model: unknown architecture"}, ServerError),  # Ollama
    (400, {"error": 'Failed to load model "m". Error: out of memory.'}, InvalidRequestError),  # LM Studio
    (503, {"error": "server busy, please try again. maximum pending requests exceeded"}, ServerError),  # Ollama
    (503, {"error": {"message": "Overloaded", "code": "model_loading_failed"}}, ServerError),
    (401, {"error": {"message": "the model is loading"}}, AuthenticationError),
]


@pytest.mark.parametrize(("status", "body"), NOT_READY)
def test_a_service_that_says_that_it_is_loading_is_not_ready(status: int, body: Any) -> None:
    error = Other().classify_error(ErrorReply(status=status, body=json.dumps(body).encode()))
    assert type(error) is NotReadyError


@pytest.mark.parametrize(("status", "body", "kind"), READY)
def test_a_model_that_cannot_be_loaded_is_not_waited_for(status: int, body: Any, kind: type[ProviderError]) -> None:
    assert type(Other().classify_error(ErrorReply(status=status, body=json.dumps(body).encode()))) is kind


@every_mode
def test_a_provider_declares_how_its_service_says_that_it_is_not_ready(server: FaultServer, mode: str) -> None:
    class Brewery(Other):
        not_ready = "^brewing"

    server.script(replies.error(503, "Brewing the model"), replies.answer("here"))
    outcome = run(mode, {}, {"provider": Brewery(api_base=server.base_url), "retries": 0})
    assert outcome.text == "here"
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["NotReadyError", "ok"]
    reply = ErrorReply(status=503, body=b'{"error": "Loading model"}')
    assert type(Brewery().classify_error(reply)) is ServerError


# -- waits ---------------------------------------------------------------------------------


@every_mode
def test_a_wait_in_the_services_own_form_takes_precedence(server: FaultServer, mode: str) -> None:
    body = {"error": {"message": "Please try again in 5s."}, "come_back_at": 4e9}
    error = failing(server, mode, 429, body, retry_after="2")
    assert error.retry_after is not None
    assert error.retry_after > 1e9


@every_mode
def test_a_reply_without_a_declared_wait_is_read_by_the_common_rules(server: FaultServer, mode: str) -> None:
    assert failing(server, mode, 429, {"error": {"message": "Please try again in 5s."}}).retry_after == 5


@every_mode
def test_a_wait_below_zero_is_ignored(server: FaultServer, mode: str) -> None:
    assert failing(server, mode, 429, {"error": {"message": "Slow down."}, "come_back_at": 0}).retry_after is None


# -- limits --------------------------------------------------------------------------------


@every_mode
def test_a_used_up_limit_in_declared_headers_is_the_wait(server: FaultServer, mode: str) -> None:
    headers = {"x_acme_left": "0", "x_acme_renewed_in": "1m30s"}
    assert failing(server, mode, 429, {"error": {"message": "Slow down."}}, **headers).retry_after == 90


async def _twice(settings: dict[str, Any], stream: bool) -> list[str]:
    async with AsyncClient(**settings) as client:
        answered = []
        for _ in range(2):
            if stream:
                chunks = await client.chat.completions.create(messages=MESSAGES, stream=True)
                async for _chunk in chunks:
                    pass
                answered.append(chunks.completion.provider)
            else:
                answered.append((await client.chat.completions.create(messages=MESSAGES)).provider)
        return answered


def answered_by(mode: str, settings: dict[str, Any]) -> list[str]:
    """Return the providers that answer the first and the second call of one client."""
    if mode.startswith("async"):
        return asyncio.run(_twice(settings, "stream" in mode))
    with Client(**settings) as client:
        answered = []
        for _ in range(2):
            if "stream" in mode:
                chunks = client.chat.completions.create(messages=MESSAGES, stream=True)
                list(chunks)
                completion: ChatCompletion = chunks.completion
            else:
                completion = client.chat.completions.create(messages=MESSAGES)
            answered.append(completion.provider)
        return answered


@every_mode
@pytest.mark.parametrize(
    ("headers", "second"),
    [
        ({"x-acme-left": "0", "x-acme-renewed-in": "60"}, "other"),
        ({"x-acme-left": "1", "x-acme-renewed-in": "60"}, "acme"),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60"}, "acme"),  # not declared
    ],
)
def test_a_leg_is_skipped_while_a_limit_in_declared_headers_is_used_up(
    server: FaultServer, mode: str, headers: dict[str, str], second: str
) -> None:
    server.script(replies.answer(headers=headers))
    routes = [Acme(api_base=server.base_url), Other(api_base=server.base_url)]
    assert answered_by(mode, {**QUICK, "routes": routes}) == ["acme", second]


# -- content parts -------------------------------------------------------------------------


@every_mode
def test_declared_parts_are_reasoning(server: FaultServer, mode: str) -> None:
    content = [{"type": "musing", "words": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Sunday"}]
    if "stream" in mode:
        event = {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": "stop"}]}
        body = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(event).encode()
        server.script(replies.body(body, content_type="text/event-stream"))
    else:
        answer = {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}
        server.script(replies.body(json.dumps(answer).encode()))
    completion = run(mode, {}, {"provider": Acme(api_base=server.base_url)}).completion
    assert completion is not None
    assert (completion.text, completion.reasoning) == ("Sunday", "Hm.")


# -- invalid declarations ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"error_codes": ["plan_expired"]}, "error_codes must be a mapping, not list"),
        ({"error_codes": {"PLAN": QuotaExceededError}}, "lower case"),
        ({"error_codes": {"plan": "QuotaExceededError"}}, "'plan': 'QuotaExceededError'"),
        ({"error_codes": {"plan": ValueError}}, "'plan'"),
        ({"error_words": None}, "error_words must be a mapping, not NoneType"),
        ({"error_words": {"Plan ended": QuotaExceededError}}, "error_words .*lower case"),
        ({"error_words": {"plan ended": str}}, "error_words .*'plan ended'"),
        ({"limit_headers": None}, "limit_headers must be a mapping, not NoneType"),
        ({"schema_rules": "strict"}, "schema_rules must be a mapping, not str"),
        ({"schema_rules": {"closd": True}}, "schema_rules: .*closd"),
        ({"limit_headers": {"requests": "x-left"}}, r"\(remaining, reset\); got 'requests'"),
        ({"limit_headers": {"requests": ("X-Left", "x-reset")}}, "lower case"),
        ({"thinking_models": "acme-(1"}, "acme's thinking_models must be a regular expression: missing"),
        ({"thinking_models": ("acme-1",)}, "thinking_models must be a regular expression"),
        ({"working_comments": "at work"}, "working_comments must be a tuple of texts, such as"),
        ({"working_comments": (b"at work",)}, "working_comments must be a tuple of texts"),
        ({"working_comments": None}, "working_comments must be a tuple of texts"),
        ({"not_ready": "brewing ("}, "not_ready must be a regular expression: missing"),
        ({"not_ready": ["brewing"]}, "not_ready must be a regular expression"),
    ],
)
def test_an_invalid_declaration_is_refused_when_the_provider_is_created(
    attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Acme(**attributes)


# -- the bundled providers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "thinking", "others"),
    [
        ("openai", "o3 gpt-5.6-luna gpt-6-sol gpt-10 ft:o4-mini:me", "gpt-4o gpt-5-chat-latest chatgpt-4o-latest"),
        ("azure", "o4-mini gpt-6-sol", "gpt-4o my-deployment gpt-5-chat"),
        ("gemini", "gemini-2.5-pro gemini-3.8-flash models/gemini-2.5-flash", "gemini-3.5-flash-lite gemini-2.0-flash"),
        ("xai", "grok-4.3 grok-4-fast-reasoning grok-3-mini", "grok-4.20-non-reasoning grok-3 grok-2"),
        ("moonshot", "kimi-k3 kimi-k2.6 kimi-k2-thinking", "kimi-k2-0905-preview moonshot-v1-8k"),
        ("zai", "glm-5.3 glm-4.5-air", "glm-4-plus"),
        ("mistral", "magistral-medium-latest", "mistral-small-latest"),
        ("openrouter", "openai/gpt-6-sol x-ai/grok-4 google/gemini-2.5-pro deepseek/deepseek-r1:free",
         "openai/gpt-4o x-ai/grok-4.1-non-reasoning google/gemini-3.1-flash-lite google/gemma-4-31b-it:free"),
        ("dashscope", "qwen3.8-flash qwen3.7-plus qwq-plus qwen3-235b-a22b-thinking-2507", "qwen-plus qwen3-max"),
        ("minimax", "MiniMax-M3 MiniMax-M2.7", "abab6.5s-chat"),
        ("vercel", "openai/gpt-6-sol xai/grok-4 google/gemini-3.5-flash", "openai/gpt-4o google/gemini-3.1-flash-lite"),
        ("cloudflare-gateway", "openai/gpt-5.5 google-ai-studio/gemini-2.5-pro grok/grok-4", "workers-ai/@cf/x/llama"),
        ("vertex", "gemini-3.8-flash", "gemini-3.5-flash-lite"),
        ("vertex-openai", "google/gemini-3.8-flash google/gemini-2.5-pro", "google/gemini-3.5-flash-lite meta/llama-maas"),
        ("together", "deepseek-ai/DeepSeek-R1 Qwen/Qwen3-Next-80B-A3B-Thinking Qwen/QwQ-32B microsoft/phi-4-reasoning",
         "meta-llama/Llama-3.3-70B-Instruct-Turbo acme/unreasonable-2 acme/fast-nonreasoning acme/fast-non_thinking"),
    ],
)  # fmt: skip
def test_models_that_think_are_known(provider: str, thinking: str, others: str) -> None:
    known = {model: Leg(PROVIDERS[provider], model).thinks for model in f"{thinking} {others}".split()}
    assert known == {**dict.fromkeys(thinking.split(), True), **dict.fromkeys(others.split(), False)}


@pytest.mark.parametrize("code", Anthropic.error_codes)
def test_anthropics_codes_are_read_inside_a_stream(code: str) -> None:
    body = json.dumps({"type": "error", "error": {"type": code, "message": "not supported"}}).encode()
    error = Anthropic().classify_error(ErrorReply(status=200, body=body, in_stream=True))
    assert type(error) is Anthropic.error_codes[code]


@every_mode
def test_anthropics_limits_are_read(server: FaultServer, mode: str) -> None:
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2999-01-01T00:00:00Z",
    }
    server.script(replies.answer(headers=headers))
    routes = [Anthropic(api_base=server.base_url, api_key="k"), Other(api_base=server.base_url)]
    assert answered_by(mode, {**QUICK, "routes": routes}) == ["anthropic", "other"]


def test_googles_wait_and_codes_are_read() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Slow down.", "details": details}}
    error = Gemini().classify_error(ErrorReply(status=429, body=json.dumps(body).encode()))
    assert (type(error), error.retry_after) == (RateLimitError, 37)
