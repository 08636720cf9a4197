"""What answers and streams of Anthropic, Gemini and Cohere mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, read, seen, streamed

from g4f_lite import (
    MalformedResponseError,
    ProviderError,
    ReplyError,
    ServerError,
    ServerSentEvent,
    StreamInterruptedError,
    TokenDetails,
    ToolCallError,
    Usage,
)
from g4f_lite.testing.shapes import SHAPES

# -- Anthropic -----------------------------------------------------------------------------


def message(*content: dict[str, Any], stop: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_sequence": None}
    return {
        **head,
        "content": list(content),
        "stop_reason": stop,
        "usage": {"input_tokens": 3, "output_tokens": 4, **usage},
    }


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
def test_a_whole_answer_of_claude(body: dict[str, Any], meant: tuple[Any, ...]) -> None:
    answer = parse("anthropic", body)
    assert (answer.id, answer.model, seen(answer)) == ("msg_1", "claude-x", meant)


def test_claudes_prompt_is_the_sum_of_what_was_read_written_and_new() -> None:
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


def test_claudes_thinking_is_kept_to_be_given_back_only_if_there_is_any() -> None:
    redacted = {"type": "redacted_thinking", "data": "eHh4"}
    whole = parse("anthropic", message(THOUGHT, text("a"), redacted, USE, stop="tool_use")).choices[0].message
    used = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
    written = [THOUGHT, {"type": "text", "text": "a"}, redacted, used]
    assert whole.extra_content == {"anthropic": {"content": written}}
    assert parse("anthropic", message(text("a"), USE)).choices[0].message.extra_content is None


def started(*content: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream of Claude's up to its end: each block with the deltas that come with it."""
    first = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 10, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message(stop=None), "usage": first}},
        {"type": "ping"},
    ]
    for index, block in enumerate(content):
        deltas = block.pop("deltas", ())
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    return events


def ended(stop: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9, **usage}},
        {"type": "message_stop"},
    ]


def pieces(kind: str, field: str, *said: str) -> list[dict[str, Any]]:
    return [{"type": kind, field: piece} for piece in said]


def test_a_stream_of_claude_with_everything_in_it() -> None:
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
                {"type": "text", "text": "Monday"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
            ]
        }
    }


def test_the_end_of_claudes_stream_may_count_the_prompt_anew() -> None:
    begun = started({"type": "text", "text": "a"})
    usage = streamed("anthropic", *begun, *ended(input_tokens=5, cache_read_input_tokens=0)).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.prompt_tokens_details) == (
        15,
        TokenDetails(cached_tokens=0, cache_write_tokens=10),
    )


def test_a_call_of_claudes_that_max_tokens_cut_is_told_as_it_is() -> None:
    cut = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "deltas": pieces("input_json_delta", "partial_json", '{"a')}  # fmt: skip
    answer = streamed("anthropic", *started(dict(THOUGHT), cut), *ended("max_tokens"))
    assert seen(answer) == (None, "Hm.", [("toolu_1", "f", '{"a')], "length")
    assert answer.choices[0].message.extra_content is None


def test_a_piece_of_a_block_that_never_began_is_malformed() -> None:
    parser = PROVIDERS["anthropic"].new_stream(REQUEST)
    lost = {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "a"}}
    with pytest.raises(MalformedResponseError, match="block 3"):
        parser.feed(ServerSentEvent(data=json.dumps(lost).encode()))


# -- Gemini --------------------------------------------------------------------------------


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", index: int = 0, **more: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"} if parts else {"role": "model"}
    return {"content": content, "index": index, **({"finishReason": finish} if finish else {}), **more}


def response(*candidates: dict[str, Any], **usage: Any) -> dict[str, Any]:
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7, **usage}
    return {"candidates": list(candidates), "usageMetadata": counts, "modelVersion": "gemini-x", "responseId": "r-1"}


def called(name: str, args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, **({"args": args} if args is not None else {})}, **more}


GEMINI = [
    (candidate({"text": "Mon"}, {"text": "day"}), ("Monday", "", "stop")),
    (candidate({"text": "Hm.", "thought": True}, {"text": "Monday", "thoughtSignature": "c2ln"}), ("Monday", "Hm.", "stop")),
    (candidate({"executableCode": {"code": "1", "language": "PYTHON"}}, {"codeExecutionResult": {"output": "1"}},
               {"text": "1"}, {"yetToCome": 7}), ("1", "", "stop")),
    (candidate({"text": "Mon"}, finish="MAX_TOKENS"), ("Mon", "", "length")),
    (candidate(finish="MAX_TOKENS"), ("", "", "length")),
    ({"finishReason": "MAX_TOKENS"}, ("", "", "length")),
    (candidate({"text": "Mon"}, finish="SAFETY"), ("Mon", "", "content_filter")),
    (candidate(finish="PROHIBITED_CONTENT"), ("", "", "content_filter")),
    (candidate({"text": "Mon"}, finish=None), ("Mon", "", None)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "meant"), GEMINI, ids=lambda one: str(one)[-60:])
