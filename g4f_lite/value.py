"""The base of everything that is only data, and JSON that may be none."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

JSONObject: TypeAlias = dict[str, Any]
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for a body of a million brackets


def decode_json(body: bytes) -> Any:
    """Return the decoded body; None if it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except NOT_JSON:
        return None


class Value(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Immutable, picklable, compared by its fields."""
