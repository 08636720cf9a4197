"""Which rows and which ids have been seen: a bit for a row, about 16 bytes for an id."""

from __future__ import annotations

from array import array

_FIRST_SLOTS = 1024
_64_BITS = 0xFFFF_FFFF_FFFF_FFFF


class Rows:
    """A set of row numbers."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        place = number >> 3
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1024 - len(self._bits)))
        self._bits[place] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] >> (number & 7) & 1)


class Ids:
    """
    A set of ids, by 64 bits of their hash, in a table with open addressing.

    Of a million different ids, two are taken for the same with a probability of 3 in 100 million.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._count = 0

    def add(self, name: str) -> bool:
        """Add an id. Return False if it is there already."""
        key = _key(name)
        place = self._place(key)
        if self._slots[place]:
            return False
        self._slots[place] = key
        self._count += 1
        if self._count * 2 > len(self._slots):
            self._grow()
        return True

    def __contains__(self, name: str) -> bool:
        return bool(self._slots[self._place(_key(name))])

    def _place(self, key: int) -> int:
        slots = self._slots
        mask = len(slots) - 1
        place = key & mask
        while (found := slots[place]) and found != key:
            place = place + 1 & mask
        return place

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("Q", bytes(16 * len(old)))
        for key in old:
            if key:
                self._slots[self._place(key)] = key


def _key(name: str) -> int:
    return hash(name) & _64_BITS or 1  # 0 is an empty slot
