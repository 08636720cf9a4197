"""Reads the answers of each protocol like a plugin, but strictly."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from g4f_lite.testing.shapes import ShapeName

from .raw_client import SHAPES


class Event(NamedTuple):
    name: str | None
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def events_of(body: bytes, shape: ShapeName) -> list[Event]:
    """Read a stream more strictly than a client should: only the fields, the order and the line ends of its service."""
    newline = "\r\n" if shape == "gemini" else "\n"
    assert set(re.findall(r"\r\n|\r|\n", body.decode())) <= {newline}
    *blocks, rest = body.decode().split(newline * 2)
    assert rest == ""
    pattern = rf"(?:event: ([\w-]+){newline})?data: (.*)"
    return [Event(*found.groups()) for block in blocks if (found := re.fullmatch(pattern, block)) is not None]


class Read(NamedTuple):
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str | None, str, Any], ...] = ()
    finish: str | None = None
    tokens: tuple[int, int] | None = None


def joined(parts: list[dict[str, Any]], field: str) -> str:
    return "".join(part.get(field, "") for part in parts)


def read_openai(reply: Any) -> Read:
    (choice,), usage = reply["choices"], reply["usage"]
    message = choice["message"]
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
    calls = tuple((ident, function["name"], json.loads(function["arguments"])) for ident, function in functions)
    tokens = usage and (usage["prompt_tokens"], usage["completion_tokens"])
    assert not tokens or usage["total_tokens"] == sum(tokens)
    return Read(message["content"], message.get("reasoning", ""), calls, choice["finish_reason"], tokens)


def read_openai_stream(events: list[Event]) -> Read:
    assert {event.name for event in events} <= {None}
    chunks = [event.json for event in events if event.data != "[DONE]"]
    choices = [chunk["choices"][0] for chunk in chunks]
    deltas = [choice["delta"] for choice in choices]
    assert {choice["finish_reason"] for choice in choices[:-1]} <= {None}
    assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    calls: list[dict[str, Any]] = []
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls", ())):
        if "id" in piece:
            assert piece["index"] == len(calls)
            calls.append({**piece, "function": {**piece["function"]}})
        else:
            calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    message = {"content": joined(deltas, "content"), "reasoning": joined(deltas, "reasoning"), "tool_calls": calls}
    return read_openai({"choices": [{**choices[-1], "message": message}], "usage": chunks[-1].get("usage")})


def read_anthropic(reply: Any) -> Read:
    assert (reply["type"], reply["role"], reply["stop_sequence"]) == ("message", "assistant", None)
    blocks, usage = reply["content"], reply["usage"]
    calls = tuple((block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use")
    prompt = usage["input_tokens"] + usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]
    tokens = (prompt, usage["output_tokens"]) if reply["stop_reason"] else None
    return Read(joined(blocks, "text"), joined(blocks, "thinking"), calls, reply["stop_reason"], tokens)


def read_anthropic_stream(events: list[Event]) -> Read:
    assert all(event.name == event.json["type"] for event in events)
    data = [event.json for event in events if event.name != "ping"]
    assert len(data) < len(events)
    block = "content_block_start( content_block_delta)+"
    order = f"message_start( {block} content_block_stop)*( message_delta message_stop|( {block})?)"
    assert re.fullmatch(order, " ".join(one["type"] for one in data))
    message = data[0]["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    starts = [one for one in data if one["type"] == "content_block_start"]
    for index, start in enumerate(starts):
        deltas = [one["delta"] for one in data if one["type"] == "content_block_delta" and one["index"] == index]
        fields = ("text", "thinking", "signature", "partial_json")
        block = start["content_block"] | {field: joined(deltas, field) for field in fields}
        assert (start["index"], start["content_block"].get("input", {})) == (index, {})
        message["content"].append({**block, "input": json.loads(block["partial_json"] or "{}")})
    for delta in (one for one in data if one["type"] == "message_delta"):
        message |= delta["delta"]
        message["usage"] |= delta["usage"]
    return read_anthropic(message)


def read_gemini(reply: Any) -> Read:
    (candidate,), usage = reply["candidates"], reply["usageMetadata"]
    assert candidate["content"]["role"] == "model"
    parts = candidate["content"].get("parts", [])
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    tokens = usage["promptTokenCount"], usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    assert usage["totalTokenCount"] == sum(tokens)
    return Read(
        joined([part for part in parts if not part.get("thought")], "text"),
        joined([part for part in parts if part.get("thought")], "text"),
        tuple((call.get("id"), call["name"], call["args"]) for call in calls),
        candidate.get("finishReason"),
        tokens,
    )


def read_gemini_stream(events: list[Event]) -> Read:
    assert {event.name for event in events} <= {None}
    chunks = [read_gemini(event.json) for event in events] or [Read()]
    assert {chunk.finish for chunk in chunks[:-1]} <= {None}
    totals = [chunk.tokens or (0, 0) for chunk in chunks]
    assert totals == sorted(totals)  # cumulative
    texts, thoughts, calls, finishes, _ = zip(*chunks, strict=True)
    return Read("".join(texts), "".join(thoughts), sum(calls, ()), finishes[-1], totals[-1] if finishes[-1] else None)


def read_cohere(reply: Any) -> Read:
    message, billed = reply["message"], reply["usage"]["billed_units"]
    assert (reply["id"], message["role"]) == ("chat-test", "assistant")
    assert reply["usage"]["tokens"]["input_tokens"] > billed["input_tokens"]
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
    return Read(
        joined(message["content"], "text"),
        joined(message["content"], "thinking"),
        tuple((ident, function["name"], json.loads(function["arguments"])) for ident, function in functions),
        reply["finish_reason"],
        (billed["input_tokens"], billed["output_tokens"]),
    )


def read_cohere_stream(events: list[Event]) -> Read:
    assert all(event.name == event.json["type"] for event in events)
    data = [event.json for event in events]
    content = r"content-start( content-delta)+"
    call = "tool-call-start( tool-call-delta)+ tool-call-end"
    order = f"message-start( {content} content-end)*( {call})*( message-end|( {content})?)"
    assert re.fullmatch(order, " ".join(one["type"] for one in data))
    messages = [one["delta"]["message"] for one in data if "message" in one.get("delta", ())]
    contents = [message["content"] for message in messages[1:] if "content" in message]
    pieces = [
        (one["type"], one["delta"]["message"]["tool_calls"])
        for one in data
        if one["type"][-10:] in ("call-start", "call-delta")
    ]
    calls: list[dict[str, Any]] = []
    for kind, piece in pieces:
        if kind == "tool-call-start":
            calls.append({**piece, "function": {**piece["function"]}})
        else:
            calls[-1]["function"]["arguments"] += piece["function"]["arguments"]
    if data[-1]["type"] != "message-end":
        return Read(joined(contents, "text"), joined(contents, "thinking"))
    message = {"role": "assistant", "content": contents, "tool_calls": calls}
    return read_cohere({"id": data[0]["id"], "message": message, **data[-1]["delta"]})


READ = {"openai": read_openai, "anthropic": read_anthropic, "gemini": read_gemini, "cohere": read_cohere}
READ_STREAM = {
    "openai": read_openai_stream,
    "anthropic": read_anthropic_stream,
    "gemini": read_gemini_stream,
    "cohere": read_cohere_stream,
}


FINISHES = {  # the form of OpenAI's finish reasons in each protocol
    "stop": ("stop", "end_turn", "STOP", "COMPLETE"),
    "length": ("length", "max_tokens", "MAX_TOKENS", "MAX_TOKENS"),
    "tool_calls": ("tool_calls", "tool_use", "STOP", "TOOL_CALL"),
    "content_filter": ("content_filter", "refusal", "SAFETY", "ERROR"),
    "odd": ("odd", "odd", "odd", "odd"),
}


def finish_in(shape: ShapeName, finish: str) -> str:
    return FINISHES[finish][SHAPES.index(shape)]
