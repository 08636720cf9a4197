"""The errors that Anthropic, Gemini and Cohere send instead of an answer, and the ends of their streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.protocol_bodies import candidate, chat, ended, response, started
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, read

from g4f_lite import (
    MalformedResponseError,
    ProviderError,
    ReplyError,
    ServerError,
    ServerSentEvent,
    StreamInterruptedError,
    ToolCallError,
)
from g4f_lite.testing.shapes import SHAPES


@pytest.mark.parametrize(
    ("who", "last"), [("anthropic", ended()[-1]), ("cohere", {"type": "message-end", "delta": {}})]
)
def test_the_stream_ends_at_its_last_event(who: str, last: dict[str, Any]) -> None:
    parser: Any = PROVIDERS[who].new_stream(REQUEST)
    assert not parser.done
    parser.feed(ServerSentEvent(data=json.dumps(last).encode()))
    assert parser.done


FAILED: list[tuple[str, Any, type[ProviderError], str]] = [
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, ServerError, "busy"),
    ("gemini", {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, ServerError, "busy"),
    ("gemini", [{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}], ServerError, "busy"),
    ("gemini", response(candidate(finish="MALFORMED_FUNCTION_CALL", finishMessage="odd call")), ToolCallError, "odd call"),
    ("gemini", response(candidate({"text": "a"}, finish="UNEXPECTED_TOOL_CALL")), ToolCallError, "UNEXPECTED_TOOL_CALL"),
    ("gemini", response(candidate({"text": "a"}, finish="OTHER")), ServerError, "ended with OTHER"),
    ("gemini", response(candidate({"text": "a"}, finish="YET_TO_COME")), ServerError, "ended with YET_TO_COME"),
    ("cohere", {"id": "e", "message": "busy"}, ServerError, "busy"),
    ("cohere", chat({"content": [{"type": "text", "text": "a"}]}, "ERROR"), ServerError, "ended with ERROR"),
    ("cohere", chat({"content": [{"type": "text", "text": "a"}]}, "TIMEOUT"), ServerError, "ended with TIMEOUT"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "body", "kind", "message"), FAILED, ids=lambda one: str(one)[:50])
def test_an_error_inside_a_200_is_not_an_answer(who: str, body: Any, kind: type[ProviderError], message: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse(who, body)
    error = PROVIDERS[who].classify_error(caught.value.reply)
    assert type(error) is kind
    assert message in error.message
    assert type(read(who, json.dumps(body).encode(), content_type="application/json").failure) is kind


def test_an_error_inside_a_stream_interrupts_it_after_the_content() -> None:
    busy: dict[str, list[Any]] = {
        "anthropic": [*started({"type": "text", "text": "Mon"})[:3], FAILED[0][1]],
        "gemini": [response(candidate({"text": "Mon"}, finish=None)), FAILED[1][1]],
        "cohere": [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Mon"}}}},
            {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "busy"}},
        ],
    }
    for who, events in busy.items():
        reader = read(who, *(SHAPES[who].sse(event) for event in events))
        assert isinstance(reader.failure, StreamInterruptedError)
        assert "busy" in str(reader.failure)
        assert isinstance(reader.failure.__cause__, ServerError)
        assert reader.text == "Mon"


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize("data", [b'{"message": "no"}', b"no", b'{"type": "text"}'])
def test_an_event_named_error_is_an_error_whatever_its_data(who: str, data: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        PROVIDERS[who].new_stream(REQUEST).feed(ServerSentEvent(data=data, event="error"))
    assert caught.value.reply.in_stream
    assert caught.value.reply.body == data


MALFORMED = [
    (b"", "the answer is empty"),
    (b" \n", "the answer is empty"),
    (b"<!DOCTYPE html><html></html>", "is the base URL right"),
    (b"upstream connect error", "is not JSON: 'upstream connect error'"),
    (b"\xff\xfe", "is not JSON"),
    (b"[" * 100_000, "JSON|shape"),
    (b"[]", "shape"),
    (b"7", "shape"),
    (b"null", "shape"),
    (b"{}", "has no"),
    (b'{"choices": [{"message": {"content": "a"}}]}', "has no"),
    (b'{"content": 7, "candidates": 7, "message": 7}', "shape"),
]


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("body", "message"), MALFORMED, ids=lambda one: str(one)[:30])
def test_an_unreadable_answer_is_malformed_and_the_error_says_why(who: str, body: bytes, message: str) -> None:
    with pytest.raises(MalformedResponseError, match=message) as caught:
        parse(who, body)
    assert len(caught.value.message) < 160
