"""What a stream has said so far, in pieces, with the memory that it takes."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

import msgspec

from .memory_estimate import memory_of


class Pieces(list[str]):
    """The pieces of a text."""

    joined = 0
    """How many of them, from the first, have been joined from shorter ones."""
    _memory = _length = 0
    _width = 1

    def settle(self) -> int:
        """Join the pieces that have come since the last time; return the bytes of all, and of the text they make up."""
        if len(self) > self.joined:
            text = "".join(self[self.joined :])
            self[self.joined :] = [text]
            self.joined += 1
            self._memory += getsizeof(text)
            self._length += len(text)
            # One character that takes 4 bytes makes all of the text take as many.
            self._width = max(self._width, min(4, (getsizeof(text) - 72) // (len(text) or 1)))
        return self._memory + self._length * self._width


class Kept(list[Any]):
    """Values that are kept as they came."""

    _settled = _memory = 0

    def settle(self) -> int:
        """Return about how many bytes they take."""
        if len(self) > self._settled:
            self._memory += memory_of(encoded(self[self._settled :]))
            self._settled = len(self)
        return self._memory


def encoded(value: Any) -> bytes:
    """Return the JSON of a value; nothing if it cannot be one, as of an in-process provider."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return b""
