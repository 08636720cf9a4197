"""An error reply as a service sent it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..value import Value, decode_json


class ErrorReply(Value, frozen=True, kw_only=True):
    """
    A reply that is an error: by its status, or by an error object inside a 200 or a stream.

    The repr omits headers and body: either may echo the key.
    """

    status: int | None = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    in_stream: bool = False

    def __repr__(self) -> str:
        return f"ErrorReply({self.status}, {len(self.body)} bytes{', in a stream' if self.in_stream else ''})"

    def json(self) -> Any:
        """Return the decoded body; None if it is too large or not JSON. A list stands for its first item (Google)."""
        too_large = len(self.body) > MAX_ERROR_BODY or self.body.count(b",") > _MOST_VALUES
        decoded = None if too_large else decode_json(self.body.removeprefix(BOM))
        return decoded[0] if isinstance(decoded, list) and decoded else decoded


BOM = b"\xef\xbb\xbf"
"""A mark of UTF-8 that some gateways write before JSON."""
BEFORE_JSON = b" \t\n\r\v\f" + BOM
"""Bytes that may stand before JSON; none of them begins any."""
MAX_ERROR_BODY = 1 << 20
"""Bytes of an error body that are read; the rest is dropped."""
_MOST_VALUES = 1 << 14
"""Values of an error body that is decoded: more would take far more memory than its bytes."""
