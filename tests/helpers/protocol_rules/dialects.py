"""What services that speak OpenAI's protocol accept of a conversation; all else is an error, as it is with them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

from g4f_lite.testing import Received, replies
from g4f_lite.testing.replies import Reply

from .common import BrokenRule, hold

JSONObject = dict[str, Any]
PLAIN = {"role", "content", "tool_calls", "tool_call_id"}


def _fields(messages: list[JSONObject], allowed: set[str]) -> None:
    for message in messages:
        hold(set(message) <= allowed, f"unknown fields {set(message) - allowed}")
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            hold(set(part) <= {"type", part["type"]}, f"unknown fields in a part: {part}")
        for call in message.get("tool_calls", ()):
            hold(set(call) <= {"id", "type", "function"}, f"unknown fields in a call: {call}")


def _mistral(messages: list[JSONObject]) -> None:
    _fields(messages, PLAIN | {"prefix"})
    for before, message in itertools.pairwise(messages):
        hold((before["role"], message["role"]) != ("tool", "user"), "3230: user after tool")
        hold(message["role"] != "system" or before["role"] in ("system", "user"), "3230: system after an answer")
    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    hold(len(ids) == len(set(ids)), "an id twice")
    ids += [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    hold(all(re.fullmatch("[a-zA-Z0-9]{9}", id) for id in ids), "3280: an id of another form")
    hold(messages[-1]["role"] != "assistant" or messages[-1].get("prefix"), "3230: assistant last")


def _text_only(messages: list[JSONObject]) -> None:
    for message in messages:
        if message["role"] != "user":
            hold(message.get("content") is None or isinstance(message["content"], str), "content must be a string")


def _groq(messages: list[JSONObject]) -> None:
    _fields(messages, PLAIN)
    _text_only(messages)


def _deepseek(messages: list[JSONObject]) -> None:
    _fields(messages, PLAIN | {"reasoning_content", "name"})
    _text_only(messages)
    for message in messages:
        if message["role"] == "assistant":
            hold(message.get("reasoning_content"), "reasoning_content must be passed back")


def _moonshot(messages: list[JSONObject]) -> None:
    _fields(messages, PLAIN | {"reasoning_content", "name", "partial"})
    for message in messages:
        if message.get("tool_calls"):
            hold(message.get("reasoning_content"), "thinking is enabled but reasoning_content is missing")


def _plain(messages: list[JSONObject]) -> None:
    """A service that declares nothing: what only others understand must not come, but for what the caller wrote."""
    text = json.dumps(messages)
    hold("thought_signature" not in text and "signature" not in text, "a signature of another service")


def _openai(messages: list[JSONObject]) -> None:
    _fields(messages, PLAIN | {"name", "refusal"})
    hold(all(len(call["id"]) <= 40 for message in messages for call in message.get("tool_calls", ())), "a long id")


def _signed(messages: list[JSONObject]) -> None:
    """Google's endpoint, in a conversation that it began: the first call of each answer must be signed."""
    signed = [message["tool_calls"][0].get("extra_content") for message in messages if message.get("tool_calls")]
    hold(all(signed), "missing thought_signature")


def _anything(messages: list[JSONObject]) -> None:
    for message in messages:
        hold("g4f_lite.origin" not in message, "a field of the library")


RULES: dict[str, Callable[[list[JSONObject]], None]] = {
    "mistral": _mistral, "groq": _groq, "deepseek": _deepseek, "openai": _openai, "moonshot": _moonshot,
    "google": _signed, "openrouter": _anything, "plainhost": _plain,
}  # fmt: skip


def kept(name: str, reply: Reply) -> Reply:
    """Return the reply for requests that keep the rules of a service; others get a 400."""

    def guarded(request: Received) -> Any:
        try:
            messages = json.loads(request.body)["messages"]
            _anything(messages)
            RULES[name](messages)
        except BrokenRule as error:
            return replies.error(400, f"broken rule: {error}")(request)
        return reply(request)

    return guarded
