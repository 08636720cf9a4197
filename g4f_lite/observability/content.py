"""What was asked and answered, as the conventions write it: redacted, then cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ..value import JSONObject


class Content:
    """
    Writes messages as JSON.

    Args:
        redact: returns what may be recorded of a text; None: all of it.
        longest: characters of each text that are kept.
    """

    def __init__(self, redact: Callable[[str], str] | None, longest: int) -> None:
        self._redact = redact
        self._longest = longest

    def text(self, text: str) -> str:
        """Return what is recorded of a text. Raises what `redact` raises."""
        if self._redact is not None:
            text = self._redact(text)
        return text if len(text) <= self._longest else text[: self._longest] + "…"

    def asked(self, messages: Iterable[Mapping[str, Any]]) -> str:
        """Return the messages of a request."""
        return _json([self._message(message) for message in messages])

    def answered(self, completion: Any) -> str:
        """Return the choices of a completion."""
        return _json([self._message(choice.message.to_dict()) for choice in completion.choices])

    def _message(self, message: Mapping[str, Any]) -> JSONObject:
        role, content = str(message.get("role", "")), message.get("content")
        parts: list[JSONObject] = []
        if reasoning := message.get("reasoning") or message.get("reasoning_content"):
            parts.append({"type": "reasoning", "content": self.text(str(reasoning))})
        if role == "tool":
            answer = {"id": message.get("tool_call_id"), "response": self.text(_as_text(content))}
            return {"role": role, "parts": [*parts, {"type": "tool_call_response", **answer}]}
        if isinstance(content, str):
            parts.append({"type": "text", "content": self.text(content)})
        elif content:
            parts += [self._part(part) for part in content]
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            arguments = self.text(_as_text(function.get("arguments")))
            parts.append(
                {"type": "tool_call", "id": call.get("id"), "name": function.get("name"), "arguments": arguments}
            )
        return {"role": role, "parts": parts}

    def _part(self, part: Any) -> JSONObject:
        """Return a part of a message; of sound and pictures only that they are there."""
        kind = str(part.get("type", "")) if isinstance(part, Mapping) else ""
        if kind == "text":
            return {"type": "text", "content": self.text(str(part.get("text", "")))}
        return {"type": kind or "unknown"}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
