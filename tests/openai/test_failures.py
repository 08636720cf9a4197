"""What fails is raised as the packages' own exceptions, as often tried as they say."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from helpers.openai_clients import ASKERS, Asker, M

import g4f_lite
from g4f_lite import Client
from g4f_lite.openai import OpenAI, Transport
from g4f_lite.testing import FaultServer, replies

each = pytest.mark.parametrize("asker", ASKERS, ids=str)
ONCE = {"max_retries": 0}
STATUSES = {
    400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError",
    409: "ConflictError", 422: "UnprocessableEntityError", 429: "RateLimitError", 500: "InternalServerError",
    503: "InternalServerError", 529: "InternalServerError",
}  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
@each
def test_an_error_status_is_the_packages_own_exception(
    asker: Asker, stream: bool, status: int, server: FaultServer
) -> None:
    error = replies.error(status, "it says no", code="its_code", param="model", x_request_id="req_9")
    server.script(error)
    kind = getattr(asker.package, STATUSES[status])
    with pytest.raises(kind, match="it says no") as raised:
        asker(server, "chat.completions.create", model="m", messages=M, stream=stream, settings=ONCE)
    assert raised.value.status_code == status
    assert raised.value.response.headers["x-request-id"] == "req_9"
    body = raised.value.body.get("error", raised.value.body)
    assert (body["message"], body["code"], body["param"]) == ("it says no", "its_code", "model")
    trail = json.loads(raised.value.response.headers["x-g4f-trail"])
    assert [one["status"] for one in trail["attempts"]] == [status]
    assert len(server.received) == 1


@pytest.mark.parametrize("method", ["embeddings.create", "models.list", "audio.speech.create"])
@each
def test_other_endpoints_raise_them_too(asker: Asker, method: str, server: FaultServer) -> None:
    server.script(replies.error(404, "no such model", code="model_not_found"))
    keywords: dict[str, dict[str, Any]] = {
        "embeddings.create": {"model": "m", "input": "a"},
        "audio.speech.create": {"model": "m", "input": "a", "voice": "v"},
    }
    with pytest.raises(asker.package.NotFoundError, match="no such model"):
        asker(server, method, **keywords.get(method, {}))


@each
def test_retries_are_counted_by_the_package(asker: Asker, server: FaultServer) -> None:
    busy = replies.error(429, "slow down", retry_after_ms="1")
    server.script(busy, replies.error(503, "busy", retry_after_ms="1"), replies.answer("at last"))
    raw = asker(server, "chat.completions.with_raw_response.create", model="m", messages=M)
    assert raw.headers["x-g4f-attempts"] == "1"
    assert len(server.received) == 3
    assert [one.headers["x-stainless-retry-count"] for one in server.received] == ["0", "1", "2"]
    server.script(busy)
    with pytest.raises(asker.package.RateLimitError) as raised:
        asker(server, "chat.completions.create", model="m", messages=M, settings={"max_retries": 1})
    assert len(server.received) == 5
    assert "x-should-retry" not in raised.value.response.headers
    asker(server.script(replies.answer("ok")), "chat.completions.create", model="m", messages=M)


def test_a_failure_is_not_remembered(server: FaultServer) -> None:
    statuses = (401, 402, 403, 404, 500, 500, 500, 500, 429)
    failures = [replies.error(status, "no", code="model_not_found", retry_after="3600") for status in statuses]
    server.script(*failures, replies.answer("now"))
    with OpenAI(api_key="k", base_url=server.base_url, max_retries=0) as client:
        for status in statuses:
            with pytest.raises(openai.APIStatusError) as raised:
                client.chat.completions.create(model="m", messages=M)
            assert raised.value.status_code == status
        assert client.chat.completions.create(model="m", messages=M).choices[0].message.content == "now"
    assert len(server.received) == 10


@each
def test_a_wait_that_the_service_asks_for_is_passed_on(asker: Asker, server: FaultServer) -> None:
    server.script(replies.error(429, "slow down", retry_after="7"))
    with pytest.raises(asker.package.RateLimitError) as raised:
        asker(server, "chat.completions.create", model="m", messages=M, settings=ONCE)
    assert raised.value.response.headers["retry-after"] == "7"


@each
def test_no_connection_is_a_connection_error(asker: Asker, server: FaultServer) -> None:
    server.script(replies.reset())
    with pytest.raises(asker.package.APIConnectionError) as raised:
        asker(server, "chat.completions.create", model="m", messages=M, settings=ONCE)
    assert isinstance(raised.value.__cause__.__cause__, g4f_lite.ConnectionFailedError)
    address = {"base_url": "http://127.0.0.1:9/v1", **ONCE}
    with pytest.raises(asker.package.APIConnectionError):
        asker(server, "embeddings.create", model="m", input="a", settings=address)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("timeout", [0.2, httpx.Timeout(30, read=0.2)])
@each
def test_a_timeout_is_a_timeout(asker: Asker, timeout: Any, stream: bool, server: FaultServer) -> None:
    server.script(replies.silence())
    with pytest.raises(asker.package.APITimeoutError) as raised:
        asker(server, "chat.completions.create", model="m", messages=M, stream=stream, timeout=timeout, settings=ONCE)
    assert raised.value.__cause__.__cause__.trail.attempts
    with pytest.raises(asker.package.APITimeoutError):
        asker(server, "embeddings.create", model="m", input="a", settings={**ONCE, "timeout": timeout})


@pytest.mark.parametrize("timeout", [None, httpx.Timeout(None), httpx.Timeout(5, connect=None)])
@each
def test_there_may_be_no_timeout(asker: Asker, timeout: Any, server: FaultServer) -> None:
    chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True, timeout=timeout)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert asker(server, "models.list", settings={"timeout": timeout}).data


@each
def test_a_timeout_of_a_stream_counts_silence_only(asker: Asker, server: FaultServer) -> None:
    events = [part for number in range(5) for part in (replies.Pause(0.5), _event(f"{number} "))]
    server.script(replies.stream([*events, _event("", "stop"), "[DONE]"]))
    chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True, timeout=2.0)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "0 1 2 3 4 "


def _event(text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@pytest.mark.parametrize("how", ["end", "close", "reset"])
@each
def test_an_interrupted_stream_is_an_error(asker: Asker, how: Any, server: FaultServer) -> None:
    server.script(replies.cut(2, how=how))
    with pytest.raises(asker.package.APIError, match="interrupted") as raised:
        asker(server, "chat.completions.create", model="m", messages=M, stream=True)
    assert raised.value.body["code"] == "stream_interrupted"


@each
def test_an_error_inside_a_stream_is_an_error(asker: Asker, server: FaultServer) -> None:
    server.script(replies.error(500, "it broke", after=2))
    with pytest.raises(asker.package.APIError, match="it broke"):
        asker(server, "chat.completions.create", model="m", messages=M, stream=True)


@pytest.mark.parametrize("fault", [replies.html(200), replies.garbage()])
@each
def test_what_is_no_answer_is_an_error(asker: Asker, fault: replies.Reply, server: FaultServer) -> None:
    server.script(fault)
    with pytest.raises(asker.package.APIError):
        asker(server, "chat.completions.create", model="m", messages=M, settings=ONCE)


@each
def test_a_request_that_cannot_be_sent_is_a_bad_request(asker: Asker, server: FaultServer) -> None:
    with pytest.raises(asker.package.BadRequestError, match="input"):
        asker(server, "embeddings.create", model="m", input=[])
    with pytest.raises(asker.package.BadRequestError, match="JSON object"):
        asker(server, "post", "/chat/completions", cast_to=object, body=["no", "object"])
    assert not server.received


def test_our_own_errors_have_the_status_of_their_kind() -> None:
    with Client(routes=["groq", "cerebras"]) as client, httpx.Client(transport=Transport(client)) as http:
        real = openai.OpenAI(api_key="k", http_client=http)
        with pytest.raises(openai.AuthenticationError, match="GROQ_API_KEY") as raised:
            real.chat.completions.create(model="", messages=M)
        assert raised.value.response.headers["x-should-retry"] == "false"
        with pytest.raises(openai.NotFoundError, match="no provider lists") as missing:
            real.chat.completions.create(model="a-model-of-nobody", messages=M)
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.NotFoundError, match="not answered here"):
            real.moderations.create(input="x")
