"""An error as a service sent it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..value import Value


class ErrorReply(Value, frozen=True, kw_only=True):
    """An answer that is an error: by its status, or by an error object inside a 200 or a stream."""

    status: int | None = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    in_stream: bool = False

    def json(self) -> Any:
        """Return the decoded body; None if it is no JSON or too large. A one-element list is unwrapped (Google)."""
        if len(self.body) > MAX_ERROR_BODY:
            return None
        try:
            decoded = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last for a body of a million brackets
            return None
        return decoded[0] if isinstance(decoded, list) and decoded else decoded


MAX_ERROR_BODY = 1 << 20
"""Bytes of an error body that are read; the rest is dropped."""
