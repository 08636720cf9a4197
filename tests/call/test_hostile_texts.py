"""Texts and events of a hostile service are read in a time that grows with their length, not with its square."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from helpers.growth import is_linear

from g4f_lite import ChatCompletionChunk, ChunkChoice, Delta, ToolCallDelta
from g4f_lite.call.json_in_text import json_texts
from g4f_lite.call.structured import MisfitError, ResponseModel
from g4f_lite.call.surrogates import SurrogateJoiner
from g4f_lite.provider.openai_protocol.returned import ReturnedFieldsParser
from g4f_lite.provider.openai_protocol.stream import OpenaiStreamParser
from g4f_lite.types.call_ids import StreamedIds
from g4f_lite.types.http import ServerSentEvent
from g4f_lite.types.size_limits import MAX_CHOICES

pytestmark = pytest.mark.no_cover  # it measures time, and the lines that it runs are covered by others


@dataclass
class Hero:
    name: str


def tags(size: int) -> None:
    assert list(json_texts("<a></a>" * size + "{}"))[-1] == "{}"


def halves_of_pairs(escape: bytes) -> Callable[[int], None]:
    def work(size: int) -> None:
        joiner = SurrogateJoiner()
        joiner.add_all([ServerSentEvent(data=b'"\\ud83d"')])
        joiner.add_all([ServerSentEvent(data=b'"' + escape * size + b'x"')])

    return work


def misfits(size: int) -> None:
    with pytest.raises(MisfitError, match="and many more"):
        ResponseModel(list[Hero]).parse('{"items":[' + '{"name":1},' * size + "1]}")


def returned_fields(size: int) -> None:
    parser = ReturnedFieldsParser(OpenaiStreamParser(), "acme", frozenset({"blocks"}))
    event = ServerSentEvent(data=b'{"choices":[{"index":0,"delta":{"blocks":[' + b"1," * 50 + b"1]}}]}")
    for _ in range(size):
        assert list(parser.feed(event))


def pieces_of_many_calls(size: int) -> None:
    ids = StreamedIds([])

    def piece(index: int, id: str | None = None) -> ChatCompletionChunk:
        delta = Delta(tool_calls=(ToolCallDelta(index=index, id=id),))
        return ChatCompletionChunk(choices=(ChunkChoice(delta=delta),))

    for index in range(min(size, MAX_CHOICES)):
        ids.mended(piece(index, str(index)))
    first = piece(0)
    for _ in range(size * 8):
        ids.mended(first)


@pytest.mark.parametrize(
    ("work", "size"),
    [
        (tags, 20_000),
        (halves_of_pairs(b"\\ud83d"), 20_000),
        (halves_of_pairs(b"\\ude00"), 20_000),
        (misfits, 2000),
        (returned_fields, 1000),
        (pieces_of_many_calls, MAX_CHOICES // 8),
    ],
    ids=["tags", "first halves", "second halves", "misfits", "returned fields", "pieces of many calls"],
)
def test_hostile_input_is_read_in_linear_time(work: Callable[[int], None], size: int) -> None:
    assert is_linear(work, size)