def test_a_whole_answer_of_gemini(one: dict[str, Any], meant: tuple[str, str, str | None]) -> None:
    answer = parse("gemini", response(one))
    assert (answer.id, answer.model) == ("r-1", "gemini-x")
    assert seen(answer) == (*meant[:2], [], meant[2])


TWO = [called("f", {"a": 1}, thoughtSignature="c2ln"), called("f", {"a": 1}), {"functionCall": {"name": "g", "args": None, "id": "own"}}]  # fmt: skip


def test_geminis_calls_get_ids_and_a_finish_reason_whole_and_in_a_stream() -> None:
    whole = parse("gemini", response(candidate(*TWO)))
    apart = streamed(
        "gemini", *(response(candidate(part, finish=None)) for part in TWO), response(candidate({"text": ""}))
    )
    for answer in (whole, apart):
        assert answer.choices[0].finish_reason == "tool_calls"
        first, second, third = answer.tool_calls
        assert [(call.function.name, json.loads(call.function.arguments)) for call in answer.tool_calls] == [
            ("f", {"a": 1}), ("f", {"a": 1}), ("g", {})]  # fmt: skip
        assert third.id == "own"
        assert len({first.id, second.id}) == 2
        assert len(first.id) == 9
        assert first.extra_content == {"google": {"thought_signature": "c2ln"}}
        assert second.extra_content is None
    assert [call.id for call in whole.tool_calls] == [call.id for call in apart.tool_calls]
    again = parse("gemini", {**response(candidate(*TWO)), "responseId": "r-2"})
    assert {call.id for call in again.tool_calls} & {call.id for call in whole.tool_calls} == {"own"}


def test_a_call_of_geminis_that_was_cut_is_no_whole_one() -> None:
    body = {**response(candidate(called("f", {"a": 1}), finish="MAX_TOKENS")), "modelVersion": "models/gemini-x"}
    for answer in (parse("gemini", body), streamed("gemini", body)):
        assert (answer.model, answer.choices[0].finish_reason) == ("gemini-x", "length")


def test_each_part_of_an_event_of_geminis_is_a_chunk_of_its_own() -> None:
    event = ServerSentEvent(data=json.dumps(response(candidate({"text": "a"}, {"text": "b"}))).encode())
    chunks = list(PROVIDERS["gemini"].new_stream(REQUEST).feed(event))
    assert [(chunk.text, chunk.usage is not None) for chunk in chunks] == [("a", False), ("b", False), ("", True)]


def test_geminis_thinking_counts_into_the_completion() -> None:
    usage = parse("gemini", response(candidate({"text": "a"}), thoughtsTokenCount=20, totalTokenCount=33,
                                     toolUsePromptTokenCount=6, cachedContentTokenCount=2)).usage  # fmt: skip
    assert usage == Usage(
        prompt_tokens=9,
        completion_tokens=24,
        total_tokens=33,
        prompt_tokens_details=TokenDetails(cached_tokens=2),
        completion_tokens_details=TokenDetails(reasoning_tokens=20),
    )
    bare = {"promptTokenCount": 3}
    assert parse("gemini", {**response(candidate({"text": "a"})), "usageMetadata": bare}).usage == Usage(
        prompt_tokens=3, total_tokens=3
    )


def test_several_candidates_of_gemini_are_kept_apart() -> None:
    whole = parse("gemini", response(candidate({"text": "a"}), candidate(called("f"), index=1)))
    apart = streamed(
        "gemini",
        response(candidate({"text": "a"}, finish=None), candidate(called("f"), finish=None, index=1)),
        response(candidate(index=1)),
        response(candidate({"text": ""})),
    )
    for answer in (whole, apart):
        assert [(one.index, one.message.content, one.finish_reason) for one in answer.choices] == [
            (0, "a", "stop"), (1, None, "tool_calls")]  # fmt: skip


def test_geminis_log_probabilities_have_openais_form() -> None:
    chosen = {"token": "é", "logProbability": -0.1}
    result = {
        "chosenCandidates": [chosen],
        "topCandidates": [{"candidates": [chosen, {"token": "b", "logProbability": -2}]}],
    }
    told = {"token": "é", "logprob": -0.1, "bytes": [195, 169]}
    top = [told, {"token": "b", "logprob": -2.0, "bytes": [98]}]
    expected = {"content": [{**told, "top_logprobs": top}]}
    body = response(candidate({"text": "é"}, logprobsResult=result))
    assert parse("gemini", body).choices[0].logprobs == expected
    assert streamed("gemini", body).choices[0].logprobs == expected
    bare = response(candidate({"text": "é"}, logprobsResult={"chosenCandidates": [chosen]}))
    assert parse("gemini", bare).choices[0].logprobs == {"content": [{**told, "top_logprobs": []}]}


def test_a_prompt_that_google_blocks_is_withheld_not_malformed() -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    assert seen(parse("gemini", blocked)) == (None, "", [], "content_filter")
    assert type(read("gemini", SHAPES["gemini"].sse(blocked)).failure).__name__ == "ContentFilterError"


# -- Cohere --------------------------------------------------------------------------------


