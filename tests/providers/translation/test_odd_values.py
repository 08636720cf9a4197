"""Nulls, and counts in another form, as gateways write them into answers of Anthropic, Gemini and Cohere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.protocol_bodies import candidate, chat, ended, message, response, started
from helpers.protocol_reading import parse, seen, streamed

from g4f_lite import ContentFilterError

TEXT = {"type": "text", "text": "Monday"}
MONDAY = candidate({"text": "Monday"})
ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("gemini", response(MONDAY, cachedContentTokenCount=None, promptTokensDetails=[{"modality": None}])),
    ("gemini", response(MONDAY, candidatesTokenCount=None, totalTokenCount=3)),
    ("gemini", response(MONDAY, promptTokenCount=3.0, candidatesTokenCount="4")),
    ("gemini", {**response(MONDAY), "modelVersion": None, "responseId": None, "promptFeedback": None}),
    ("gemini", response(candidate({"text": "Monday", "thought": None}, index=None))),  # type: ignore[arg-type]
    ("gemini", response({**MONDAY, "logprobsResult": {"chosenCandidates": None, "topCandidates": None}})),
    ("gemini", response(candidate({"text": "Monday"}, finish="stop"))),
    ("anthropic", {**message(TEXT), "id": None, "model": None}),
    ("anthropic", message(TEXT, input_tokens=3.0, output_tokens="4")),
    ("cohere", chat({"content": [TEXT]}, billed_units={"input_tokens": 3, "output_tokens": None})),
]


@pytest.mark.parametrize(("who", "body"), ANSWERS, ids=lambda one: str(one)[-70:])
def test_they_cost_no_answer(who: str, body: dict[str, Any]) -> None:
    complete = parse(who, body)
    assert seen(complete) == ("Monday", "", [], "stop")
    assert complete.usage is not None
    assert complete.usage.prompt_tokens == 3
    assert complete.usage.completion_tokens in (0, 4)
    if who == "gemini":
        assert seen(streamed(who, body)) == seen(complete)


def test_they_cost_no_stream() -> None:
    first, *others = started({**TEXT, "text": None, "deltas": [{"type": "text_delta", "text": "Monday"}]})
    first["message"] |= {"id": None, "model": None}
    answer = streamed("anthropic", first, *others, *ended(output_tokens=4.0))
    assert seen(answer) == ("Monday", "", [], "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_a_blocked_prompt_may_have_null_for_candidates() -> None:
    blocked = {"candidates": None, "promptFeedback": {"blockReason": "OTHER"}}
    assert seen(parse("gemini", blocked))[3] == "content_filter"
    with pytest.raises(ContentFilterError):
        streamed("gemini", blocked)


RAW = '{"a": null, "b": 1.0, "c": [null, 2.0]}'


@pytest.mark.parametrize("who", ["anthropic", "gemini"])
def test_arguments_stay_as_they_were_written(who: str) -> None:
    use = {"type": "tool_use", "id": "1", "name": "f", "input": "HERE"}
    whole = {
        "anthropic": message(use, stop="tool_use", input_tokens=3.0),
        "gemini": response(candidate({"functionCall": {"name": "f", "args": "HERE"}}), promptTokenCount=None),
    }[who]
    answer = parse(who, json.dumps(whole).replace('"HERE"', RAW).encode())
    assert [call.function.arguments for call in answer.tool_calls] == [RAW]


@pytest.mark.parametrize("who", ["anthropic", "gemini"])
@pytest.mark.parametrize(("given", "meant"), [('{"day":1}', '{"day":1}'), ("Monday}", '"Monday}"'), ("[1]", '"[1]"')])
def test_an_object_inside_a_string_is_an_object(who: str, given: str, meant: str) -> None:
    whole = {
        "anthropic": message({"type": "tool_use", "id": "1", "name": "f", "input": given}, stop="tool_use"),
        "gemini": response(candidate({"functionCall": {"name": "f", "args": given}})),
    }[who]
    assert [call.function.arguments for call in parse(who, whole).tool_calls] == [meant]
