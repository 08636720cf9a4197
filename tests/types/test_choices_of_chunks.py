"""The text of a chunk is that of the first choice, in whichever order and however often a service sends choices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.openai_bodies import whole

from g4f_lite import ChatCompletionChunk, ChunkChoice, Delta, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies


class Example(OpenaiTemplate):
    name = "example"
    default_model = "m"


def chunk(*texts: tuple[int, str]) -> ChatCompletionChunk:
    return ChatCompletionChunk(
        choices=tuple(ChunkChoice(index=index, delta=Delta(content=text, reasoning=text)) for index, text in texts)
    )


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        ([(0, "a")], "a"),
        ([(0, "a"), (0, "b")], "ab"),
        ([(1, "b"), (0, "a")], "a"),
        ([(0, "a"), (1, "b")], "a"),
        ([(1, "b")], ""),
        ([], ""),
    ],
)
def test_the_text_of_a_chunk_is_all_that_the_first_choice_says(texts: list[tuple[int, str]], first: str) -> None:
    assert chunk(*texts).text == first
    assert chunk(*texts).reasoning == first


@pytest.mark.parametrize("mode", MODES)
def test_choices_without_numbers_are_not_joined(mode: str) -> None:
    """A service that does not stream sends one answer, also to who asked for a stream."""
    both: list[dict[str, Any]] = [
        {"message": {"content": "One"}, "finish_reason": "stop"},
        {"message": {"content": "Two"}, "finish_reason": "stop"},
    ]
    with FaultServer() as server:
        server.script(replies.body(json.dumps({**whole({}), "choices": both}).encode()))
        provider = Example(api_base=server.base_url, api_key="k-of-the-tests")
        seen = run(mode, {}, {"provider": provider, "n": 2})
    assert seen.completion is not None, seen.error
    assert seen.text == "One"
    assert [choice.message.content for choice in seen.completion.choices] == ["One", "Two"]
