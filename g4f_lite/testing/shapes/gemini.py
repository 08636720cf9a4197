"""
Google's generateContent: the path holds the model and whether to stream; lines end with CRLF.

Source: ai.google.dev/api/generate-content, google.rpc.Code, and recorded streams.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .. import wire
from .contract import PROMPT_TOKENS, Failure, Said, count, model_of, streams, words

__all__ = ["DONE", "FRAMING", "KEEP_ALIVE", "chunks", "error", "model_of", "sse", "streams", "whole"]

PATH = re.compile(r"/models/(?P<model>[^?]+):(?P<method>generateContent|streamGenerateContent)(?=\?|$)")

FRAMING = "sse"
DONE: tuple[str, ...] = ()
KEEP_ALIVE = b": keep-alive\r\n\r\n"

FINISHES = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def whole(model: str, said: Said) -> dict[str, Any]:
    parts = [{"text": said.reasoning, "thought": True}] if said.reasoning else []
    parts += [{"text": said.text}] if said.text else []
    return _response(model, parts + _calls(said), said)


def chunks(model: str, said: Said) -> Iterator[dict[str, Any]]:
    so_far = Said(finish=None)
    for word in words(said.reasoning):
        so_far = so_far._replace(reasoning=so_far.reasoning + word)
        yield _response(model, [{"text": word, "thought": True}], so_far)
    for piece in said.pieces:
        so_far = so_far._replace(pieces=[*so_far.pieces, piece])
        yield _response(model, [{"text": piece}], so_far)
    for call in _calls(said):  # each in one piece
        yield _response(model, [call], so_far)
    if said.finish is not None:
        yield _response(model, [{"text": ""}], said)


def error(failure: Failure) -> dict[str, Any]:
    status = failure.type or ERRORS.get(failure.status, "UNKNOWN")
    said = {"code": failure.status, "message": failure.message, "status": status}
    return {"error": {**said, "details": list(failure.details)} if failure.details else said}


def sse(data: object) -> bytes:
    return wire.sse(data, newline="\r\n")


def _response(model: str, parts: list[dict[str, Any]], said: Said) -> dict[str, Any]:
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate = {"content": content, "index": 0, **said.more}
    if said.finish is not None:
        candidate["finishReason"] = FINISHES.get(said.finish, said.finish)
    usage = {"promptTokenCount": PROMPT_TOKENS, "totalTokenCount": PROMPT_TOKENS + said.tokens}
    counted = {"candidatesTokenCount": count(said.text), "thoughtsTokenCount": count(said.reasoning)}
    usage |= {name: tokens for name, tokens in counted.items() if tokens}  # zeros are left out
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "response-test"}


def _calls(said: Said) -> list[dict[str, Any]]:
    """Return the calls as parts. An id is sent only if given: most models send none."""
    return [
        {
            "functionCall": {
                "name": call["function"]["name"],
                "args": json.loads(call["function"]["arguments"]),
                **({"id": call["id"]} if "id" in call else {}),
            },
            **(
                {"thoughtSignature": call["extra_content"]["google"]["thought_signature"]}
                if "extra_content" in call
                else {}
            ),
        }
        for call in said.tool_calls
    ]
