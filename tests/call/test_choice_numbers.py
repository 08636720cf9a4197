"""The only choice of a stream is the first one, whatever index its service gives it: its text is never lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.openai_bodies import whole

from g4f_lite import ChatCompletion, MalformedResponseError, OpenaiTemplate, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies

STREAMS = [mode for mode in MODES if "stream" in mode]
INDEXES = [0, 1, -1, "0", "1", "x", None, 1.0, 0.5, 10**30]


class Example(OpenaiTemplate):
    name = "example"
    default_model = "m"


def event(*choices: dict[str, Any]) -> str:
    return f"data: {json.dumps({**whole({}), 'object': 'chat.completion.chunk', 'choices': choices})}\n\n"


def said(index: object, text: str) -> dict[str, Any]:
    return {"index": index, "delta": {"content": text, "mood": "calm"}, "finish_reason": None}


def over(index: object) -> dict[str, Any]:
    return {"index": index, "delta": {}, "finish_reason": "stop"}


def answer(mode: str, body: str, **params: Any) -> Any:
    with FaultServer() as server:
        server.script(replies.body(body.encode()))
        return run(mode, {"retries": 0}, {"provider": Example(api_base=server.base_url, api_key="k"), **params})


def texts(completion: ChatCompletion) -> list[tuple[int, str | None]]:
    return [(choice.index, choice.message.content) for choice in completion.choices]


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("index", INDEXES)
def test_the_text_of_the_only_choice_is_that_of_the_stream(index: object, mode: str) -> None:
    body = event(said(index, "Hel")) + event(said(index, "lo")) + event(over(index)) + "data: [DONE]\n\n"
    seen = answer(mode, body)
    assert seen.error is None
    assert seen.text == seen.completion.text == "Hello"
    assert texts(seen.completion) == [(0, "Hello")]
    assert seen.completion.choices[0].message.extra == {"mood": "calm"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("index", INDEXES)
def test_a_whole_answer_with_such_an_index_says_the_same(index: object, mode: str) -> None:
    choice = {"index": index, "message": {"content": "Hello", "mood": "calm"}, "finish_reason": "stop"}
    seen = answer(mode, json.dumps({**whole({}), "choices": [choice]}))
    assert seen.error is None
    assert seen.text == seen.completion.text == "Hello"
    assert seen.completion.choices[0].message.extra == {"mood": "calm"}


@pytest.mark.parametrize("mode", STREAMS)
def test_a_choice_that_nobody_asked_for_changes_places_with_the_first(mode: str) -> None:
    body = event(said(1, "Hel")) + event(said(0, "other"), said(1, "lo")) + event(over(1), over(0))
    seen = answer(mode, body)
    assert seen.text == seen.completion.text == "Hello"
    assert texts(seen.completion) == [(0, "Hello"), (1, "other")]


@pytest.mark.parametrize("mode", STREAMS)
def test_several_choices_keep_their_indexes_in_any_order(mode: str) -> None:
    seen = answer(mode, event(said(1, "B")) + event(said(0, "A")) + event(over(1)) + event(over(0)), n=2)
    assert seen.text == "A"
    assert texts(seen.completion) == [(0, "A"), (1, "B")]


@pytest.mark.parametrize("mode", STREAMS)
def test_several_choices_without_a_first_one_are_no_answer(mode: str) -> None:
    seen = answer(mode, event(said(1, "A")) + event(said(2, "B")) + event(over(1), over(2)), n=2)
    assert isinstance(seen.error, StreamInterruptedError)
    assert isinstance(seen.error.__cause__, MalformedResponseError)
    assert "no choice has the index 0: they are 1, 2" in str(seen.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_answer_that_numbers_from_1_is_numbered_from_0_in_a_stream(mode: str) -> None:
    choices = [
        {"index": index, "message": {"content": text}, "finish_reason": "stop"} for index, text in ((1, "A"), (2, "B"))
    ]
    seen = answer(mode, json.dumps({**whole({}), "choices": choices}), n=2)
    assert seen.text == seen.completion.text == "A"
    assert [choice.message.content for choice in seen.completion.choices] == ["A", "B"]
