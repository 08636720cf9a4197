"""Answers as objects: `response_model`, through both clients, streaming and not."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec
import pytest
from helpers.driving import MESSAGES, MODES, run

import g4f_lite
from g4f_lite.call.structured import MisfitError, ResponseModel
from g4f_lite.testing import FaultServer, replies

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
TWO = {"provider": "groq", "fallback_models": [B]}


class Struct(msgspec.Struct):
    city: str
    celsius: float


@dataclass
class Data:
    city: str
    celsius: float


class Typed(TypedDict):
    city: str
    celsius: float


class Inner(msgspec.Struct):
    tags: list[str]


class Outer(msgspec.Struct):
    inner: Inner
    others: list[Inner]
    again: Outer | None = None


class Pydantic:
    """The interface of pydantic's models; pydantic itself is not one of our dependencies."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "title": "Pydantic"}

    @classmethod
    def model_validate_json(cls, text: str) -> Pydantic:
        fields = json.loads(text)
        if not isinstance(fields.get("city"), str):
            raise ValueError("1 validation error for Pydantic\ncity\n  Input should be a valid string")
        return cls(**fields)


GOOD = '{"city": "Paris", "celsius": 21}'
BAD = '{"city": "Paris", "celsius": "warm"}'


@pytest.mark.parametrize("model", [Struct, Data, Typed, Pydantic])
@pytest.mark.parametrize("mode", MODES)
def test_the_answer_is_an_object_of_the_type(mode: str, model: Any, groq: FaultServer) -> None:
    groq.script(replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": model})
    assert outcome.completion is not None
    parsed = outcome.completion.parsed
    city = parsed["city"] if model is Typed else parsed.city
    assert (type(parsed), city) == (dict if model is Typed else model, "Paris")
    sent = groq.received[0].json["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["name"] == model.__name__
    assert sent["json_schema"]["strict"] is True
    assert sent["json_schema"]["schema"]["additionalProperties"] is False
    if model in (Struct, Data):
        assert pickle.loads(pickle.dumps(outcome.completion)).parsed == parsed


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_violates_the_schema_is_sent_back_once_with_the_violation(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD), replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ToolCallError", "ok"]
    first, second = (request.json["messages"] for request in groq.received)
    assert first == MESSAGES
    assert second[:2] == [*MESSAGES, {"role": "assistant", "content": BAD}]
    assert "`$.celsius`" in second[2]["content"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_second_violation_fails_over_with_the_original_messages(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD)).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert groq.models == [A, A, B]
    assert groq.received[2].json["messages"] == MESSAGES
    assert outcome.completion is not None
    assert outcome.completion.parsed.celsius == 21


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_never_fits_is_an_error_that_says_where(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer(BAD))
    outcome = run(mode, {}, {"provider": "groq", "fallback_models": [], "response_model": Data})
    assert isinstance(outcome.error, g4f_lite.ToolCallError)
    assert "the answer does not match Data: Expected `float`, got `str` - at `$.celsius`" in str(outcome.error)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_that_violates_the_schema_is_not_a_success(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD)).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert outcome.error.partial_text == outcome.text == BAD
    for how in ("restart", "continue"):
        outcome = run(mode, {}, {**TWO, "response_model": Struct, "on_interrupt": how})
        assert outcome.completion is not None
        assert outcome.completion.parsed == Struct("Paris", 21.0)
        assert outcome.text == BAD + GOOD


@pytest.mark.parametrize("mode", MODES)
def test_a_tool_call_or_refusal_is_not_parsed(mode: str, groq: FaultServer) -> None:
    call = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for delta in ({"tool_calls": [call]}, {"refusal": "I must not."}):
        groq.script(replies.stream([{"choices": [{"delta": delta, "finish_reason": "stop"}]}]))
        if "stream" not in mode:
            complete = {"choices": [{"message": {"role": "assistant", **delta}, "finish_reason": "stop"}]}
            groq.script(replies.body(json.dumps(complete).encode()))
        outcome = run(mode, {}, {**TWO, "response_model": Struct})
        assert outcome.completion is not None
        assert outcome.completion.parsed is None
        assert len(outcome.trail.attempts) == 1


def test_a_violation_does_not_penalize_the_leg(groq: FaultServer) -> None:
    groq.script(replies.answer(BAD))
    with g4f_lite.Client() as client:
        params = {"messages": MESSAGES, "provider": "groq", "fallback_models": [], "response_model": Struct}
        for _ in range(4):
            with pytest.raises(g4f_lite.ProviderError):
                list(client.chat.completions.create(stream=True, **params))
        assert not client.explain(**params).skipped


def test_a_truncated_answer_is_requested_again_and_not_sent_back(groq: FaultServer) -> None:
    cut = {"choices": [{"message": {"content": '{"city": "Pa'}, "finish_reason": "length"}]}
    groq.on(A, replies.body(json.dumps(cut).encode()), replies.answer(GOOD))
    outcome = run("sync", {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert [request.json["messages"] for request in groq.received] == [MESSAGES, MESSAGES]


def test_json_in_a_code_block_is_read() -> None:
    assert ResponseModel(Struct).parse(f"```json\n{GOOD}\n```\n") == Struct("Paris", 21.0)
    with pytest.raises(MisfitError, match="the answer does not match Struct"):
        ResponseModel(Struct).parse(f"Here you are: {GOOD}")


def test_the_schema_has_an_object_at_its_root_and_closes_all_of_them() -> None:
    schema = ResponseModel(Outer).schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Inner"]["additionalProperties"] is False
    assert schema["$defs"]["Outer"]["properties"]["again"]  # it refers to itself
    assert ResponseModel(Outer).strict is False  # `again` may be omitted
    assert "$defs" not in ResponseModel(Struct).schema


@dataclass
class Loose:
    names: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"response_model": int}, "msgspec Struct, dataclass, TypedDict or pydantic model"),
        ({"response_model": list[int]}, "msgspec Struct, dataclass, TypedDict or pydantic model"),
        ({"response_model": "Weather"}, "has no JSON Schema|must be"),
        ({"response_model": {"type": "object"}}, "must be a type"),
        ({"response_model": object}, "has no JSON Schema|must be"),
        ({"response_model": Struct, "response_format": {"type": "json_object"}}, "not both"),
        ({"response_model": Struct, "n": 2}, "n must be 1"),
    ],
)
def test_an_unusable_response_model_is_refused_before_anything_is_sent(
    params: dict[str, Any], message: str, groq: FaultServer
) -> None:
    with g4f_lite.Client() as client, pytest.raises(g4f_lite.ConfigurationError, match=message):
        client.chat.completions.create(messages=MESSAGES, provider="groq", **params)
    assert not groq.received
    assert ResponseModel(Loose).strict is False
