"""
Answers that are small in bytes and huge in objects are refused before they cost time or memory.

Work is counted in calls of Python and C functions, which a busy machine does not change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from helpers.driving import MODES, run

from g4f_lite import ModelUnavailableError, OpenaiTemplate, ProviderError, ServerError, Timeouts
from g4f_lite.call.endpoints import ENDPOINTS
from g4f_lite.call.operations import CHAT
from g4f_lite.errors.classify import classify
from g4f_lite.errors.exceptions import MalformedResponseError, ReplyError
from g4f_lite.errors.reply import MAX_ERROR_BODY, ErrorReply
from g4f_lite.provider.openai_protocol.stream import OpenaiStreamParser
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.audio import TranscriptionRequest
from g4f_lite.types.embeddings import EmbeddingRequest
from g4f_lite.types.http import HTTPResponse, ServerSentEvent
from g4f_lite.types.models import ModelsRequest
from g4f_lite.types.size_limits import MAX_CHOICES, MAX_OBJECTS

MILLION = 1_000_000
PATIENT = Timeouts(connect=60, first_token=60, stall=60, total=60)
WORK = 50_000
"""The most calls for reading any answer; without limits, a million objects would need millions."""


class Day(OpenaiTemplate):
    name = "day"
    api_key = "day_secret_of_the_tests"
    default_model = "day-1"
    fallback_models = ()


def work_of(read: Callable[[], object]) -> tuple[int, object]:
    """Return how many calls reading makes, and its result or exception."""
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    result: object
    sys.setprofile(count)
    try:
        result = read()
    except Exception as error:
        result = error
    finally:
        sys.setprofile(None)
    return calls, result


def chat(body: bytes) -> tuple[int, object]:
    return work_of(lambda: CHAT.parse(Day(), None, HTTPResponse(status=200, body=body)))


def many(start: bytes, item: bytes, end: bytes, number: int = MILLION) -> bytes:
    return start + b",".join([item] * number) + end


SHAPES = {
    "choices": (b'{"choices":[', b"{}", b"]}"),
    "choices that fit beside a field that does not": (b'{"created":"x","choices":[', b"{}", b"]}"),
    "choices that do not fit": (b'{"choices":[', b'{"index":"x"}', b"]}"),
    "tool calls": (b'{"choices":[{"message":{"tool_calls":[', b"{}", b"]}}]}"),
    "tool calls that do not fit": (b'{"choices":[{"message":{"tool_calls":[', b'{"id":[]}', b"]}}]}"),
    "parts of a content": (b'{"choices":[{"message":{"content":[', b"{}", b"]}}]}"),
    "texts of a content": (b'{"choices":[{"message":{"content":[', b'""', b"]}}]}"),
    "addresses of images": (b'{"choices":[{"message":{"images":[', b'"x"', b"]}}]}"),
    "pieces of thinking": (b'{"choices":[{"message":{"content":[{"type":"thinking","thinking":[', b'""', b"]}]}}]}"),
    "lists": (b'{"choices":[', b"[]", b"]}"),
    "numbers": (b"[", b"7", b"]"),
    "fields": (b'{"created":"x","choices":[{', b'"a":0', b"}]}"),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("number", [MAX_CHOICES + 1, MAX_OBJECTS // 2, MILLION], ids=["few", "many", "most"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_of_reading_an_answer_with_too_many_values_is_bounded(shape: str, number: int) -> None:
    calls, result = chat(many(*SHAPES[shape], number=number))
    if shape == "fields" and number <= MAX_OBJECTS:
        assert not isinstance(result, Exception)  # unknown fields are skipped
    else:
        assert isinstance(result, MalformedResponseError)
    assert calls < WORK


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_of_a_stream_has_the_same_limits(shape: str) -> None:
    start, item, end = (part.replace(b'"message"', b'"delta"') for part in SHAPES[shape])
    event = ServerSentEvent(data=many(start, item, end, MAX_CHOICES + 1))
    if shape == "fields":
        event = ServerSentEvent(data=many(start, item, end))
    calls, result = work_of(lambda: OpenaiStreamParser().feed(event))
    assert isinstance(result, MalformedResponseError)
    assert calls < WORK


def test_values_of_a_different_type_are_checked_up_to_a_limit() -> None:
    words = many(b'{"text":"x","words":[', b'{"word":7}', b"]}", MAX_OBJECTS // 2)
    operation = ENDPOINTS["transcription"].operation
    request = TranscriptionRequest(model="m", file=b"")
    calls, result = work_of(lambda: operation.parse(Day(), request, HTTPResponse(status=200, body=words)))
    assert isinstance(result, MalformedResponseError)
    assert calls < 3 * WORK


def test_a_long_answer_with_one_wrong_field_is_read_completely() -> None:
    calls_of = [{"id": f"call-{number}", "function": {"name": "f"}} for number in range(MAX_CHOICES)]
    body = {"created": "x", "choices": [{"message": {"tool_calls": calls_of}, "finish_reason": "tool_calls"}]}
    calls, completion = chat(json.dumps(body).encode())
    assert len(completion.tool_calls) == MAX_CHOICES  # type: ignore[attr-defined]
    assert calls < 1000


@pytest.mark.no_cover
def test_log_probabilities_and_long_texts_stay_far_below_the_limits() -> None:
    entry = {"token": "x", "logprob": -0.5, "bytes": [120]}
    tokens = [{**entry, "top_logprobs": [entry] * 20}] * 10_000
    body = {"choices": [{"message": {"content": '{"a": [1, 2]}, ' * 20_000}, "logprobs": {"content": tokens}}]}
    _, completion = chat(json.dumps(body).encode())
    assert len(completion.choices[0].logprobs.content) == 10_000  # type: ignore[attr-defined]


def test_many_embeddings_are_read_and_too_many_are_refused() -> None:
    operation, request = ENDPOINTS["embeddings"].operation, EmbeddingRequest(input="x", model="m")

    def read(number: int) -> Any:
        body = many(b'{"data":[', b'{"embedding":[0.5,0.25]}', b"]}", number)
        return work_of(lambda: operation.parse(Day(), request, HTTPResponse(status=200, body=body)))[1]

    assert len(read(20_000).data) == 20_000
    assert isinstance(read(MILLION), MalformedResponseError)


@pytest.mark.parametrize("fields", [b'"a":0', b'"id":{}'])
def test_a_list_of_models_with_a_million_fields_is_refused(fields: bytes) -> None:
    body = many(b'{"data":[{', fields, b"}]}", 2 * MILLION)
    calls, result = work_of(
        lambda: ENDPOINTS["models"].operation.parse(Day(), ModelsRequest(), HTTPResponse(status=200, body=body))
    )
    assert isinstance(result, MalformedResponseError)
    assert calls < WORK


@pytest.mark.parametrize("model", [b'"a"', b'{"id":"a"}'])
def test_a_long_list_of_models_is_refused(model: bytes) -> None:
    body = many(b'{"data":[', model, b"]}", MAX_OBJECTS // 2)
    calls, result = work_of(
        lambda: ENDPOINTS["models"].operation.parse(Day(), ModelsRequest(), HTTPResponse(status=200, body=body))
    )
    assert isinstance(result, MalformedResponseError)
    assert calls < WORK


@pytest.mark.parametrize("field", [b'"detail"', b'"error"', b'"errors"', b'"message"'])
@pytest.mark.parametrize("item", [b"{}", b'{"msg":"x"}', b'{"loc":["a"],"msg":"x"}', b'["x"]', b'"x"'])
def test_only_the_beginning_of_an_error_body_with_many_parts_is_read(field: bytes, item: bytes) -> None:
    body = many(b"{" + field + b":[", item, b"]}", (MAX_ERROR_BODY - 100) // (len(item) + 1))
    calls, error = work_of(lambda: classify(ErrorReply(status=404, body=body)))
    assert isinstance(error, ModelUnavailableError)
    assert calls < WORK


def test_an_error_larger_than_an_error_body_may_be_is_not_decoded() -> None:
    body = b'{"error":{"message":"x","code":"model_not_found","more":[' + b"0," * MAX_ERROR_BODY + b"0]}}"
    error = classify(ErrorReply(status=None, body=body, in_stream=True))
    assert isinstance(error, ServerError)
    assert ErrorReply(body=body).json() is None


@pytest.mark.parametrize("depth", [3, 300, *range(800, 1000, 29), MILLION])
@pytest.mark.parametrize(
    "nest", [(b"[", b"0", b"]"), (b'{"message":', b"0", b"}"), (b'{"loc":[', b"0", b'],"msg":"x"}')]
)
@pytest.mark.parametrize("start", [b'{"error":', b'{"detail":', b'{"created":"x","choices":'])
def test_deep_nesting_is_a_provider_error(start: bytes, nest: tuple[bytes, bytes, bytes], depth: int) -> None:
    opening, core, closing = nest
    body = start + opening * depth + core + closing * depth + b"}"
    assert isinstance(classify(ErrorReply(status=400, body=body)), ProviderError)
    _, result = chat(body)
    assert isinstance(result, (MalformedResponseError, ReplyError))


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_with_too_many_values_fails_the_leg_and_says_why(mode: str) -> None:
    body = many(b'{"created":"x","choices":[', b"{}", b"]}")
    with FaultServer() as server:
        server.script(replies.body(body))
        settings = {"routes": [Day()], "base_urls": {"day": server.base_url}, "retries": 0, "timeouts": PATIENT}
        outcome = run(mode, {**settings, "max_response_bytes": 32 << 20}, {})
    assert "more than 3 times the setting max_response_bytes" in str(outcome.error)
