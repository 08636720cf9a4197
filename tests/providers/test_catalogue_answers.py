"""Answers and errors of each bundled service are understood."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from helpers.catalogue import HI, PROVIDERS, SERVICES, at, each_service
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import ChatRequest, OpenaiTemplate
from g4f_lite.errors.reply import ErrorReply
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.http import HTTPResponse, ServerSentEvent


@pytest.mark.no_cover
@each_service
@pytest.mark.parametrize("mode", MODES)
def test_it_answers(name: str, mode: str, server: FaultServer) -> None:
    server.script(replies.answer("It is Sunday"))
    model = PROVIDERS[name].default_model or "m"
    seen = run(mode, at(name, server), {"provider": name, "model": model})
    assert (seen.error, seen.text) == (None, "It is Sunday")
    assert seen.completion is not None and (seen.completion.provider, seen.completion.model) == (name, model)
    [asked] = server.received
    assert asked.path == "/v1/chat/completions"
    header, before = one.auth_header if isinstance(one := SERVICES[name], OpenaiTemplate) else ("", "")
    assert asked.headers[header] == f"{before}k-s3cret"
    assert asked.model == model


class Failing(NamedTuple):
    """A reply, and its exception."""

    reply: replies.Reply
    error: type[g4f_lite.G4FLiteError]


FAILING = {
    "context": Failing(replies.error(400, "too long", code="context_length_exceeded"), g4f_lite.ContextWindowError),
    "invalid": Failing(replies.error(400, "messages are odd"), g4f_lite.InvalidRequestError),
    "parameter": Failing(replies.error(400, "no", param="seed"), g4f_lite.UnsupportedParameterError),
    "blocked": Failing(replies.error(400, "no", code="content_policy_violation"), g4f_lite.ContentFilterError),
    "money": Failing(replies.error(402, "Insufficient Balance"), g4f_lite.QuotaExceededError),
    "forbidden": Failing(replies.error(403, "not you"), g4f_lite.PermissionDeniedError),
    "gone": Failing(replies.error(404, "no such model"), g4f_lite.ModelUnavailableError),
    "large": Failing(replies.error(413, "too large"), g4f_lite.RequestTooLargeError),
    "often": Failing(replies.error(429, "slow down", retry_after="60"), g4f_lite.RateLimitError),
    "server": Failing(replies.error(500, "oops"), g4f_lite.ServerError),
    "page": Failing(replies.html(), g4f_lite.MalformedResponseError),
    "broken": Failing(replies.cut(), g4f_lite.StreamInterruptedError),
    "key": Failing(replies.error(401, "Incorrect API key provided: k-s3cret"), g4f_lite.AuthenticationError),
}


@pytest.mark.no_cover
@each_service
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_each_error_reply_raises_its_exception_and_shows_no_key(name: str, mode: str, server: FaultServer) -> None:
    for model, failing in FAILING.items():
        server.on(model, failing.reply)
        params = {"provider": name, "model": model, "fallback_models": [], "retries": 0, "deadline": 20.0}
        error = run(f"{mode} stream" if model == "broken" else mode, at(name, server), params).error
        assert type(error) is failing.error, (model, error)
        assert "s3cret" not in f"{error!r} {error} {error.trail}"


ERRORS: list[tuple[str, int, Any, type[g4f_lite.G4FLiteError]]] = [
    ("openai", 429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, g4f_lite.QuotaExceededError),
    ("openai", 400, {"error": {"message": "Unsupported value: 'temperature' does not support 0.5 with this model.",
     "param": "temperature", "code": "unsupported_value"}}, g4f_lite.UnsupportedParameterError),
    ("together", 404, {"error": "Unable to access model gpt-4", "request_id": "x"}, g4f_lite.ModelUnavailableError),
    ("fireworks", 404, {"fault": {"faultstring": "Model not found, inaccessible, and/or not deployed",
     "detail": {"errorcode": "NOT_FOUND"}}}, g4f_lite.ModelUnavailableError),
    ("deepinfra", 422, {"detail": [{"loc": ["body", "top_p"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
     g4f_lite.UnsupportedParameterError),
    ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, g4f_lite.QuotaExceededError),
    ("mistral", 422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "metadata"],
     "msg": "Extra inputs are not permitted"}]}, "type": "invalid_request_error"}, g4f_lite.UnsupportedParameterError),
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***."}, g4f_lite.AuthenticationError),
    ("xai", 403, {"code": "The caller does not have permission", "error": "Your newly created team doesn't have any credits yet."},
     g4f_lite.QuotaExceededError),
    ("openrouter", 402, {"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens"}}, g4f_lite.QuotaExceededError),
    ("nvidia", 404, {"status": 404, "title": "Not Found", "detail": "Function 'x': Not found for account 'y'"}, g4f_lite.ModelUnavailableError),
    ("nvidia", 429, {"status": 429, "title": "Too Many Requests"}, g4f_lite.RateLimitError),
    ("sambanova", 410, {"error": {"message": "Model x has been removed", "type": "x"}, "request_id": "r"}, g4f_lite.ModelUnavailableError),
    ("huggingface", 401, {"error": "Invalid username or password."}, g4f_lite.AuthenticationError),
    ("cloudflare", 400, {"success": False, "errors": [{"code": 5007, "message": "No such model @cf/x or task"}]}, g4f_lite.ModelUnavailableError),
    ("cloudflare", 429, {"success": False, "errors": [{"code": 3036, "message": "you have used up your daily free allocation of 10,000 neurons"}]},
     g4f_lite.QuotaExceededError),
    ("llamacpp", 400, {"error": {"code": 400, "message": "the request exceeds the available context size",
     "type": "exceed_context_size_error", "n_ctx": 4096}}, g4f_lite.ContextWindowError),
    ("ollama", 404, {"error": {"message": "model 'x' not found, try pulling it first", "type": "not_found_error"}}, g4f_lite.ModelUnavailableError),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "body", "error"), ERRORS, ids=[f"{name}-{status}" for name, status, _, _ in ERRORS]
)
def test_its_own_errors_are_understood(name: str, status: int, body: Any, error: type[g4f_lite.G4FLiteError]) -> None:
    read = SERVICES[name].classify_error(ErrorReply(status=status, body=json.dumps(body).encode()))
    assert type(read) is error, read
    assert read.message


def test_xai_counts_reasoning_as_part_of_the_answer() -> None:
    usage = {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }  # fmt: skip
    xai = SERVICES["xai"]

    def whole(**changes: int) -> int:
        body = {"choices": [{"message": {"content": "x"}}], "usage": {**usage, **changes}}
        read = xai.parse_response(HTTPResponse(status=200, body=json.dumps(body).encode())).usage
        assert read is not None
        return read.completion_tokens

    assert whole() == 105
    assert whole(completion_tokens=105) == 105  # in case the service documents it
    stream = xai.new_stream(ChatRequest(messages=HI))
    events = [{"choices": [{"delta": {"content": "x"}}]}, {"choices": [], "usage": usage}]
    chunks = [chunk for event in events for chunk in stream.feed(ServerSentEvent(data=json.dumps(event).encode()))]
    assert [chunk.usage and chunk.usage.completion_tokens for chunk in chunks] == [None, 105]
    assert list(stream.feed(ServerSentEvent(data=b"[DONE]"))) == [] and stream.done  # type: ignore[attr-defined]
    assert whole(total_tokens=15) == 5
    nothing = xai.parse_response(HTTPResponse(status=200, body=b'{"choices": [{"message": {"content": "x"}}]}'))
    assert nothing.usage is None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1008, g4f_lite.QuotaExceededError),
        (2013, g4f_lite.InvalidRequestError),
        (2013, g4f_lite.ContextWindowError),
    ],
)
def test_an_error_of_minimax_with_status_200_is_no_answer(
    code: int, error: type[g4f_lite.G4FLiteError], mode: str, server: FaultServer
) -> None:
    message = "no, context window exceeds limit" if error is g4f_lite.ContextWindowError else "no"
    outcome = json.dumps({"base_resp": {"status_code": code, "status_msg": message}, "choices": None}).encode()
    if "stream" in mode:
        server.script(replies.body(b"data: " + outcome + b"\n\n", **{"content-type": "text/event-stream"}))
    else:
        server.script(replies.body(outcome))
    params = {"provider": "minimax", "fallback_models": [], "retries": 0, "deadline": 20.0}
    raised = run(mode, at("minimax", server), params).error
    assert type(raised) is error and raised.message.startswith("no")  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("both", [False, True], ids=["details", "both"])
@pytest.mark.parametrize("name", ["minimax", "openrouter"])
def test_thoughts_in_details_are_read_once(name: str, both: bool, mode: str, server: FaultServer) -> None:
    def said(thought: str) -> dict[str, Any]:
        details = {"reasoning_details": [{"type": "reasoning.text", "text": thought}]}
        return {**details, **({"reasoning_content": thought} if both else {})}

    if "stream" in mode:
        deltas = [said("Let me "), said("think."), {"content": "Sunday"}]
        events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        events[-1]["choices"][0]["finish_reason"] = "stop"
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
        server.script(replies.body(body, **{"content-type": "text/event-stream"}))
    else:
        message = {"role": "assistant", "content": "Sunday", **said("Let me think.")}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        server.script(replies.body(body))
    seen = run(mode, at(name, server), {"provider": name})
    assert seen.completion is not None
    assert (seen.text, seen.completion.reasoning) == ("Sunday", "Let me think.")
    assert server.received[0].json.get("reasoning_split") is (True if name == "minimax" else None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("details", [[{"type": "reasoning.text", "text": None}], ["Hm."], {"text": "Hm."}])
def test_thoughts_of_minimax_in_another_shape_cost_no_answer(mode: str, details: Any, server: FaultServer) -> None:
    said = {"content": "Sunday", "reasoning_details": details}
    if "stream" in mode:
        server.script(replies.stream([{"choices": [{"index": 0, "delta": said, "finish_reason": "stop"}]}]))
    else:
        server.script(replies.answer(**said))
    assert run(mode, at("minimax", server), {"provider": "minimax", "fallback_models": []}).text == "Sunday"


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_of_minimax_that_reports_no_error_is_one(mode: str, server: FaultServer) -> None:
    fine = {"base_resp": {"status_code": 0, "status_msg": ""}}
    if "stream" in mode:
        chunk = {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}], **fine}
        server.script(replies.body(f"data: {json.dumps(chunk)}\n\n".encode(), **{"content-type": "text/event-stream"}))
    else:
        server.script(replies.answer("ok", **fine))
    assert run(mode, at("minimax", server), {"provider": "minimax"}).text == "ok"


@pytest.mark.parametrize("field", ["message", "Message"])
def test_the_code_of_an_error_of_aws_is_in_its_header(field: str) -> None:
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    reply = ErrorReply(status=429, headers=headers, body=json.dumps({field: "Too many requests"}).encode())
    read = SERVICES["bedrock"].classify_error(reply)
    assert (read.code, read.message) == ("ThrottlingException", "Too many requests")


AZURE_KEY, ENTRA_TOKEN = "0123456789abcdef0123456789abcdef", "eyJ0eXAi.eyJhdWQi.c2lnbmF0dXJl"


@pytest.mark.parametrize("mode", MODES)
def test_azure_gets_a_key_as_a_key_and_a_token_as_a_token(mode: str, server: FaultServer) -> None:
    for key, header, value in (
        (AZURE_KEY, "api-key", AZURE_KEY),
        (ENTRA_TOKEN, "authorization", f"Bearer {ENTRA_TOKEN}"),
        (lambda: ENTRA_TOKEN, "authorization", f"Bearer {ENTRA_TOKEN}"),
    ):
        settings = {**at("azure", server), "keys": {"azure": key}}
        assert run(mode, settings, {"provider": "azure", "model": "d"}).text == "ok"
        sent = server.received[-1].headers
        assert sent[header] == value
        assert {"api-key", "authorization"} - sent.keys() == {"api-key", "authorization"} - {header}


def test_a_token_of_entra_id_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> None:
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", ENTRA_TOKEN)
    settings = {"base_urls": {"azure": server.base_url}}
    with g4f_lite.Client(**settings) as client:  # type: ignore[arg-type]
        client.chat.completions.create(messages=list(HI), provider="azure", model="d")
        client.embeddings.create(input="x", provider="azure", model="d")
    assert [one.headers["authorization"] for one in server.received] == [f"Bearer {ENTRA_TOKEN}"] * 2
