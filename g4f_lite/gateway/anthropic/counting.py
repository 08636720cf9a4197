"""An estimate of the tokens of a request."""

from __future__ import annotations

from typing import Any

from ...value import JSONObject

_BYTES_A_TOKEN = 3.5
_MESSAGE = 4
_IMAGE = 1500
"""What an image costs at most. Source: docs.claude.com/en/docs/build-with-claude/vision."""


def count_tokens(fields: JSONObject) -> JSONObject:
    """Return the answer of `/v1/messages/count_tokens` for a chat: an estimate by the length of its text."""
    messages = fields.get("messages", [])
    size, images = _measure([messages, fields.get("tools")])
    return {"input_tokens": round(size / _BYTES_A_TOKEN) + _MESSAGE * len(messages) + _IMAGE * images}


def _measure(found: Any) -> tuple[int, int]:
    """Return the bytes of all text, and how many images and files there are."""
    size = images = 0
    stack = [found]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            size += len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict) and value.get("type") in ("image_url", "file"):
            images += 1
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return size, images
