"""How answers and streams of Cohere are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.protocol_bodies import chat
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, seen, streamed

from g4f_lite import MalformedResponseError, ServerSentEvent, TokenDetails, Usage

F = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
COHERE = [
    (chat({"content": [{"type": "text", "text": "Mon"}, {"type": "text", "text": "day"}]}), ("Monday", "", [], "stop")),
    (chat({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "a"}]}), ("a", "Hm.", [], "stop")),
    (chat({"tool_plan": "First f.", "tool_calls": [F]}, "TOOL_CALL"),
     (None, "First f.", [("f_1", "f", '{"a": 1}')], "tool_calls")),
    (chat({"content": [{"type": "text", "text": "a"}]}, "MAX_TOKENS"), ("a", "", [], "length")),
    (chat({"content": [{"type": "text", "text": "a"}], "citations": [{"start": 1}]}, "STOP_SEQUENCE"), ("a", "", [], "stop")),
    (chat({"content": [{"type": "text", "text": "a"}]}, "max_tokens"), ("a", "", [], "length")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "meant"), COHERE, ids=lambda one: str(one)[-60:])
def test_a_complete_cohere_answer_is_read(body: dict[str, Any], meant: tuple[Any, ...]) -> None:
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


def test_a_cohere_stream_with_a_plan_and_tool_calls_is_read() -> None:
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
