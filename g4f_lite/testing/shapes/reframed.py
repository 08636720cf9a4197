"""OpenAI's protocol with another framing of its streams, or with its errors elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import openai
from .contract import Failure, Said, Shape


class OpenaiShape(Shape):
    """
    OpenAI's JSON in a framing of its own: `OpenaiShape("json_lines")`.

    Args:
        error_fields: as `Provider.error_fields`: where the errors have their message and code.
    """

    def __init__(self, framing: str, error_fields: Mapping[str, str] = {}) -> None:
        self.FRAMING = framing
        self.DONE = openai.DONE if framing == "sse" else ()
        self._error_fields = error_fields

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return openai.whole(model, said)

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        return openai.chunks(model, said)

    def error(self, failure: Failure) -> dict[str, Any]:
        usual = openai.error(failure)
        said, fields = usual["error"], self._error_fields
        elsewhere: dict[str, Any] = {}
        for name in sorted(fields, key="message".__ne__):
            value = failure.type if name == "type" else said[name]
            if value is not None and _put(elsewhere, fields[name].split("."), value):
                said[name] = None
        return elsewhere if "message" in fields else {**usual, **elsewhere}


def _put(holder: dict[str, Any], path: list[str], value: object) -> bool:
    """Put a value at a path, in place; False if another value is in the way."""
    for step in path[:-1]:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            return False
        holder = inner
    return holder.setdefault(path[-1], value) is value
