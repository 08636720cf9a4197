"""How complete answers in OpenAI's protocol are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.openai_bodies import CALL, ERRORS, EXAMPLE, FAILED_CHOICE, MESSAGES, THINKING, USAGE, mistral, parse, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.errors.exceptions import AuthenticationError, MalformedResponseError, ReplyError
from g4f_lite.provider.openai_protocol.chat import OpenaiTemplate
from g4f_lite.provider.openai_protocol.lenient import loose_completion
from g4f_lite.provider.openai_protocol.stream import OpenaiStreamParser
from g4f_lite.types.assembly import assemble
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.chunks import ChatCompletionChunk, ChunkChoice, Delta
from g4f_lite.types.http import HTTPResponse, ServerSentEvent
from g4f_lite.types.usage import TokenDetails, Usage


def test_a_complete_answer_is_read_with_all_public_fields() -> None:
    message = {"role": "assistant", "content": "Monday", "reasoning": "Hm.", "annotations": [], "tool_calls": [CALL]}
    answer = parse(whole(message, "tool_calls", usage=USAGE, system_fingerprint="fp", x_groq={"id": "req"}))
    assert (answer.id, answer.model, answer.created, answer.system_fingerprint) == ("c1", "m-1", 7, "fp")
    assert (answer.text, answer.reasoning, answer.choices[0].finish_reason) == ("Monday", "Hm.", "tool_calls")
    (call,) = answer.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "f", '{"a": 1}')
    assert answer.usage == Usage(
        prompt_tokens=5,
        completion_tokens=7,
        total_tokens=12,
        prompt_tokens_details=TokenDetails(cached_tokens=2),
        completion_tokens_details=TokenDetails(reasoning_tokens=3),
    )


LOOSE = [
    ("blank lines first", b"\n\n \n" + json.dumps(whole({"content": "a"})).encode(), ("a", "", "stop", 7)),
    ("a mark of UTF-8", b"\xef\xbb\xbf" + json.dumps(whole({"content": "a"})).encode(), ("a", "", "stop", 7)),
    ("nothing but what is needed", {"choices": [{"message": {"content": "a"}}]}, ("a", "", None, 0)),
    ("a null usage", whole({"content": "a"}, usage=None), ("a", "", "stop", 7)),
    ("an error that is none", whole({"content": "a"}, error=None), ("a", "", "stop", 7)),
    ("the word error in the text", whole({"content": '"error"', "role": "error"}), ('"error"', "", "stop", 7)),
    ("DeepSeek's field", whole({"content": "a", "reasoning_content": "b"}), ("a", "b", "stop", 7)),
    ("a float for a time", {**whole({"content": "a"}), "created": 7.9}, ("a", "", "stop", 7)),
    ("a text for a time", {**whole({"content": "a"}), "created": "7"}, ("a", "", "stop", 7)),
    ("a date for a time", {**whole({"content": "a"}), "created": "2026-11-22"}, ("a", "", "stop", 0)),
    ("a null id", {**whole({"content": "a"}), "id": None, "model": None}, ("a", "", "stop", 7)),
    ("a null role", whole({"content": "a", "role": None}), ("a", "", "stop", 7)),
    ("a null index", {"choices": [{"index": None, "message": {"content": "a"}}]}, ("a", "", None, 0)),
    ("a number for a finish reason", whole({"content": "a"}, 3), ("a", "", None, 7)),
    ("null token counts", whole({"content": "a"}, usage={"prompt_tokens": None}), ("a", "", "stop", 7)),
    ("a list of texts", whole(mistral({"type": "text", "text": "a"}, {"type": "text", "text": "b"}, "c")),
     ("abc", "", "stop", 7)),
    ("thinking, then text", whole(mistral(THINKING, {"type": "text", "text": "a"})), ("a", "Hm, so.", "stop", 7)),
    ("thinking alone", whole(mistral(THINKING), "length"), ("", "Hm, so.", "length", 7)),
    ("odd parts", whole(mistral(7, None, {"type": "image"}, {"type": "thinking", "thinking": [7, None, "x"]}, "a")),
     ("7a", "7x", "stop", 7)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "seen"), LOOSE, ids=[name for name, _, _ in LOOSE])
def test_an_answer_with_slightly_different_types_is_read(
    name: str, body: object, seen: tuple[str, str, str | None, int]
) -> None:
    answer = parse(body)
    assert (answer.text, answer.reasoning, answer.choices[0].finish_reason, answer.created) == seen


def test_arguments_sent_as_an_object_are_not_lost() -> None:
    call = {"function": {"name": "f", "arguments": {"day": "Mon"}}}
    (read,) = parse(whole({"content": None, "tool_calls": [call, None, 7]}, "tool_calls")).tool_calls
    assert (read.id, read.function.name, read.function.arguments) == ("", "f", '{"day":"Mon"}')


MALFORMED = [
    (b"", "the answer is empty"),
    (b" \n\n", "the answer is empty"),
    (b"<!DOCTYPE html><html></html>", "is the base URL right"),
    (b"upstream connect error", "is not JSON: 'upstream connect error'"),
    (b'{"choices": [{"message": {"content": "cut', "is not JSON"),
    (b'{"choices": []}\xff', "is not JSON"),
    (b"[" * 100_000, "is not JSON"),
    (b'{"x":' * 100_000, "is not JSON"),
    (b"[]", "not an object"),
    (b"7", "not an object"),
    (b"null", "not an object"),
    (b"{}", "no choices"),
    (b'{"choices": []}', "no choices"),
    (b'{"choices": null}', "no choices"),
    (b'{"choices": "none"}', "no choices"),
    (b'{"choices": [null, 7]}', "no choices"),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED, ids=[str(body[:20]) for body, _ in MALFORMED])
def test_an_unreadable_answer_is_malformed_and_the_error_says_why(body: bytes, message: str) -> None:
    with pytest.raises(MalformedResponseError, match=message) as caught:
        parse(body)
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("body", ERRORS, ids=lambda body: json.dumps(body)[:40])
def test_an_error_inside_a_200_is_not_an_answer(body: object) -> None:
    with pytest.raises(ReplyError) as caught:
        parse(body)
    reply = caught.value.reply
    assert (reply.status, reply.headers) == (200, {"x-request-id": "1"})
    assert "no" in EXAMPLE.classify_error(reply).message


def test_nothing_but_a_message_is_an_error() -> None:
    with pytest.raises(ReplyError) as caught:
        parse({"message": "Unauthorized"})
    assert type(EXAMPLE.classify_error(caught.value.reply)) is AuthenticationError
    with pytest.raises(MalformedResponseError, match="no choices"):
        parse({"message": "success", "code": 0})


def test_an_answer_that_ended_with_an_error_is_an_error() -> None:
    with pytest.raises(ReplyError) as caught:
        parse({"choices": [FAILED_CHOICE]})
    assert "ended with an error" in EXAMPLE.classify_error(caught.value.reply).message


@pytest.mark.parametrize("answer", [{"text": "x" * (2 << 20)}, {"text": ["x" * (1 << 20)] * 2}, {"choices": []}])
def test_an_error_in_a_large_answer_is_understood_and_kept_short(answer: dict[str, object]) -> None:
    error: dict[str, object] = {f"more_{number}": number for number in range(10)}
    error |= {"code": "model_not_found", "message": "no such model " + "x" * (2 << 20)}
    with pytest.raises(ReplyError) as caught:
        parse({**answer, "error": error})
    assert len(caught.value.reply.body) < 10_000
    assert EXAMPLE.classify_error(caught.value.reply).message.startswith("no such model")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


TEXTS = st.none() | st.text(max_size=9)
COUNTS = st.integers(0, 1 << 40)
CALLS = some(id=st.text(max_size=3), function=some(name=st.text(max_size=3), arguments=st.text(max_size=3)))
REPLY = some(content=TEXTS, refusal=TEXTS, reasoning=TEXTS, tool_calls=st.none() | st.lists(CALLS, max_size=2))
LOGPROBS = st.sampled_from((None, {"content": [{"token": "a"}]}))
CHOICES = some(index=st.integers(0, 3), finish_reason=TEXTS, logprobs=LOGPROBS, message=REPLY)
ANSWERS = some(
    id=st.text(max_size=3),
    created=COUNTS,
    usage=st.none() | some(prompt_tokens=COUNTS, prompt_tokens_details=st.none() | some(cached_tokens=COUNTS)),
    choices=st.lists(CHOICES, min_size=1, max_size=2),
)


@settings(deadline=None, max_examples=100)
@given(ANSWERS)
def test_the_fast_and_the_lenient_reader_agree(answer: dict[str, Any]) -> None:
    answer = {"choices": [{}], **answer}
    if not any(choice.get("finish_reason") == "error" for choice in answer["choices"]):
        assert loose_completion(answer) == parse(answer)


NAMES = st.sampled_from(
    ("error", "choices", "message", "delta", "content", "tool_calls", "function", "arguments", "usage", "created")
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | NAMES
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@pytest.mark.no_cover
@settings(deadline=None, max_examples=200)
@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), st.sampled_from(["", "error"]))
def test_any_bytes_are_an_answer_an_error_or_malformed(body: bytes, event: str) -> None:
    try:
        assert parse(body).choices
    except (MalformedResponseError, ReplyError):
        pass
    try:
        assemble(EXAMPLE.new_stream(ChatRequest(messages=MESSAGES)).feed(ServerSentEvent(data=body, event=event)))
    except (MalformedResponseError, ReplyError):
        pass


UNREADABLE = [b'"\xff"', b"1e999", b"1" * 5000, rb'"\ud800"']
"""Values that the decoder skips in a field that has no attribute, and refuses anywhere else."""


@pytest.mark.parametrize("value", UNREADABLE, ids=lambda value: value[:8].decode("latin-1"))
def test_a_field_without_an_attribute_spoils_no_answer(value: bytes) -> None:
    answer = b'{"odd": %s, "choices": [{"message": {"content": "Monday"}, "finish_reason": "stop"}]}' % value
    assert OpenaiTemplate(name="acme").parse_response(HTTPResponse(status=200, body=answer)).text == "Monday"
    event = b'{"odd": %s, "choices": [{"delta": {"content": "Monday"}, "finish_reason": "stop"}]}' % value
    (chunk,) = OpenaiStreamParser().feed(ServerSentEvent(data=event))
    assert assemble([chunk]).text == chunk.to_dict()["choices"][0]["delta"]["content"] == "Monday"
    assert chunk.extra in ({}, {"odd": float("inf")}, {"odd": "\ufffd"})


def test_an_answer_in_place_of_a_stream_is_shown_as_a_chunk() -> None:
    message = {"role": "assistant", "content": "Monday", "odd": 3}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "odder": 2}
    chunk = ChatCompletionChunk(
        choices=(ChunkChoice(delta=Delta(role="assistant", content="Monday"), finish_reason="stop"),),
        raw_json=json.dumps({"choices": [choice], "oddest": 1}).encode(),
    )
    shown = chunk.to_dict()
    assert shown["choices"] == [
        {"index": 0, "delta": message, "finish_reason": "stop", "logprobs": None, "odder": 2},
    ]
    assert shown["oddest"] == 1
