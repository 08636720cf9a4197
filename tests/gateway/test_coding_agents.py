"""Requests in the shapes that coding agents send, and what of them reaches the services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, Running, key_table, running, tables

from g4f_lite.testing import FaultServer, replies

EPHEMERAL = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
READ: Any = {
    "name": "Read",
    "description": "Reads a file",
    "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]},
}
CLAUDE_CODE: Any = {
    "model": "claude-own",
    "max_tokens": 32000,
    "temperature": 1,
    "system": [
        {"type": "text", "text": "You are a coding agent.", **EPHEMERAL},
        {"type": "text", "text": "The files are in /src.", **EPHEMERAL},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"},
                                     {"type": "text", "text": "What is in main.py?", **EPHEMERAL}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Read it.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "Zm9v"},
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/src/main.py"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True,
             "content": [{"type": "text", "text": "no such file"}], **EPHEMERAL}]},
        {"role": "system", "content": [{"type": "text", "text": "There is another file now."}]},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [READ, {**READ, "name": "Read2", "defer_loading": True, **EPHEMERAL},
              {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": False},
    "thinking": {"type": "enabled", "budget_tokens": 31999},
    "metadata": {"user_id": "user_1_account__session_2"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "a_field_of_tomorrow": {"x": 1},
}  # fmt: skip
BETA = "claude-code-20250219,interleaved-thinking-2025-05-14"
SHELL: Any = {
    "type": "function",
    "function": {"name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}},
}
CODEX: Any = {
    "model": "gpt",
    "messages": [
        {"role": "system", "content": "You are a coding agent."},
        {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "shell", "arguments": '{"command":["ls"]}'}},
            {"id": "call_2", "type": "function", "function": {"name": "shell", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "main.py"},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
    ],
    "tools": [SHELL],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning_effort": "medium",
    "stream_options": {"include_usage": True},
    "store": False,
    "prompt_cache_key": "session-1",
    "verbosity": "low",
    "a_field_of_tomorrow": {"x": 1},
}  # fmt: skip
AIDER: Any = {
    "model": "gpt-old",
    "messages": [{"role": "system", "content": "Act as an expert."}, {"role": "user", "content": "Rename f to g."},
                 {"role": "assistant", "content": "Ok."}, {"role": "user", "content": "main.py\n```\ndef f(): ...\n```"}],
    "temperature": 0,
}  # fmt: skip
CONTINUE: Any = {
    "model": "gpt-old",
    "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWs=", "detail": "auto"}}]}],
    "max_tokens": 4096,
    "stop": ["</s>"],
    "top_p": 0.9,
    "presence_penalty": 0,
    "prediction": {"type": "content", "content": "def f(): ..."},
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(upstream: FaultServer) -> Iterator[Running]:
    names = {"claude-own": "anthropic:claude-sonnet-5", "claude-open": "openai:gpt-9", "gpt": "openai:gpt-9"}
    names["gpt-old"] = "openai:gpt-4.1"  # which does not think, so that it takes a temperature
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", "k" * 20)
        configuration = tables(
            upstream, models={name: {"routes": [one]} for name, one in names.items()}, keys=key_table(tpm=10_000_000)
        )
        configuration["client"]["base_urls"]["anthropic"] = upstream.base_url
        configuration["client"]["keys"]["anthropic"] = {"env": "GROQ_API_KEY"}
        with running(configuration) as one:
            yield one


def post(gateway: Running, path: str, body: Any, **headers: str) -> requests.Response:
    own = {"anthropic-version": "2023-06-01", "user-agent": "claude-cli/2.0 (external, cli)", **headers}
    return requests.post(f"{gateway.url}{path}", json=body, headers=own, timeout=30)


def without(body: Any, *names: str) -> Any:
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize("stream", [False, True])
def test_claude_code_to_its_own_service_goes_as_it_is(stream: bool, gateway: Running, upstream: FaultServer) -> None:
    upstream.script(replies.answer("Nothing."))
    headers = {"x-api-key": KEY, "anthropic-beta": BETA, "x-app": "cli"}
    answer = post(gateway, "/v1/messages?beta=true", {**CLAUDE_CODE, "stream": stream}, **headers)
    assert answer.status_code == 200, answer.text
    assert "Nothing." in answer.text
    received = upstream.received[-1]
    assert without(received.json, "stream") == {**CLAUDE_CODE, "model": "claude-sonnet-5"}
    assert received.json.get("stream", False) is stream
    assert received.headers["anthropic-beta"] == BETA
    assert KEY not in str(received.headers) and "x-app" not in received.headers


@pytest.mark.parametrize("stream", [False, True])
def test_claude_code_to_another_service(stream: bool, gateway: Running, upstream: FaultServer) -> None:
    upstream.script(replies.answer("Nothing."))
    body = {**CLAUDE_CODE, "model": "claude-open", "stream": stream, "tools": [READ]}
    answer = post(gateway, "/v1/messages?beta=true", body, authorization=f"Bearer {KEY}", **{"anthropic-beta": BETA})
    assert answer.status_code == 200, answer.text
    received = upstream.received[-1]
    roles = [one["role"] for one in received.json["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "system", "user"]
    assert not {"extra_content", "request"} & {*received.json["messages"][0]}
    assert [one["function"]["name"] for one in received.json["tools"]] == ["Read"]


def test_the_limit_of_the_configuration_holds_for_a_body_that_goes_as_it_is(upstream: FaultServer) -> None:
    upstream.script(replies.answer("Nothing."))
    configuration = tables(upstream, models={"claude-own": {"routes": ["anthropic:claude-sonnet-5"], "max_tokens": 50}})
    configuration["client"]["base_urls"]["anthropic"] = upstream.base_url
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", "k" * 20)
        configuration["client"]["keys"]["anthropic"] = {"env": "GROQ_API_KEY"}
        with running(configuration) as one:
            assert post(one, "/v1/messages", without(CLAUDE_CODE, "thinking")).status_code == 200
    assert upstream.received[-1].json["max_tokens"] == 50


def test_claude_code_counts_tokens(gateway: Running, upstream: FaultServer) -> None:
    asked = len(upstream.received)
    body = without(CLAUDE_CODE, "max_tokens", "temperature", "metadata")
    answer = post(gateway, "/v1/messages/count_tokens?beta=true", body, **{"x-api-key": KEY, "anthropic-beta": BETA})
    assert 30 < answer.json()["input_tokens"] < len(json.dumps(body))
    assert answer.headers["x-g4f-estimate"] == "true"
    assert len(upstream.received) == asked


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [CODEX, AIDER, CONTINUE], ids=["codex", "aider", "continue"])
def test_an_agent_that_speaks_openais_protocol(
    body: Any, stream: bool, gateway: Running, upstream: FaultServer
) -> None:
    upstream.script(replies.answer("Two files."))
    answer = post(gateway, "/v1/chat/completions", {**body, "stream": stream}, authorization=f"Bearer {KEY}")
    assert answer.status_code == 200, answer.text
    received = upstream.received[-1].json
    own = ("model", "stream", "stream_options", "max_tokens", "max_completion_tokens")
    assert without(received, *own) == without(body, *own)
    assert [received.get("max_tokens") or received.get("max_completion_tokens")] == [body.get("max_tokens")]
    if not stream:
        assert answer.json()["choices"][0]["message"]["content"] == "Two files."
        return
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in events if one["choices"]) == "Two files."
    assert answer.text.endswith("data: [DONE]\n\n")
    assert any(one.get("usage") for one in events) or "stream_options" not in body
