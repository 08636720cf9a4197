"""
Cohere's chat, version 2: events have their kind in `type`; a plan precedes tool calls.

Source: docs.cohere.com/reference/chat, …/reference/chat-stream, …/reference/errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import wire
from .contract import PROMPT_TOKENS, Failure, Said, halves, model_of, streams, words

__all__ = ["DONE", "FRAMING", "KEEP_ALIVE", "chunks", "error", "model_of", "sse", "streams", "whole"]

PATH_END = "/v2/chat"

FRAMING = "sse"
DONE: tuple[str, ...] = ()
KEEP_ALIVE = b": keep-alive\n\n"

FINISHES = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR",
}


def whole(model: str, said: Said) -> dict[str, Any]:
    content = [{"type": "thinking", "thinking": said.reasoning}] if said.reasoning else []
    content += [{"type": "text", "text": said.text}] if said.text else []
    message: dict[str, Any] = {"role": "assistant", "content": content, **said.more}
    if said.tool_calls:
        message["tool_calls"] = _calls(said)
    return {"id": "chat-test", "finish_reason": _finish(said), "message": message, "usage": _usage(said)}


def chunks(model: str, said: Said) -> Iterator[dict[str, Any]]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], **said.more}
    yield {"type": "message-start", "id": "chat-test", "delta": {"message": start}}
    blocks = [("thinking", words(said.reasoning)), ("text", list(said.pieces))]
    blocks = [(kind, pieces) for kind, pieces in blocks if pieces]
    for index, (kind, pieces) in enumerate(blocks):
        yield _event("content-start", index, content={"type": kind, kind: ""})
        for piece in pieces:
            yield _event("content-delta", index, content={kind: piece})
        if said.finish is not None or index + 1 < len(blocks):
            yield {"type": "content-end", "index": index}
    for number, call in enumerate(_calls(said)):
        arguments = call["function"]["arguments"]
        yield _event("tool-call-start", number, tool_calls={**call, "function": {**call["function"], "arguments": ""}})
        for part in halves(arguments):
            yield _event("tool-call-delta", number, tool_calls={"function": {"arguments": part}})
        yield {"type": "tool-call-end", "index": number}
    if said.finish is not None:
        yield {"type": "message-end", "delta": {"finish_reason": _finish(said), "usage": _usage(said)}}


def error(failure: Failure) -> dict[str, Any]:
    return {"id": "error-test", "message": failure.message}


def sse(data: object) -> bytes:
    return wire.sse(data, data.get("type") if isinstance(data, dict) else None)


def _event(kind: str, index: int, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


def _finish(said: Said) -> str | None:
    return said.finish and FINISHES.get(said.finish, said.finish)


def _usage(said: Said) -> dict[str, Any]:
    billed = {"input_tokens": PROMPT_TOKENS, "output_tokens": said.tokens}
    template = {"input_tokens": PROMPT_TOKENS + 500, "output_tokens": said.tokens + 2}  # never billed
    return {"billed_units": billed, "tokens": template}


def _calls(said: Said) -> list[dict[str, Any]]:
    return [{"type": "function", "id": f"call_{number}", **call} for number, call in enumerate(said.tool_calls)]
