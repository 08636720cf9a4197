"""Objects of other libraries as messages: what has `model_dump()` or `to_dict()` is taken."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run
from pydantic import BaseModel, ConfigDict, field_serializer

import g4f_lite
from g4f_lite.testing import FaultServer

USER = {"role": "user", "content": "Which day is it?"}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "Sunday"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "today", "arguments": "{}"}}


class Function(BaseModel):  # the classes of OpenAI's library, by its source
    name: str
    arguments: str
    parsed_arguments: Any = None


class Call(BaseModel):
    id: str
    function: Function
    type: str = "function"


class OpenaiMessage(BaseModel):
    model_config = ConfigDict(extra="allow")
    content: str | None = None
    refusal: str | None = None
    role: str = "assistant"
    annotations: list[Any] | None = None
    audio: Any = None
    function_call: Function | None = None
    tool_calls: list[Call] | None = None
    parsed: Any = None


class Block(BaseModel):
    citations: Any = None
    text: str
    type: str = "text"


class AnthropicMessage(BaseModel):
    id: str = "msg_1"
    content: list[Block]
    model: str = "claude"
    role: str = "assistant"
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    type: str = "message"
    usage: dict[str, int] = {"input_tokens": 1}


class WithToDict:
    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def to_dict(self) -> dict[str, Any]:
        return self._fields


FUNCTION = Function(name="today", arguments="{}", parsed_arguments={"a": 1})
CALLED = OpenaiMessage(tool_calls=[Call(id="call_1", function=FUNCTION)])
NEVER_SENT: Any = {"parsed": True, "tool_calls": {"__all__": {"function": {"parsed_arguments"}}}}
TAKEN: dict[str, tuple[list[Any], list[Any]]] = {
    "a text": ([USER, OpenaiMessage(content="Sunday", parsed={"day": 7}, annotations=[{"url": "u"}]), USER],
               [USER, {"role": "assistant", "content": "Sunday"}, USER]),
    "a call": ([USER, CALLED, RESULT], [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]),
    "a call as a dictionary": ([USER, CALLED.model_dump(exclude=NEVER_SENT), RESULT],
                               [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]),
    "objects in a dictionary": (
        [USER, {"role": "assistant", "content": None, "tool_calls": CALLED.tool_calls}, RESULT],
        [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]),
    "an object in a call": (
        [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function",
                                                                      "function": FUNCTION}]}, RESULT],
        [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]),
    "unknown fields": ([USER, OpenaiMessage(content="a", prefix=True)],
                       [USER, {"role": "assistant", "content": "a", "prefix": True}]),
    "blocks": ([USER, AnthropicMessage(content=[Block(text="Sunday")]), USER],
               [USER, {"role": "assistant", "content": [{"text": "Sunday", "type": "text"}]}, USER]),
    "to_dict": ([WithToDict(**USER)], [USER]),
    "parts": ([{"role": "user", "content": [Block(text="a"), WithToDict(type="text", text="b")]}],
              [{"role": "user", "content": [{"text": "a", "type": "text"}, {"type": "text", "text": "b"}]}]),
    "our own": ([USER, g4f_lite.Message(tool_calls=(g4f_lite.ToolCall(id="call_1",
                function=g4f_lite.FunctionCall(name="today", arguments="{}")),)), RESULT],
                [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]),
    "our own, dumped": ([USER, g4f_lite.Message(content="a").model_dump(), USER],
                        [USER, {"role": "assistant", "content": "a"}, USER]),
}  # fmt: skip


class Unwritable(BaseModel):
    role: str = "user"
    content: str = "a"

    @field_serializer("content")
    def write(self, _: str) -> str:
        raise ZeroDivisionError


def fail(_: object) -> None:
    raise KeyError("content")


REFUSED: dict[str, tuple[Any, str]] = {
    "a number": (3, r"messages\[0\]"),
    "a class": (OpenaiMessage, r"messages\[0\]"),
    "no role": (WithToDict(content="a"), "role"),
    "no dictionary": (type("Odd", (), {"to_dict": lambda self: [1]})(), r"messages\[0\]"),
    "it fails": (type("Odd", (), {"to_dict": fail})(), r"type Odd, whose to_dict\(\) failed: KeyError.*messages\.py:"),
    "its part fails": ({"role": "user", "content": [type("Odd", (), {"model_dump": fail})()]}, "KeyError"),
    "pydantic cannot write it": (Unwritable(), "PydanticSerializationError"),
    "nothing to say": (WithToDict(role="user", content=None), "content"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TAKEN)
def test_a_message_of_another_library_is_taken(name: str, mode: str, server: FaultServer) -> None:
    given, sent = TAKEN[name]
    service = type("Service", (g4f_lite.OpenaiTemplate,), {"name": "service", "api_base": server.base_url,
                                                           "needs_auth": False, "default_model": "m"})  # fmt: skip
    outcome = run(mode, {"routes": [service()]}, {"messages": given})
    assert outcome.text == "ok", outcome.error
    assert server.received[0].json["messages"] == sent


@pytest.mark.parametrize("name", REFUSED)
def test_another_object_is_refused(name: str) -> None:
    given, match = REFUSED[name]
    with g4f_lite.Client() as client, pytest.raises(g4f_lite.InvalidRequestError, match=match):
        client.chat.completions.create(messages=[given], provider="groq")
