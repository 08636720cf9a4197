"""Ids of tool calls are distinct, however a service numbers its calls and cuts them into pieces."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    FunctionCall,
    FunctionCallDelta,
    Message,
    ToolCall,
    ToolCallDelta,
)
from g4f_lite.types.assembly import assemble
from g4f_lite.types.call_ids import StreamedIds, made_id, with_distinct_ids

Piece = tuple[int | None, str | None, str | None, str]
"""Index, id, name, arguments."""

STREAMS: dict[str, tuple[list[list[Piece]], list[tuple[str, str, str]]]] = {
    "ids once, arguments in pieces": (
        [[(0, "a", "f", "")], [(0, None, None, "{")], [(1, "b", "g", "")], [(0, None, None, "}"), (1, "", None, "{}")]],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "the id in each piece": (
        [[(0, "a", "f", "{")], [(0, "a", "f", "}")], [(1, "b", "f", "{}")], [(0, "a", "f", "")]],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "no ids": (
        [[(0, None, "f", "{"), (1, "", "f", "")], [(0, None, None, "}"), (1, None, None, "{}")]],
        [("made 0", "f", "{}"), ("made 1", "f", "{}")],
    ),
    "no ids, whole calls, all at index 0": (
        [[(0, None, "f", '{"a": 1}')], [(0, None, "f", '{"a": 2}')]],
        [("made 0", "f", '{"a": 1}'), ("made 1", "f", '{"a": 2}')],
    ),
    "no ids, no indexes": (
        [[(None, None, "f", "{")], [(None, None, None, "}")], [(None, None, "g", "{}")]],
        [("made 0", "f", "{}"), ("made 1", "g", "{}")],
    ),
    "one id for two calls, in pieces": (
        [[(0, "x", "f", "{")], [(1, "x", "g", "{")], [(1, "x", None, "}")], [(0, "x", None, "}")]],
        [("x", "f", "{}"), ("made 1", "g", "{}")],
    ),
    "all at index 0 with ids of their own": (
        [[(0, "a", "f", "{}")], [(0, "b", "g", "{}")]],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "the name in each piece, no id": (
        [[(0, None, "f", '{"a"')], [(0, None, "f", ": 1}")]],
        [("made 0", "f", '{"a": 1}')],
    ),
}


def chunk(pieces: list[Piece]) -> ChatCompletionChunk:
    calls = tuple(
        ToolCallDelta(index=index, id=id, function=FunctionCallDelta(name=name, arguments=arguments))
        for index, id, name, arguments in pieces
    )
    return ChatCompletionChunk(id="answer", choices=(ChunkChoice(delta=Delta(tool_calls=calls)),))


def expected_id(name: str) -> str:
    return made_id("answer", 0, int(name[5:])) if name.startswith("made ") else name


@pytest.mark.parametrize(("pieces", "expected"), STREAMS.values(), ids=STREAMS)
def test_each_streamed_call_has_an_id_of_its_own(
    pieces: list[list[Piece]], expected: list[tuple[str, str, str]]
) -> None:
    ids = StreamedIds(())
    chunks = [ids.mended(chunk(one)) for one in pieces]
    found = [(call.id, call.function.name, call.function.arguments) for call in assemble(chunks).tool_calls]
    assert found == [(expected_id(id), name, arguments) for id, name, arguments in expected]


def test_chunks_that_need_nothing_are_not_copied() -> None:
    ids = StreamedIds(())
    for pieces in STREAMS["ids once, arguments in pieces"][0]:
        one = chunk(pieces)
        assert ids.mended(one) is one


def test_each_call_of_a_whole_answer_has_an_id_that_its_conversation_does_not_have() -> None:
    def answer(*ids: str) -> ChatCompletion:
        calls = tuple(ToolCall(id=id, function=FunctionCall(name="f", arguments="{}")) for id in ids)
        return ChatCompletion(id="answer", choices=(Choice(message=Message(tool_calls=calls)),))

    whole = answer("a", "b")
    assert with_distinct_ids(whole, ()) is whole
    made = [made_id("answer", 0, number) for number in range(3)]
    assert [call.id for call in with_distinct_ids(answer("", "a", "a"), ()).tool_calls] == [made[0], "a", made[2]]
    earlier: list[Any] = [{"role": "assistant", "tool_calls": [{"id": made[0]}, 7]}]
    assert [call.id for call in with_distinct_ids(answer(""), earlier).tool_calls] == [made_id("answer", 0, 0, 1)]


def test_arguments_are_read_again_a_few_times_only() -> None:
    """Some services repeat the name with each piece; reading all arguments with each one takes quadratic time."""
    ids = StreamedIds(())
    pieces = [ToolCallDelta(index=0, function=FunctionCallDelta(name="f", arguments='{"a": "}'))]
    pieces += [ToolCallDelta(index=0, function=FunctionCallDelta(name="f", arguments="}"))] * 500
    looks = 0

    def count(frame: Any, event: str, function: Any) -> None:
        nonlocal looks
        looks += event == "c_call" and function.__name__ == "join"  # of the pieces, to read them

    sys.setprofile(count)
    try:
        for piece in pieces:
            ids.mended(ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(tool_calls=(piece,))),)))
    finally:
        sys.setprofile(None)
    assert 0 < looks <= 32
