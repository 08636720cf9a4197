"""Answers and events of Anthropic, Gemini and Cohere."""

from __future__ import annotations

from typing import Any


def message(*content: dict[str, Any], stop: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_sequence": None}
    return {
        **head,
        "content": list(content),
        "stop_reason": stop,
        "usage": {"input_tokens": 3, "output_tokens": 4, **usage},
    }


def started(*content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a stream of Claude's up to its end: each block with its deltas."""
    first = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 10, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message(stop=None), "usage": first}},
        {"type": "ping"},
    ]
    for index, block in enumerate(content):
        deltas = block.pop("deltas", ())
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    return events


def ended(stop: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9, **usage}},
        {"type": "message_stop"},
    ]


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", index: int = 0, **more: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"} if parts else {"role": "model"}
    return {"content": content, "index": index, **({"finishReason": finish} if finish else {}), **more}


def response(*candidates: dict[str, Any], **usage: Any) -> dict[str, Any]:
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7, **usage}
    return {"candidates": list(candidates), "usageMetadata": counts, "modelVersion": "gemini-x", "responseId": "r-1"}


def chat(message: dict[str, Any], finish: str = "COMPLETE", **usage: Any) -> dict[str, Any]:
    counts = {
        "billed_units": {"input_tokens": 3.0, "output_tokens": 4.0},
        "tokens": {"input_tokens": 503, "output_tokens": 6},
    }
    return {
        "id": "c-1",
        "finish_reason": finish,
        "message": {"role": "assistant", **message},
        "usage": {**counts, **usage},
    }
