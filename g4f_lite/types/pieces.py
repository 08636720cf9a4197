"""What a stream has said so far, in pieces, with the memory that it takes."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

import msgspec

from .memory_estimate import memory_of

_HEAD, _SLOT = getsizeof("\u0100") - 4, 8
"""Bytes of a text besides its characters and the null after them, which differ by version, and of a place in a list."""


class Pieces(list[str]):
    """The pieces of a text."""

    _settled = 0
    """How many of them, from the first, have been measured."""
    _memory = _length = 0
    _width = 1

    def settle(self) -> int:
        """As `measure`, and join the pieces that have come since the last time."""
        if len(self) > self._settled:
            self[self._settled :] = ["".join(self[self._settled :])]
        return self.measure()

    def measure(self) -> int:
        """Return the bytes of all pieces, and of the text that they make up."""
        for text in self[self._settled :]:
            size, length = getsizeof(text), len(text)
            self._memory += size + _SLOT
            self._length += length
            # One character that takes 4 bytes makes all of the text take as many.
            self._width = max(self._width, min(4, (size - _HEAD) // (length or 1)))
        self._settled = len(self)
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
