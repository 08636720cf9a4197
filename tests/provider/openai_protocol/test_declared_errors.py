"""An error at the declared `error_fields` inside a 200 or inside a stream is an error, never an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run

import g4f_lite as g
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply
from g4f_lite.testing.wire import sse

FAULT = {"fault": {"text": "kaboom", "kind": "plan_ended"}}
SAID = {"choices": [{"index": 0, "delta": {"content": "Sun"}, "finish_reason": None}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
WHOLE = {"choices": [{"index": 0, "message": {"content": "Sunday"}, "finish_reason": "stop"}]}


class Corp(g.OpenaiTemplate):
    name = "corp"
    needs_auth = False
    api_base = "http://127.0.0.1:9/v1"
    default_model = "m"
    error_fields = {"message": "fault.text", "code": "fault.kind"}
    error_codes = {"plan_ended": g.QuotaExceededError}


class Done(Corp):
    done_is_enough = True


class Flat(Corp):
    """A service whose errors have no object of their own."""

    error_fields = {"message": "words", "code": "mark"}


def whole(content: Any) -> Reply:
    text = content if isinstance(content, str) else json.dumps(content)
    return replies.body(text.encode(), content_type="application/json")


def asked(mode: str, provider: g.Provider, reply: Any) -> Any:
    with FaultServer() as server:
        server.script(reply)
        return run(
            mode, {"routes": [provider], "base_urls": {"corp": server.base_url}, "retries": 0}, {"provider": provider}
        )


@pytest.mark.parametrize("provider", [Corp(), Done()], ids=["finish", "done"])
@pytest.mark.parametrize("mode", [mode for mode in MODES if "stream" in mode])
@pytest.mark.parametrize("name", [b"", b"event: fault\n"], ids=["unnamed", "named"])
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_a_stream_that_holds_one_fails(provider: g.Provider, mode: str, name: bytes, *, apart: bool) -> None:
    pieces = [sse(SAID), name + sse(FAULT), sse("[DONE]")]
    outcome = asked(mode, provider, replies.stream(pieces if apart else [b"".join(pieces)]))
    assert isinstance(outcome.error, g.StreamInterruptedError), outcome
    assert isinstance(outcome.error.__cause__, g.QuotaExceededError)
    assert "kaboom" in outcome.error.message
    assert outcome.text == "Sun"


@pytest.mark.parametrize("beside", [{}, {"choices": []}, {"usage": None}, SAID], ids=["alone", "empty", "null", "text"])
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_is_one_fails(mode: str, beside: dict[str, Any]) -> None:
    body = {**beside, **FAULT}
    reply = replies.stream([sse(body), sse("[DONE]")]) if "stream" in mode else whole(body)
    outcome = asked(mode, Done(), reply)
    assert type(outcome.error) is g.QuotaExceededError, outcome
    assert (outcome.error.message, outcome.error.code) == ("kaboom", "plan_ended")


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_whole_body_in_place_of_a_stream_fails(mode: str) -> None:
    outcome = asked(mode, Done(), whole(FAULT))
    assert type(outcome.error) is g.QuotaExceededError, outcome


@pytest.mark.parametrize("mode", MODES)
def test_one_without_an_object_of_its_own_fails_if_there_is_nothing_else(mode: str) -> None:
    body = {"words": "kaboom", "mark": "plan_ended"}
    reply = replies.stream([sse(body), sse("[DONE]")]) if "stream" in mode else whole(body)
    outcome = asked(mode, Flat(done_is_enough=True), reply)
    assert type(outcome.error) is g.QuotaExceededError, outcome


@pytest.mark.parametrize(
    ("provider", "beside"),
    [
        (Corp(), {"fault": None}),
        (Corp(), {"fault": {}}),
        (Corp(), {"fault": {"text": "", "kind": ""}}),
        (Corp(), {"fault": {"text": "success", "kind": 0}}),
        (Corp(), {"fault": {"text": "fine", "kind": "OK"}}),
        (Corp(), {"fault": "none"}),
        (Flat(), {"words": "two", "mark": "m-1"}),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_says_that_there_is_none_is_an_answer(
    mode: str, provider: g.Provider, beside: dict[str, Any]
) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    events = [{**one, **beside} for one in (SAID, END, usage)]
    stream = replies.stream([*map(sse, events), sse("[DONE]")])
    outcome = asked(mode, provider, stream if "stream" in mode else whole({**WHOLE, **beside}))
    assert outcome.error is None
    assert outcome.text == ("Sun" if "stream" in mode else "Sunday")


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_name_that_json_escapes_is_found(mode: str, *, escaped: bool) -> None:
    body = json.dumps({"сбой": {"текст": "kaboom"}}, ensure_ascii=escaped)
    provider = Done(error_fields={"message": "сбой.текст"})
    reply = replies.stream([sse(SAID), sse(body), sse("[DONE]")]) if "stream" in mode else whole(body)
    error = asked(mode, provider, reply).error
    assert error is not None
    assert "kaboom" in str(error)


OPERATIONS = {
    "embeddings": lambda api: api.embeddings.create(input="a", provider="corp"),
    "images": lambda api: api.images.generate(prompt="a", provider="corp"),
    "speech": lambda api: api.audio.speech.create(input="a", voice="b", provider="corp"),
    "transcription": lambda api: api.audio.transcriptions.create(file=("a.wav", b"RIFF"), provider="corp"),
}


@pytest.mark.parametrize("fields", [FAULT, {**FAULT, "data": [], "text": "", "object": "list"}], ids=["alone", "empty"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_endpoint_fails_too(operation: str, fields: dict[str, Any]) -> None:
    corp = Corp(
        capabilities=frozenset({"embeddings", "images", "speech", "transcription"}),
        default_models=dict.fromkeys(OPERATIONS, "m"),
    )
    with (
        FaultServer() as server,
        g.Client(routes=[corp], base_urls={"corp": server.base_url}, retries=0) as api,
        pytest.raises(g.QuotaExceededError, match="kaboom"),
    ):
        server.script(whole(fields))
        OPERATIONS[operation](api)


def test_a_list_of_models_fails_too() -> None:
    from g4f_lite.testing.conformance.operations import request_of

    response = g.HTTPResponse(status=200, headers={}, body=json.dumps({**FAULT, "data": []}).encode())
    with pytest.raises(g.ReplyError):
        Corp().parse_operation(request_of(Corp(), "models"), response)
