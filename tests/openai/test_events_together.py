"""The events of chunks that came together are those of each."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from g4f_lite import ChatCompletionChunk, ChunkChoice, Delta
from g4f_lite.openai.mapping.events import Events

CALL = [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def chunk(delta: Any, finish: str | None = None, **more: Any) -> ChatCompletionChunk:
    event = {
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more,
    }  # fmt: skip
    return of_json(msgspec.json.encode({name: value for name, value in event.items() if value != "-"}))


def of_json(raw: bytes) -> ChatCompletionChunk:
    return msgspec.structs.replace(msgspec.json.decode(raw, type=ChatCompletionChunk), raw_json=raw)


PLAIN = [chunk({"role": "assistant", "content": ""}), chunk({"content": "word"}), chunk({}, "stop"),
         chunk({"content": "x"}, system_fingerprint="f", x_groq={"id": "r"}),
         chunk({}, choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})]  # fmt: skip
ODD = [
    chunk({"content": "x"}, id="-"),
    chunk({"tool_calls": CALL}),
    chunk({"content": "x"}, choices=[{"index": 0, "delta": {"content": "x"}}]),
    ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="made here")),)),
    msgspec.structs.replace(chunk({"content": "said"}), choices=(ChunkChoice(delta=Delta(content="mended")),)),
    of_json(b'{"id": "1", "object": "o", "created": 1, "model": "m",\n"choices": []}'),
]


@pytest.mark.parametrize("seed", range(40))
def test_together_and_each_by_itself(seed: int) -> None:
    choice = random.Random(seed)
    chunks = [choice.choice(PLAIN if choice.random() < 0.8 else ODD) for _ in range(choice.randint(1, 6))]
    together = Events().of_all(chunks)
    assert together == b"".join(Events().of(one) for one in chunks)
    for event in together.split(b"\n\n")[:-1]:
        assert event.startswith(b"data: {") and b"\n" not in event
        assert msgspec.json.decode(event[6:]).keys() >= {"id", "object", "created", "model", "choices"}


def test_plain_events_go_on_as_they_are() -> None:
    assert Events().of_all(PLAIN) == b"".join(b"data: %b\n\n" % one.raw_json for one in PLAIN if one.raw_json)


def test_one_odd_event_is_mended_alone() -> None:
    first, odd, last = Events().of_all([PLAIN[1], ODD[4], PLAIN[1]]).split(b"\n\n")[:-1]
    assert first == last == b"data: %b" % (PLAIN[1].raw_json or b"")
    assert b"mended" in odd and b"said" not in odd
