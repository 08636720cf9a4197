"""However a service cuts its tool calls into pieces, none is lost and none comes twice."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from helpers.driving import MODES, run
from hypothesis import given
from hypothesis import strategies as st

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FunctionCallDelta,
    LocalProvider,
    ToolCallDelta,
)
from g4f_lite.types.call_ids import StreamedIds
from g4f_lite.types.call_pieces import OpenCall
from g4f_lite.types.chunks import CustomCallDelta

Piece = tuple[int | None, str | None, str | None, str]
"""Index, id, name, arguments."""
A1, A2 = '{"a": 1}', '{"a": {"b": "}"}}'

STREAMS: dict[str, tuple[list[Piece], list[tuple[str, str]]]] = {
    "two names at one index": ([(0, None, "f", ""), (0, None, "g", A1)], [("f", "{}"), ("g", A1)]),
    "two names at one index, with one id": ([(0, "x", "f", A1), (0, "x", "g", A2)], [("f", A1), ("g", A2)]),
    "two names at one index, the first cut": ([(0, "x", "f", "{"), (0, "y", "g", A2)], [("f", "{"), ("g", A2)]),
    "one id at two indexes": ([(0, "x", "f", A1), (1, "x", "g", A2)], [("f", A1), ("g", A2)]),
    "one id at two indexes, one name": ([(0, "x", "f", ""), (1, "x", "f", "")], [("f", "{}"), ("f", "{}")]),
    "one id at two indexes, in pieces": (
        [(0, "x", "f", ""), (1, "x", "f", ""), (0, "x", None, A1), (1, "x", None, A2)],
        [("f", A1), ("f", A2)],
    ),
    "a late id": ([(0, None, "f", ""), (0, "x", None, A1)], [("f", A1)]),
    "a late id, with the name again": ([(0, None, "f", ""), (0, "x", "f", A1)], [("f", A1)]),
    "a late id in the middle, with the name again": ([(0, None, "f", '{"a"'), (0, "x", "f", ": 1}")], [("f", A1)]),
    "a late id after the whole": ([(0, None, "f", A1), (0, "x", "f", "")], [("f", A1)]),
    "a late id, with everything again": ([(0, None, "f", A1), (0, "x", "f", A1)], [("f", A1)]),
    "another call with an id": ([(0, None, "f", A1), (0, "x", "f", A2)], [("f", A1), ("f", A2)]),
    "a summary at the end": ([(0, "x", "f", '{"a"'), (0, None, None, ": 1}"), (0, "x", "f", A1)], [("f", A1)]),
    "the id and the name in each piece": ([(0, "x", "f", char) for char in A2], [("f", A2)]),
    "the name in each piece": ([(0, None, "f", char) for char in A2], [("f", A2)]),
    "the name in each piece, no index": ([(None, None, "f", char) for char in A2], [("f", A2)]),
    "another id in each piece": ([(0, "x", "f", "{"), (0, "y", None, "}")], [("f", "{}")]),
    "another id in each piece, with the name": ([(0, str(at), "f", A2[at]) for at in range(len(A2))], [("f", A2)]),
    "another id in each piece, with the name, no index": (
        [(None, str(at), "f", A2[at]) for at in range(len(A2))],
        [("f", A2)],
    ),
    "many pieces, then another call": ([(0, None, "f", char) for char in A2 + A1], [("f", A2), ("f", A1)]),
    "the index only at first": ([(0, "x", "f", ""), (None, None, None, A1)], [("f", A1)]),
    "no index": ([(None, None, "f", ""), (None, None, "f", "")], [("f", "{}"), ("f", "{}")]),
    "no index, by ids": (
        [(None, "x", "f", ""), (None, "y", "g", ""), (None, "x", None, A1), (None, "y", None, A2)],
        [("f", A1), ("g", A2)],
    ),
    "all of it again": ([(0, "x", "f", ""), (0, None, None, A2), (0, None, None, A2)], [("f", A2)]),
    "all of it again after its pieces": (
        [(0, "x", "f", '{"a"'), (0, None, None, ": 1}"), (0, None, None, A1)],
        [("f", A1)],
    ),
    "each piece says all so far": (
        [(0, "x", "f", "")] + [(0, None, None, A2[:end]) for end in range(1, 20)],
        [("f", A2)],
    ),
    "all so far, with id and name": ([(0, "x", "f", A2[:end]) for end in range(1, 20)], [("f", A2)]),
    "an object that begins as its call does": (
        [(0, "x", "f", '{"a": '), (0, None, None, A1 + "}")],
        [("f", '{"a": {"a": 1}}')],
    ),
    "nothing more": ([(0, "x", "f", A1), (0, None, None, "{}"), (0, None, None, "null")], [("f", A1)]),
    "equal calls": ([(0, "x", "f", A1), (0, "y", "f", A1), (0, "z", "f", A1)], [("f", A1)] * 3),
}


def chunk(*pieces: Piece) -> ChatCompletionChunk:
    calls = tuple(
        ToolCallDelta(index=index, id=id, function=FunctionCallDelta(name=name, arguments=arguments))
        for index, id, name, arguments in pieces
    )
    return ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(tool_calls=calls)),))


def called(completion: ChatCompletion) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in completion.tool_calls]


class Calls(LocalProvider):
    name, default_model = "calls", "m"
    pieces: tuple[Piece, ...] = ()

    def stream(self, request: object, *, cancelled: object):  # type: ignore[no-untyped-def]
        for piece in self.pieces:
            yield chunk(piece)
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="tool_calls"),))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("pieces", "expected"), STREAMS.values(), ids=STREAMS)
def test_no_call_is_lost_and_none_comes_twice(pieces: list[Piece], expected: list[tuple[str, str]], mode: str) -> None:
    completion = run(mode, {"routes": [Calls(pieces=tuple(pieces))]}, {}).completion
    assert completion is not None
    assert called(completion) == expected
    assert len({call.id for call in completion.tool_calls}) == len(expected)


@pytest.mark.parametrize(("pieces", "expected"), STREAMS.values(), ids=STREAMS)
def test_the_pieces_that_are_handed_out_say_the_same(pieces: list[Piece], expected: list[tuple[str, str]]) -> None:
    """Also to a caller who joins them by their ids alone: each id is new, and begins a call."""
    ids = StreamedIds(())
    found: dict[str, tuple[str, str]] = {}
    last = ""
    for one in pieces:
        [piece] = ids.mended(chunk(one)).choices[0].delta.tool_calls or ()
        assert piece.function is not None
        last = piece.id or last
        name, arguments = found.get(last, ("", ""))
        found[last] = name or piece.function.name or "", arguments + (piece.function.arguments or "")
    assert [(name, arguments or "{}") for name, arguments in found.values()] == expected


@given(st.dictionaries(st.sampled_from("a{"), st.recursive(st.sampled_from((1, "{", '"')), lambda inner: (
    st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("a{"), inner, max_size=2))), min_size=1), st.data())  # fmt: skip
def test_no_way_of_cutting_arguments_changes_them(arguments: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(arguments, separators=(",", ":"))
    places = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=6)))
    call = OpenCall()
    for start, end in pairwise((0, *places, len(text))):
        call.add(text[start:end])
    assert json.loads("".join(call.arguments)) == arguments


@given(st.lists(st.sampled_from(['"', "\\", "{", "}", "a", ":", '\\"', "{}"]), max_size=12), st.data())
def test_an_object_is_whole_when_its_last_brace_is_closed(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cut = data.draw(st.integers(0, len(text)))
    call, at_once = OpenCall(), OpenCall()
    call.arguments.append(text[:cut])
    call.is_whole()
    call.arguments.append(text[cut:])
    at_once.arguments.append(text)
    assert call.is_whole() == at_once.is_whole()


@pytest.mark.parametrize("nothing", ["{}", "null"])
def test_nothing_before_the_arguments_is_none_of_them(nothing: str) -> None:
    pieces = ((0, "x", "f", nothing), (0, None, None, A2[:5]), (0, None, None, A2[5:]))
    completion = run("sync stream", {"routes": [Calls(pieces=pieces)]}, {}).completion
    assert completion is not None
    assert called(completion) == [("f", A2)]


def test_the_text_for_a_custom_tool_may_say_anything_twice() -> None:
    ids = StreamedIds(())
    handed_out = ""
    for text in ("{}", "{}", "null", "{}null"):
        custom = CustomCallDelta(name=None if handed_out else "run", input=text)
        delta = Delta(tool_calls=(ToolCallDelta(index=0, id="x", custom=custom),))
        one = ids.mended(ChatCompletionChunk(choices=(ChunkChoice(delta=delta),)))
        [mended] = one.choices[0].delta.tool_calls or ()
        assert mended.function is not None
        handed_out += mended.function.arguments or ""
    assert handed_out == "{}{}null{}null"
