"""Streams of Anthropic, Gemini and Cohere in any pieces, and arbitrary bytes."""

from __future__ import annotations

import json

import pytest
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, read, seen
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import MalformedResponseError, ReplyError, ServerSentEvent, StreamInterruptedError
from g4f_lite.call.chunk_reader import ChunkReader
from g4f_lite.testing.shapes import SHAPES, Said

CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "day", "arguments": '{"zone": "日\u2028"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "day", "arguments": "{}"}},
]
SAID = Said(["Mon", "day\u2028😀 ", "\x85"], "tool_calls", "Hm, ja.", CALLS)
MEANT = (
    "Monday\u2028😀 \x85",
    "Hm, ja.",
    [("call_1", "day", {"zone": "日\u2028"}), ("call_2", "day", {})],
    "tool_calls",
)


def body_of(who: str) -> bytes:
    shape = SHAPES[who]
    raw = b"".join(shape.sse(json.dumps(chunk, ensure_ascii=False)) for chunk in shape.chunks("m", SAID))
    return b": hello\n\n" + raw.replace(b"\n", b"  \n", 1)  # trailing spaces, as Anthropic sends them


def is_whole(reader: ChunkReader) -> bool:
    reader.check()
    content, reasoning, calls, finish = seen(reader.completion())
    calls = [(id, name, json.loads(arguments)) for id, name, arguments in calls]
    return (content, reasoning, calls, finish) == MEANT


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_stream_is_the_same_in_one_piece_and_byte_by_byte(who: str) -> None:
    body = body_of(who)
    assert is_whole(read(who, body))
    assert is_whole(read(who, *(bytes([byte]) for byte in body)))
    assert is_whole(read(who, *(bytes([byte]) for byte in body.replace(b"\n", b"\r").replace(b"\r\r\r", b"\r\r"))))


@pytest.mark.parametrize("who", PROVIDERS)
@settings(deadline=None, max_examples=60)
@given(draw=st.data())
def test_a_stream_is_the_same_however_it_is_split(who: str, draw: st.DataObject) -> None:
    body = body_of(who)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(body)), max_size=30)))
    assert is_whole(read(who, *(body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True))))


END = {"anthropic": b'"stop_reason": "tool_use"', "gemini": b'"finishReason"', "cohere": b'"finish_reason"'}


@pytest.mark.no_cover
@pytest.mark.parametrize("who", PROVIDERS)
def test_a_stream_interrupted_at_any_byte_is_complete_only_with_its_finish_reason(who: str) -> None:
    body = body_of(who)
    line = body.index(b"\n", body.rindex(END[who]))
    complete = body.rindex(b"}", 0, line) + 1
    for at in range(len(body)):
        reader = read(who, body[:at])
        if at >= complete:
            assert is_whole(reader)
        else:
            assert isinstance(reader.failure, (StreamInterruptedError, MalformedResponseError)), at


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_complete_answer_to_a_streaming_request_loses_nothing(who: str) -> None:
    said = SHAPES[who].whole("m", SAID)
    for candidate in said.get("candidates", ()):
        candidate["content"]["parts"][-1]["thoughtSignature"] = "c2ln"
        candidate["content"]["parts"][1]["thoughtSignature"] = "c2ln"
        candidate["logprobsResult"] = {"chosenCandidates": [{"token": "a", "logProbability": -1}]}
    body = json.dumps(said).encode()
    reader = read(who, body[:50], body[50:], content_type="application/json")
    assert is_whole(reader)
    (streamed,), (complete,) = reader.completion().choices, parse(who, body).choices
    assert streamed == complete
    assert (complete.logprobs is not None) == (who == "gemini")
    assert (complete.message.extra_content is not None) == (who != "cohere")


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_body_truncated_at_any_byte_is_not_an_answer(who: str) -> None:
    body = json.dumps(SHAPES[who].whole("m", SAID)).encode()
    for at in range(len(body)):
        with pytest.raises(MalformedResponseError):
            parse(who, body[:at])
        assert isinstance(read(who, body[:at]).failure, MalformedResponseError)


NAMES = st.sampled_from(
    "type error message delta content text thinking candidates parts functionCall args usage index finishReason id".split()
)
VALUES = st.sampled_from(
    "message_start content_block_start content_block_delta message_delta message-start tool-call-start text STOP".split()
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | VALUES
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5))


@pytest.mark.no_cover
@pytest.mark.parametrize("who", PROVIDERS)
@settings(deadline=None, max_examples=150)
@given(
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40),
    name=st.sampled_from(["", "error", "ping"]),
)
def test_any_bytes_are_an_answer_an_error_or_malformed(who: str, body: bytes, name: str) -> None:
    try:
        assert parse(who, body).choices
    except (MalformedResponseError, ReplyError):
        pass
    try:
        tuple(PROVIDERS[who].new_stream(REQUEST).feed(ServerSentEvent(data=body, event=name)))
    except (MalformedResponseError, ReplyError):
        pass
