"""What the gateway refuses or passes on as an error: status, error object, and whether to try again."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
import requests
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite import ConfigurationError
from g4f_lite.testing import FaultServer, replies

ONE_ROUTE = {"routes": ["groq:one"]}


def asked(url: str, body: Any = None, **headers: str) -> requests.Response:
    content = body if isinstance(body, (bytes, str)) else json.dumps(body or {"messages": MESSAGES})
    return requests.post(f"{url}/chat/completions", data=content, headers=headers, timeout=30)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "status", "kind", "code", "retry"),
    [
        (replies.error(400, "bad field"), 400, "invalid_request_error", None, "false"),
        (replies.error(400, "too long", code="context_length_exceeded"), 400, "invalid_request_error",
         "context_length_exceeded", "false"),
        (replies.error(413, "too big"), 413, "invalid_request_error", "request_too_large", "false"),
        (replies.error(401, "bad key"), 502, "upstream_error", "upstream_auth", "false"),
        (replies.error(403, "not for you"), 502, "upstream_error", "upstream_auth", "false"),
        (replies.error(402, "pay"), 502, "upstream_error", "upstream_auth", "false"),
        (replies.error(404, "no model", code="model_not_found"), 404, "invalid_request_error", "model_not_found", "false"),
        (replies.error(429, "slow down", retry_after="400"), 429, "rate_limit_error", "rate_limit_exceeded", "true"),
        (replies.error(500, "broken"), 502, "upstream_error", None, "false"),
        (replies.garbage(), 502, "upstream_error", None, "false"),
        (replies.reset(), 502, "upstream_error", None, "false"),
    ],
)  # fmt: skip
def test_a_failure_of_a_service(
    reply: Any, status: int, kind: str, code: str | None, retry: str, stream: bool, groq: FaultServer
) -> None:
    groq.script(*[reply] * 3)
    with running(tables(groq, client=ONE_ROUTE)) as gateway:
        answer = asked(gateway.base_url, {"messages": MESSAGES, "stream": stream})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], answer.headers["x-should-retry"]) == (status, kind, retry)
    assert code in (None, error["code"])
    assert "gsk_secret" not in answer.text
    assert ("retry-after" in answer.headers) is (status == 429)


def test_the_package_raises_its_own_exceptions_and_asks_once(groq: FaultServer) -> None:
    groq.script(*[replies.error(503, "overloaded")] * 9)
    with running(tables(groq)) as gateway, openai.OpenAI(base_url=gateway.base_url, api_key="k") as client:
        with pytest.raises(openai.InternalServerError, match="no answer from 2 legs"):
            client.chat.completions.create(model="auto", messages=MESSAGES)
    assert len(groq.received) == 2


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("x", 400, "the body is not JSON"),
        ("[]", 400, "not a JSON object"),
        ({"messages": []}, 400, "messages is empty"),
        ({"messages": 5}, 400, "messages"),
        ({"messages": ["x"]}, 400, "messages"),
        ({"messages": MESSAGES, "n": "many", "max_tokens": []}, 400, "n must"),
        ({"messages": MESSAGES, "model": 5}, 400, "model must be a string"),
        ({"messages": MESSAGES, "model": "nobody:has"}, 404, "nobody:has"),
        ({"messages": MESSAGES, "g4f_lite": {"provider": "openai"}}, 400, "not 'provider'"),
        ({"messages": MESSAGES, "x": "y" * 3000}, 413, "more than 2000 bytes"),
    ],
)
def test_a_mistake_of_the_caller_is_told_before_anything_is_sent(
    body: Any, status: int, message: str, groq: FaultServer
) -> None:
    keys = key_table(tpm=10**6, budget={"usd": 1.0})
    route = {"routes": ["openai:gpt-5.6-luna", "groq:openai/gpt-oss-20b"]}
    with running(tables(groq, server={"max_body": 2000}, client=route, keys=keys)) as gateway:
        answer = asked(gateway.base_url, body, **{"x-api-key": KEY})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (status, "false")
    assert message in answer.json()["error"]["message"]
    assert groq.received == []


def test_only_a_valid_key_is_let_in(groq: FaultServer) -> None:
    keys = key_table() | {"old": {"hash": "sha256:" + "0" * 64, "disabled": True}}
    with running(tables(groq, keys=keys)) as gateway:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {KEY}"},
            {"x-api-key": "x" * 999},
        ):
            answer = asked(gateway.base_url, **headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert asked(gateway.base_url, Authorization=f"Bearer {KEY}").status_code == 200
        assert asked(gateway.base_url, **{"x-api-key": KEY}).status_code == 200
    assert len(groq.received) == 2
    assert not any(KEY in str(one.headers) for one in groq.received)


@pytest.mark.parametrize(
    ("expires", "status"), [("2020-01-31", 401), ("2999-01-31", 200), ("2999-01-31T10:00:00+02:00", 200)]
)
def test_a_key_ends(expires: str, status: int, groq: FaultServer) -> None:
    with running(tables(groq, keys=key_table(expires=expires))) as gateway:
        assert asked(gateway.base_url, **{"x-api-key": KEY}).status_code == status


def test_a_key_sees_and_calls_its_own_models_alone(groq: FaultServer) -> None:
    models = {
        "fast": {"routes": ["groq:one", "openai:two"]},
        "big": {"routes": ["openai:three"]},
        "ft:[team]": {"routes": ["openai:tuned"]},
        "claude-*": {"routes": ["openai:claude-*-latest"], "max_tokens": 7},
    }
    with (
        running(tables(groq, models=models, keys=key_table(models=["fast", "ft:[team]", "claude-*"]))) as gateway,
        openai.OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0) as client,
    ):
        assert [one.id for one in client.models.list()] == ["fast", "ft:[team]"]
        with pytest.raises(openai.NotFoundError) as unknown:
            client.chat.completions.create(model="never", messages=MESSAGES)
        with pytest.raises(openai.NotFoundError) as forbidden:
            client.chat.completions.create(model="big", messages=MESSAGES)
        assert str(unknown.value).replace("never", "big") == str(forbidden.value)
        assert groq.received == []
        client.chat.completions.create(model="claude-x", messages=MESSAGES, max_tokens=99)
        client.chat.completions.create(model="claude-x", messages=MESSAGES)
    assert [(one.json["model"], one.json["max_completion_tokens"]) for one in groq.received] == [
        ("claude-x-latest", 7)
    ] * 2


def test_gateways_in_a_circle_end(groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tables(groq)) as first:
        upstream = tables(groq, client={"routes": ["openai:auto"], "base_urls": {"openai": first.base_url}})
        with running(upstream) as second:
            assert asked(second.base_url).status_code == 200
            assert groq.received[0].headers["x-g4f-hops"] == "2"
            answer = asked(second.base_url, **{"x-g4f-hops": "4"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (508, "gateway_loop")


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "example.org:80"])
def test_other_machines_are_let_in_with_keys_alone(listen: str, groq: FaultServer) -> None:
    with pytest.raises(ConfigurationError, match="there are no"), running(tables(groq, server={"listen": listen})):
        pass


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("responses", "here; ask at /v1/chat/completions"),
        *((name, "here") for name in ("batches", "assistants", "uploads", "images/edits", "conversations", "evals")),
        ("message", "did you mean"),
    ],
)
def test_what_is_not_here_leads_nobody_astray(path: str, said: str, groq: FaultServer) -> None:
    with running(tables(groq)) as gateway:
        answer = requests.post(f"{gateway.base_url}/{path}", json={}, timeout=30)
    message = answer.json()["error"]["message"]
    assert answer.status_code == 404 and said in message and ("did you mean" in message) == (path == "message")
