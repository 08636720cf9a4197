"""Blocks of Claude's content that OpenAI's form has no place for: kept as they were written, and sent back so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.protocol_bodies import ended, message, started
from helpers.protocol_reading import parse, streamed

from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Reply
from g4f_lite.testing.shapes import SHAPES
from g4f_lite_providers.anthropic import Anthropic

SIGNED = {"type": "thinking", "thinking": "I search.", "signature": "c2ln"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "https://sky.example", "encrypted_content": "RW5j", "page_age": None}],
}  # fmt: skip
CITED = [{"type": "web_search_result_location", "url": "https://sky.example", "encrypted_index": "SWR4"}]
SAID = {"type": "text", "text": "It is blue.", "citations": CITED}
KINDS: dict[str, list[dict[str, Any]]] = {
    "a web search that is not done": [SIGNED, SEARCH],
    "a cited search": [SIGNED, SEARCH, FOUND, SAID],
    "citations without thinking": [SAID],
    "code": [
        {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "1"}, "caller": {"type": "direct"}},
        {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {"type": "code_execution_result", "stdout": "1", "content": []}},
        {"type": "text", "text": "1"},
    ],
    "a tool of a server of the caller's": [
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "server_name": "wiki", "input": {"a": [1, 2.5]}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [{"type": "text", "text": "x"}]},
        {"type": "text", "text": "x"},
    ],
    "a summary": [{"type": "compaction", "content": "We spoke of the sky."}, {"type": "text", "text": "Yes."}],
    "a call made by a program": [
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "code_execution_20260120", "tool_id": "srvtoolu_2"}},
    ],
    "a block yet to come": [{"type": "yet_to_come", "note": "äöü", "parts": [1, {"b": None}]}, {"type": "text", "text": "Yes."}],
}  # fmt: skip
DELTAS = {
    "text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta", "content": "compaction_delta",
    "note": "yet_to_come_delta",
}  # fmt: skip


def in_pieces(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block as a stream brings it: empty first, its texts, arguments and citations in pieces."""
    begun, deltas = dict(block), []
    for name, value in block.items():
        if name == "input":
            begun["input"], whole = {}, json.dumps(value)
            deltas += [{"type": "input_json_delta", "partial_json": piece} for piece in ("", whole[:4], whole[4:])]
        elif name == "citations":
            begun["citations"] = []
            deltas += [{"type": "citations_delta", "citation": citation} for citation in value]
        elif name in DELTAS and isinstance(value, str):
            begun[name] = None if name == "content" else ""
            deltas += [{"type": DELTAS[name], name: piece} for piece in (value[:3], value[3:])]
        elif name == "parts":
            begun["parts"] = []
            deltas += [{"type": "parts_delta", "parts": [part]} for part in value]
    return {**begun, "deltas": deltas}


def reply(blocks: list[dict[str, Any]], stop: str, **more: Any) -> Reply:
    def answer(request: Received) -> Any:
        if not json.loads(request.body).get("stream"):
            return replies.body(json.dumps({**message(*blocks, stop=stop), **more}).encode())(request)
        end = ended(stop)
        end[0]["delta"] |= more
        said = b"".join(SHAPES["anthropic"].sse(event) for event in (*started(*map(in_pieces, blocks)), *end))
        return replies.body(said, content_type="text/event-stream")(request)

    return answer


@pytest.mark.parametrize("blocks", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_blocks_come_back_to_claude_as_they_were_written(
    mode: str, blocks: list[dict[str, Any]], server: FaultServer
) -> None:
    stop = "tool_use" if blocks[-1]["type"] == "tool_use" else "pause_turn"
    server.script(reply(blocks, stop), replies.answer("Done."))
    params = {"provider": Anthropic(api_base=f"{server.origin}/v1", api_key="test"), "model": "claude-sonnet-5-5"}
    first = run(mode, {}, params)
    assert first.completion is not None, first.error
    turns = [{"role": "user", "content": "Sky?"}, first.completion.choices[0].message]
    if stop == "tool_use":
        turns.append({"role": "tool", "tool_call_id": "toolu_1", "content": "7"})
    again = run(mode, {}, {**params, "messages": turns})
    assert again.text == "Done."
    assert server.received[1].json["messages"][1] == {"role": "assistant", "content": blocks}


@pytest.mark.parametrize("mode", MODES)
def test_a_paused_answer_says_so(mode: str, server: FaultServer) -> None:
    server.script(reply([SIGNED, SEARCH], "pause_turn"))
    provider = Anthropic(api_base=f"{server.origin}/v1", api_key="test")
    paused = run(mode, {}, {"provider": provider}).completion
    assert paused is not None
    choice = paused.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("length", "")
    assert choice.message.extra_content["anthropic"]["stop_reason"] == "pause_turn"  # type: ignore[index]


@pytest.mark.parametrize("mode", ["sync", "async stream"])
def test_programs_go_on_in_the_container_of_the_conversation(mode: str, server: FaultServer) -> None:
    box = {"id": "container_1", "expires_at": "2026-11-29T00:00:00Z"}
    server.script(reply(KINDS["code"], "end_turn", container=box), *[replies.answer("Done.")] * 3)
    params = {"provider": Anthropic(api_base=f"{server.origin}/v1", api_key="test")}
    first = run(mode, {}, params).completion
    assert first is not None
    turns = [{"role": "user", "content": "1?"}, first.choices[0].message, {"role": "user", "content": "2?"}]
    code = {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}
    for extra in (code, {}, {**code, "container": "mine"}):
        run(mode, {}, {**params, "messages": turns, "extra_body": extra})
    assert [request.json.get("container") for request in server.received[1:]] == ["container_1", None, "mine"]


def test_a_stream_keeps_what_the_whole_answer_keeps() -> None:
    for blocks in KINDS.values():
        whole = parse("anthropic", message(*blocks)).choices[0].message
        pieces = streamed("anthropic", *started(*map(in_pieces, blocks)), *ended()).choices[0].message
        assert whole == pieces
        assert whole.extra_content == {"anthropic": {"content": blocks}}


def test_what_openais_form_says_completely_is_not_kept_twice() -> None:
    plain = [
        {"type": "text", "text": "a", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
    ]
    assert parse("anthropic", message(*plain)).choices[0].message.extra_content is None


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use"])
def test_blocks_are_not_kept_if_one_was_cut(kind: str) -> None:
    cut = {"type": kind, "id": "t_1", "name": "f", "input": {},
           "deltas": [{"type": "input_json_delta", "partial_json": '{"a'}]}  # fmt: skip
    answer = streamed("anthropic", *started(in_pieces(SIGNED), cut), *ended("max_tokens"))
    assert answer.choices[0].message.extra_content is None