def chat(message: dict[str, Any], finish: str = "COMPLETE", **usage: Any) -> dict[str, Any]:
    counts = {
        "billed_units": {"input_tokens": 3.0, "output_tokens": 4.0},
        "tokens": {"input_tokens": 503, "output_tokens": 6},
    }
    return {
        "id": "c-1",
        "finish_reason": finish,
        "message": {"role": "assistant", **message},
        "usage": {**counts, **usage},
    }


F = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
COHERE = [
    (chat({"content": [{"type": "text", "text": "Mon"}, {"type": "text", "text": "day"}]}), ("Monday", "", [], "stop")),
    (chat({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "a"}]}), ("a", "Hm.", [], "stop")),
    (chat({"tool_plan": "First f.", "tool_calls": [F]}, "TOOL_CALL"),
     (None, "First f.", [("f_1", "f", '{"a": 1}')], "tool_calls")),
    (chat({"content": [{"type": "text", "text": "a"}]}, "MAX_TOKENS"), ("a", "", [], "length")),
    (chat({"content": [{"type": "text", "text": "a"}], "citations": [{"start": 1}]}, "STOP_SEQUENCE"), ("a", "", [], "stop")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "meant"), COHERE, ids=lambda one: str(one)[-60:])
def test_a_whole_answer_of_cohere(body: dict[str, Any], meant: tuple[Any, ...]) -> None:
    answer = parse("cohere", body)
    assert (answer.id, seen(answer)) == ("c-1", meant)
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7)


def test_coheres_usage_is_what_it_bills() -> None:
    said = {"content": [{"type": "text", "text": "a"}]}
    cached = parse("cohere", chat(said, cached_tokens=2)).usage
    assert cached is not None
    assert cached.prompt_tokens_details == TokenDetails(cached_tokens=2)
    assert parse("cohere", chat(said, billed_units=None)).usage == Usage(
        prompt_tokens=503, completion_tokens=6, total_tokens=509
    )
    assert parse("cohere", {**chat(said), "usage": None}).usage is None


def test_a_stream_of_cohere_with_a_plan_and_calls() -> None:
    def event(kind: str, index: int = 0, **message: Any) -> dict[str, Any]:
        return {"type": kind, "index": index, "delta": {"message": message}}

    answer = streamed(
        "cohere",
        {
            "type": "message-start",
            "id": "c-1",
            "delta": {"message": {"role": "assistant", "content": [], "tool_calls": []}},
        },
        event("tool-plan-delta", tool_plan="First "),
        event("tool-plan-delta", tool_plan="f."),
        event("citation-start", citations={"start": 0}),
        event("tool-call-start", 0, tool_calls={**F, "function": {"name": "f", "arguments": ""}}),
        event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"a"'}}),
        event("tool-call-delta", 0, tool_calls={"function": {"arguments": ": 1}"}}),
        {"type": "tool-call-end", "index": 0},
        event("tool-call-start", 1, tool_calls={"id": "g_1", "type": "function", "function": {"name": "g"}}),
        {"type": "tool-call-end", "index": 1},
        {"type": "yet-to-come"},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": chat({})["usage"]}},
    )
    assert seen(answer) == (None, "First f.", [("f_1", "f", '{"a": 1}'), ("g_1", "g", "{}")], "tool_calls")
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7)
    parser = PROVIDERS["cohere"].new_stream(REQUEST)
    with pytest.raises(MalformedResponseError, match="tool call 0"):
        lost = event("tool-call-delta", 0, tool_calls={"function": {"arguments": "{"}})
        parser.feed(ServerSentEvent(data=json.dumps(lost).encode()))
    assert list(parser.feed(ServerSentEvent(data=b"[DONE]"))) == []


@pytest.mark.parametrize(
    ("who", "last"), [("anthropic", ended()[-1]), ("cohere", {"type": "message-end", "delta": {}})]
)
def test_nothing_is_awaited_after_the_end(who: str, last: dict[str, Any]) -> None:
    parser: Any = PROVIDERS[who].new_stream(REQUEST)
    assert not parser.done
    parser.feed(ServerSentEvent(data=json.dumps(last).encode()))
    assert parser.done


# -- answers that are none -----------------------------------------------------------------

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


@pytest.mark.parametrize(("who", "body", "kind", "told"), FAILED, ids=lambda one: str(one)[:50])
def test_an_error_inside_a_200_is_no_answer(who: str, body: Any, kind: type[ProviderError], told: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse(who, body)
    error = PROVIDERS[who].classify_error(caught.value.reply)
    assert type(error) is kind
    assert told in error.message
    assert type(read(who, json.dumps(body).encode(), content_type="application/json").failure) is kind


def test_an_error_inside_a_stream_comes_after_what_was_said() -> None:
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
def test_an_event_named_error_is_one_whatever_it_holds(who: str, data: bytes) -> None:
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
@pytest.mark.parametrize(("body", "told"), MALFORMED, ids=lambda one: str(one)[:30])
def test_what_cannot_be_understood_is_malformed_and_says_how(who: str, body: bytes, told: str) -> None:
    with pytest.raises(MalformedResponseError, match=told) as caught:
        parse(who, body)
    assert len(caught.value.message) < 160
