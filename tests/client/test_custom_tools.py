"""Calls of OpenAI's custom tools, whose input is a text of any form: they are kept, and go back as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite.testing import FaultServer, replies

INPUT = 'print("{")\n'
CALL = {"id": "call_1", "type": "custom", "custom": {"name": "code", "input": INPUT}}
FUNCTION = {"id": "call_2", "type": "function", "function": {"name": "find", "arguments": "{}"}}
TOOLS = [{"type": "custom", "custom": {"name": "code"}}, {"type": "function", "function": {"name": "find"}}]


def one_call(call: dict[str, Any], *, stream: bool) -> bytes:
    if not stream:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()
    choice = {"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}, "finish_reason": "tool_calls"}
    return f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()


def content(*, stream: bool) -> bytes:
    if not stream:
        message = {"role": "assistant", "content": None, "tool_calls": [CALL, FUNCTION]}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode()
    start = {**CALL, "index": 0, "custom": {"name": "code", "input": ""}}
    calls = [start, *({"index": 0, "custom": {"input": letter}} for letter in INPUT), {**FUNCTION, "index": 1}]
    choices = [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None} for call in calls]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    events = [json.dumps({"id": "c", "model": "m", "choices": [choice]}) for choice in choices]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


def settings(groq: FaultServer) -> dict[str, Any]:
    return {"keys": {"openai": "sk-x"}, "base_urls": {"openai": groq.base_url}, "retries": 0}


@pytest.mark.parametrize("mode", MODES)
def test_a_custom_call_is_read_and_goes_back(mode: str, groq: FaultServer) -> None:
    call = {"model": "openai:m", "fallback_models": [], "messages": MESSAGES, "tools": TOOLS}
    groq.script(replies.body(content(stream="stream" in mode)))
    answer = run(mode, settings(groq), call)
    assert answer.completion is not None, answer.error
    message = answer.completion.choices[0].message
    custom, function = message.tool_calls or ()
    assert custom.custom is not None
    assert (custom.type, custom.custom.name, custom.custom.input) == ("custom", "code", INPUT)
    assert (custom.function.name, custom.function.arguments) == ("code", INPUT)
    assert function.custom is None and "custom" not in function.model_dump()
    assert message.to_dict()["tool_calls"] == [CALL, FUNCTION]
    assert custom.to_dict() == CALL
    groq.script(replies.answer("done"))
    result = {"role": "tool", "tool_call_id": "call_1", "content": "{"}
    for given in (message, message.to_dict()):
        assert run(mode, settings(groq), {**call, "messages": [*MESSAGES, given, result]}).error is None
        assert groq.received[-1].json["messages"][-2]["tool_calls"] == [CALL, FUNCTION]


@pytest.mark.parametrize("call", [{**CALL, "custom": {"name": 5, "input": ""}}, {**CALL, "custom": {"name": "a"}}])
@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_custom_call_is_refused(mode: str, call: dict[str, Any], groq: FaultServer) -> None:
    messages = [*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [call]}]
    error = run(mode, settings(groq), {"model": "openai:m", "fallback_models": [], "messages": messages}).error
    assert "tool_calls[0].function" in str(error)
    assert groq.received == []


ODD_CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("an empty text", {**CALL, "custom": {"name": "code", "input": ""}},
                      {**CALL, "custom": {"name": "code", "input": ""}}),
    ("no type", {"id": "call_1", "custom": CALL["custom"]}, CALL),
    ("a function that is null", {**CALL, "function": None}, CALL),
    ("an empty field beside a function", {**FUNCTION, "custom": {}}, FUNCTION),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("given", "read"), [row[1:] for row in ODD_CALLS], ids=[row[0] for row in ODD_CALLS])
def test_an_odd_call_is_read_alike_and_goes_back(
    given: dict[str, Any], read: dict[str, Any], mode: str, groq: FaultServer
) -> None:
    call = {"model": "openai:m", "fallback_models": [], "messages": MESSAGES, "tools": TOOLS}
    groq.script(replies.body(one_call(given, stream="stream" in mode)))
    answer = run(mode, settings(groq), call)
    assert answer.completion is not None, answer.error
    message = answer.completion.choices[0].message
    (one,) = message.tool_calls or ()
    assert message.to_dict()["tool_calls"] == [read]
    if one.custom is not None:
        assert (one.function.name, one.function.arguments) == (one.custom.name, one.custom.input)
    groq.script(replies.answer("done"))
    result = {"role": "tool", "tool_call_id": one.id, "content": "{"}
    assert run(mode, settings(groq), {**call, "messages": [*MESSAGES, message, result]}).error is None
