"""
Anthropic's Messages: content in blocks, events with names, no `[DONE]`.

Source: docs.claude.com/en/api/messages, …/streaming, …/errors, and recorded streams.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from .. import wire
from .contract import PROMPT_TOKENS, Failure, Said, halves, model_of, streams, words

__all__ = ["DONE", "FRAMING", "KEEP_ALIVE", "chunks", "error", "model_of", "sse", "streams", "whole"]

FRAMING = "sse"
DONE: tuple[str, ...] = ()
KEEP_ALIVE = wire.sse({"type": "ping"}, "ping")

FINISHES = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

Block: TypeAlias = tuple[dict[str, Any], list[dict[str, Any]]]
"""A block of content as it starts, and the deltas that fill it."""


def whole(model: str, said: Said) -> dict[str, Any]:
    return {
        **_message(model, said.tokens),
        "content": [_filled(*block) for block in _blocks(said)],
        **_stop(said),
    }


def chunks(model: str, said: Said) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(model, 1)}
    yield {"type": "ping"}
    blocks = _blocks(said)
    for index, (start, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if said.finish is not None or index + 1 < len(blocks):
            yield {"type": "content_block_stop", "index": index}
    if said.finish is not None:
        yield {"type": "message_delta", "delta": _stop(said), "usage": {"output_tokens": said.tokens}}
        yield {"type": "message_stop"}


def error(failure: Failure) -> dict[str, Any]:
    kind = failure.type or ERRORS.get(failure.status)
    kind = kind or ("api_error" if failure.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": failure.message}, "request_id": "req_test"}


def sse(data: object) -> bytes:
    return wire.sse(data, data.get("type") if isinstance(data, dict) else None)


def _message(model: str, tokens: int) -> dict[str, Any]:
    usage = {  # the prompt tokens are the sum of these three
        "input_tokens": PROMPT_TOKENS - 2,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "output_tokens": tokens,
    }
    head = {"id": "msg_test", "type": "message", "role": "assistant", "model": model}
    return {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}


def _stop(said: Said) -> dict[str, Any]:
    reason = said.finish and FINISHES.get(said.finish, said.finish)
    return {"stop_reason": reason, "stop_sequence": None, **said.more}


def _blocks(said: Said) -> list[Block]:
    blocks: list[Block] = []
    if said.reasoning:
        thoughts: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": word} for word in words(said.reasoning)
        ]
        signature = {"type": "signature_delta", "signature": "c2lnbmVk"}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signature]))
    if said.pieces:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.pieces]))
    for number, call in enumerate(said.tool_calls):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        start = {"type": "tool_use", "id": call.get("id", f"toolu_{number}"), "name": name, "input": {}}
        parts = ("", *halves(arguments))  # the first one is empty
        blocks.append((start, [{"type": "input_json_delta", "partial_json": part} for part in parts]))
    return blocks


def _filled(start: dict[str, Any], deltas: list[dict[str, Any]]) -> dict[str, Any]:
    def joined(field: str) -> str:
        return "".join(delta.get(field, "") for delta in deltas)

    if start["type"] == "tool_use":
        return {**start, "input": json.loads(joined("partial_json"))}
    return {**start, **{field: joined(field) for field in start if field != "type"}}
