"""
OpenAI's chat completions, the protocol of most services.

Source: recorded answers of OpenAI and Groq.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..wire import sse
from .contract import PROMPT_TOKENS, Failure, Said, halves, model_of, streams, words

__all__ = ["DONE", "FRAMING", "KEEP_ALIVE", "chunks", "error", "model_of", "sse", "streams", "usage", "whole"]

FRAMING = "sse"
DONE: tuple[str, ...] = ("[DONE]",)
KEEP_ALIVE = b": keep-alive\n\n"


def whole(model: str, said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text, **said.more}
    if said.reasoning:
        message["reasoning"] = said.reasoning
    if said.tool_calls:
        message["tool_calls"] = list(said.tool_calls)
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish, "logprobs": None}],
        "usage": usage(said.tokens),
    }


def chunks(model: str, said: Said) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        head = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_700_000_000}
        return {**head, "model": model, "choices": [choice], **more}

    yield chunk({"role": "assistant", "content": "", **said.more})
    for word in words(said.reasoning):
        yield chunk({"reasoning": word})
    for piece in said.pieces:
        yield chunk({"content": piece})
    for index, call in enumerate(said.tool_calls):  # id and name come first and once, the arguments in pieces
        start = {**call, "function": {**call["function"], "arguments": ""}}
        yield chunk({"tool_calls": [{"index": index, **start}]})
        for part in halves(call["function"]["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    if said.finish is not None:
        yield chunk({}, said.finish, usage=usage(said.tokens))


def usage(tokens: int) -> dict[str, int]:
    total = PROMPT_TOKENS + tokens
    return {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": tokens, "total_tokens": total}


def error(failure: Failure) -> dict[str, Any]:
    kind = failure.type or "invalid_request_error"
    return {"error": {"message": failure.message, "type": kind, "code": failure.code, "param": failure.param}}
