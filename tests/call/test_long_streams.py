"""A stream of many chunks is assembled some at a time: nobody else waits long for it."""

from __future__ import annotations

import json

import pytest
from helpers.clocks import FakeClock

from g4f_lite import OpenaiTemplate, Timeouts
from g4f_lite.call.chunk_reader import ChunkReader
from g4f_lite.provider.leg import Leg
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.time_limit import TimeLimit

PIECE = 1 << 14


class Talkative(OpenaiTemplate):
    name = "talkative"
    api_base = "http://127.0.0.1:1/v1"
    needs_auth = False
    default_model = "m"


def open_reader() -> ChunkReader:
    leg = Leg(Talkative(), "m", None)
    limit = TimeLimit(FakeClock(0.0), Timeouts(), 300.0, stream=True)
    request = ChatRequest(messages=({"role": "user", "content": "Talk!"},), model="m")
    return ChunkReader(leg, request, limit, leg.provider.classify_error, status=200, headers={})


def event(text: str, index: int = 0) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": index, "delta": {"content": text}}]}).encode() + b"\n\n"


def test_chunks_are_assembled_some_at_a_time() -> None:
    reader = open_reader()
    body = b"".join(event(f"word{number} ") for number in range(20_000))
    let_go = []
    for start in range(0, len(body), PIECE):
        kept = len(reader.chunks)
        came = len(reader.feed(body[start : start + PIECE]))
        let_go.append(kept + came - len(reader.chunks))
    assert sum(let_go) > 15_000
    assert max(let_go) < 1500
    assert reader.completion().text == "".join(f"word{number} " for number in range(20_000))


@pytest.mark.parametrize("events", [10, 9000])
@pytest.mark.parametrize("indexes", [(0,), (0, 1), (2, 1), (1, 0, 2)])
def test_the_text_so_far_is_that_of_the_completion(indexes: tuple[int, ...], events: int) -> None:
    reader = open_reader()
    body = b"".join(event(f"{number} ", indexes[number % len(indexes)]) for number in range(events))
    for start in range(0, len(body), PIECE):
        reader.feed(body[start : start + PIECE])
    text = reader.text
    assert text
    assert text == reader.completion().text == reader.text
