"""From a completion to a message of Anthropic's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from ...types.chat import ChatCompletion
from ...types.finish_reasons import is_cut, is_withheld
from ...types.usage import Usage
from ...value import JSONObject, decode_json

STOPS = {"stop": "end_turn", "tool_calls": "tool_use"}


def message_body(completion: ChatCompletion, asked_for: str) -> bytes:
    """
    Return the JSON of a message: the service's own if it is one.

    Args:
        asked_for: the model that the caller has asked for, if the completion names none.
    """
    own = decode_json(completion.raw_json) if completion.raw_json else None
    if isinstance(own, dict) and own.get("type") == "message" and isinstance(own.get("content"), list):
        return completion.raw_json or b""
    choice = completion.choices[0]
    message = {
        "id": message_id(completion.id),
        "type": "message",
        "role": "assistant",
        "model": completion.model or asked_for,
        "content": _blocks(choice.message),
        "stop_reason": stop_reason(choice.finish_reason),
        "stop_sequence": None,
        "usage": usage_of(completion.usage),
    }
    return msgspec.json.encode(message)


def _blocks(message: Any) -> list[JSONObject]:
    blocks: list[JSONObject] = []
    if message.reasoning:
        blocks.append({"type": "thinking", "thinking": message.reasoning, "signature": ""})
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    for call in message.tool_calls or ():
        arguments = decode_json(call.function.arguments.encode())
        given = arguments if isinstance(arguments, dict) else {"arguments": call.function.arguments}
        blocks.append({"type": "tool_use", "id": call.id, "name": call.function.name, "input": given})
    return blocks


def message_id(own: str) -> str:
    """Return an id in Anthropic's form."""
    return own if own.startswith("msg_") else f"msg_{uuid4().hex}"


def stop_reason(finish: str | None) -> str | None:
    """Return Anthropic's word for a finish reason."""
    if is_cut(finish) or is_withheld(finish):
        return "max_tokens" if is_cut(finish) else "refusal"
    return None if finish is None else STOPS.get(finish, "end_turn")


def usage_of(usage: Usage | None) -> JSONObject:
    """Return counts in Anthropic's form, which leaves what concerns the cache out of `input_tokens`."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    details = usage.prompt_tokens_details
    read = (details.cached_tokens if details is not None else None) or 0
    written = (details.cache_write_tokens if details is not None else None) or 0
    return {
        "input_tokens": max(0, usage.prompt_tokens - read - written),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": usage.completion_tokens,
    }
