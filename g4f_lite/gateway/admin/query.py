"""What a request to `/admin/api/` asks for besides its path. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ...errors.suggestions import did_you_mean
from ...value import JSONObject
from ..failures import BAD_REQUEST, RefusedError


class Query:
    """
    What a request asks for besides its path.

    Raises:
        RefusedError: (from all methods) it is malformed.
    """

    def __init__(self, query: Mapping[str, str], body: bytes) -> None:
        self._query = query
        self._body = body

    def only(self, *names: str) -> None:
        """Refuse other names in the query."""
        for name in self._query:
            if name not in names:
                raise RefusedError(BAD_REQUEST, f"unknown query {name[:80]!r}{did_you_mean(name, names)}")

    def text(self, name: str) -> str | None:
        return self._query.get(name) or None

    def count(self, name: str, default: int, most: int) -> int:
        text = self._query.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
            raise RefusedError(BAD_REQUEST, f"{name} must be a number from 1 to {most:,}, not {text[:80]!r}")
        return int(text)

    def body(self) -> JSONObject:
        """Return the object in the body; an empty one for none."""
        if not self._body:
            return {}
        try:
            found = msgspec.json.decode(self._body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RefusedError(BAD_REQUEST, "the body is not JSON") from None
        if not isinstance(found, dict):
            raise RefusedError(BAD_REQUEST, "the body must be a JSON object")
        return found
