"""Texts and events of a hostile service are read in a time that grows with their length, not with its square."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from g4f_lite import ChatCompletionChunk, ChunkChoice, Delta, ToolCallDelta
from g4f_lite.call.json_in_text import json_texts
from g4f_lite.call.structured import MisfitError, ResponseModel
from g4f_lite.call.surrogates import SurrogateJoiner
from g4f_lite.provider.openai_protocol.returned import ReturnedFieldsParser
from g4f_lite.provider.openai_protocol.stream import OpenaiStreamParser
from g4f_lite.types.call_ids import StreamedIds
from g4f_lite.types.http import ServerSentEvent
from g4f_lite.types.size_limits import MAX_CHOICES


@dataclass
class Hero:
    name: str


def tags() -> None:
    assert list(json_texts("<a></a>" * 300_000 + "{}"))[-1] == "{}"


def halves_of_pairs(escape: bytes) -> None:
    joiner = SurrogateJoiner()
    joiner.add_all([ServerSentEvent(data=b'"\\ud83d"')])
    joiner.add_all([ServerSentEvent(data=b'"' + escape * 300_000 + b'x"')])


def misfits() -> None:
    with pytest.raises(MisfitError, match="and many more"):
        ResponseModel(list[Hero]).parse('{"items":[' + '{"name":1},' * 100_000 + "1]}")


def returned_fields() -> None:
    parser = ReturnedFieldsParser(OpenaiStreamParser(), "acme", frozenset({"blocks"}))
    event = ServerSentEvent(data=b'{"choices":[{"index":0,"delta":{"blocks":[' + b"1," * 50 + b"1]}}]}")
    for _ in range(20_000):
        assert list(parser.feed(event))


def pieces_of_many_calls() -> None:
    ids = StreamedIds([])

    def piece(index: int, id: str | None = None) -> ChatCompletionChunk:
        delta = Delta(tool_calls=(ToolCallDelta(index=index, id=id),))
        return ChatCompletionChunk(choices=(ChunkChoice(delta=delta),))

    for index in range(MAX_CHOICES):
        ids.mended(piece(index, str(index)))
    first = piece(0)
    for _ in range(100_000):
        ids.mended(first)


@pytest.mark.parametrize(
    ("read", "args"),
    [
        (tags, ()),
        (halves_of_pairs, (b"\\ud83d",)),
        (halves_of_pairs, (b"\\ude00",)),
        (misfits, ()),
        (returned_fields, ()),
        (pieces_of_many_calls, ()),
    ],
)
def test_hostile_input_is_read_in_linear_time(read: Callable[..., None], args: tuple[Any, ...]) -> None:
    started = time.process_time()
    read(*args)
    assert time.process_time() - started < 4.0  # in quadratic time, several times that
