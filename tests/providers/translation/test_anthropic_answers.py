"""How answers and streams of Anthropic are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.protocol_bodies import ended, message, started
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, seen, streamed

from g4f_lite import ErrorReply, MalformedResponseError, QuotaExceededError, ServerSentEvent, TokenDetails, Usage


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said, "citations": None}


USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
SERVER = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "u"}],
    },
]
ANTHROPIC = [
    (message(text("Mon"), text("day")), ("Monday", "", [], "stop")),
    (message(THOUGHT, text("Monday")), ("Monday", "Hm.", [], "stop")),
    (message(USE, {**USE, "id": "toolu_2", "input": {}}, stop="tool_use"),
     (None, "", [("toolu_1", "f", '{"a": 1}'), ("toolu_2", "f", "{}")], "tool_calls")),
    (message(*SERVER, text("Monday")), ("Monday", "", [], "stop")),
    (message({"type": "yet to come", "content": 7}, text("Monday")), ("Monday", "", [], "stop")),
    (message(text("Mon"), stop="max_tokens"), ("Mon", "", [], "length")),
    (message(text("Mon"), stop="model_context_window_exceeded"), ("Mon", "", [], "length")),
    (message(text("Mon"), stop="pause_turn"), ("Mon", "", [], "length")),
    (message(text("Mon"), stop="stop_sequence"), ("Mon", "", [], "stop")),
    (message(stop="refusal"), ("", "", [], "content_filter")),
    (message(text("a"), stop="yet_to_come"), ("a", "", [], "yet_to_come")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "meant"), ANTHROPIC, ids=lambda one: str(one)[-60:])
def test_a_complete_claude_answer_is_read(body: dict[str, Any], meant: tuple[Any, ...]) -> None:
    answer = parse("anthropic", body)
    assert (answer.id, answer.model, seen(answer)) == ("msg_1", "claude-x", meant)


def test_claudes_prompt_tokens_include_those_read_from_and_written_to_the_cache() -> None:
    usage = parse("anthropic", message(text("a"), cache_creation_input_tokens=10, cache_read_input_tokens=100,
                                       output_tokens_details={"thinking_tokens": 2})).usage  # fmt: skip
    assert usage == Usage(
        prompt_tokens=113,
        completion_tokens=4,
        total_tokens=117,
        prompt_tokens_details=TokenDetails(cached_tokens=100, cache_write_tokens=10),
        completion_tokens_details=TokenDetails(reasoning_tokens=2),
    )
    assert parse("anthropic", message(text("a"))).usage == Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7)
    assert parse("anthropic", {**message(text("a")), "usage": None}).usage is None


def test_claudes_thinking_is_kept_for_the_next_request_only_if_there_is_any() -> None:
    redacted = {"type": "redacted_thinking", "data": "eHh4"}
    complete = parse("anthropic", message(THOUGHT, text("a"), redacted, USE, stop="tool_use")).choices[0].message
    assert complete.extra_content == {"anthropic": {"content": [THOUGHT, text("a"), redacted, USE]}}
    assert parse("anthropic", message(text("a"), USE)).choices[0].message.extra_content is None


def pieces(kind: str, field: str, *said: str) -> list[dict[str, Any]]:
    return [{"type": kind, field: piece} for piece in said]


def test_a_claude_stream_with_every_kind_of_block_is_read() -> None:
    answer = streamed(
        "anthropic",
        *started(
            {"type": "thinking", "thinking": "", "signature": "",
             "deltas": [*pieces("thinking_delta", "thinking", "H", "m."), *pieces("signature_delta", "signature", "c2ln")]},
            {"type": "redacted_thinking", "data": "eHh4"},
            {**SERVER[0], "input": {}, "deltas": pieces("input_json_delta", "partial_json", '{"query"', ': "x"}')},
            {**SERVER[1]},
            {"type": "yet_to_come", "text": "", "deltas": pieces("text_delta", "text", "not for you")},
            {"type": "text", "text": "",
             "deltas": [*pieces("text_delta", "text", "Mon", "day"), {"type": "citations_delta", "citation": {"url": "u"}}]},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {},
             "deltas": pieces("input_json_delta", "partial_json", "", '{"a"', ": 1}")},
            {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        ),
        {"type": "yet_to_come"},
        *ended("tool_use"),
    )  # fmt: skip
    calls = [("toolu_1", "f", '{"a": 1}'), ("toolu_2", "g", "{}")]
    assert (answer.id, answer.model, seen(answer)) == ("msg_1", "claude-x", ("Monday", "Hm.", calls, "tool_calls"))
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (113, 9, 122)
    assert answer.choices[0].message.extra_content == {
        "anthropic": {
            "content": [
                THOUGHT,
                {"type": "redacted_thinking", "data": "eHh4"},
                *SERVER,
                {"type": "yet_to_come", "text": "not for you"},
                {"type": "text", "text": "Monday", "citations": [{"url": "u"}]},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
            ]
        }
    }


def test_the_end_of_claudes_stream_may_correct_the_prompt_tokens() -> None:
    begun = started({"type": "text", "text": "a"})
    usage = streamed("anthropic", *begun, *ended(input_tokens=5, cache_read_input_tokens=0)).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.prompt_tokens_details) == (
        15,
        TokenDetails(cached_tokens=0, cache_write_tokens=10),
    )


def test_zeros_at_the_end_of_claudes_stream_do_not_replace_its_counts() -> None:
    begun = started({"type": "text", "text": "a"})
    true = streamed("anthropic", *begun, *ended()).usage
    assert streamed("anthropic", *begun, *ended(input_tokens=0, cache_read_input_tokens=0)).usage == true
    assert true is not None
    assert true.prompt_tokens > 0


@pytest.mark.parametrize("given", ['{"a', "[" * 200_000], ids=len)
def test_a_claude_tool_call_truncated_by_max_tokens_is_returned_unchanged(given: str) -> None:
    cut = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "deltas": pieces("input_json_delta", "partial_json", given)}  # fmt: skip
    answer = streamed("anthropic", *started(dict(THOUGHT), cut), *ended("max_tokens"))
    assert seen(answer) == (None, "Hm.", [("toolu_1", "f", given)], "length")
    assert answer.choices[0].message.extra_content is None


def test_a_delta_of_a_block_that_never_started_is_malformed() -> None:
    parser = PROVIDERS["anthropic"].new_stream(REQUEST)
    lost = {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "a"}}
    with pytest.raises(MalformedResponseError, match="block 3"):
        parser.feed(ServerSentEvent(data=json.dumps(lost).encode()))


def test_a_subscription_without_extra_usage_has_no_quota() -> None:
    error = {"type": "invalid_request_error", "message": "You're out of extra usage. Add more and keep going."}
    body = json.dumps({"type": "error", "error": error}).encode()
    assert isinstance(PROVIDERS["anthropic"].classify_error(ErrorReply(status=400, body=body)), QuotaExceededError)
