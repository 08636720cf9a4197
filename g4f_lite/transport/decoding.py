"""
Compressed bodies, decompressed in pieces, so that a limit can be asked between two of them.

Rule: no I/O. No compression is asked for; some gateways send gzip all the same. Other codings are refused, though a
library beside this one may know them: what is taken does not depend on what is installed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

_GZIP, _ZLIB, _RAW = 31, 15, -15
_MOST_MEMBERS = 1000


class NotDecodable(ValueError):  # noqa: N818  # an exception of the transports, never shown
    """The body is not what its `content-encoding` says, or is in a coding that is not taken."""


def decoder_for(fields: Mapping[str, str]) -> Decoder | None:
    """Return what decompresses a body with these headers, names in lower case; None if it is plain."""
    value = fields.get("content-encoding")
    if value is None:
        return None
    coding = value.strip().lower()
    if coding in ("", "identity"):
        return None
    if coding not in ("gzip", "x-gzip", "deflate"):  # RFC 9110 §8.4.1
        return UnknownCoding(value)
    return Decoder(gzip=coding != "deflate")


class Decoder:
    """One compressed body: `feed` it, then `take` until nothing comes."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._rest = b""
        self._full = False
        """The last piece was as large as it might be: zlib may hold more of it."""
        self._unpacker = zlib.decompressobj(_GZIP) if gzip else None
        self._begun = False
        self._members = 1

    def feed(self, data: bytes) -> None:
        self._rest = self._rest + data if self._rest else data

    def take(self, most: int) -> bytes:
        """
        Return some of what has been fed, b"" if more must be fed first.

        Raises:
            NotDecodable: it is broken.
        """
        while self._rest or self._full:
            if self._unpacker is None:  # many send "deflate" without the header of zlib
                self._unpacker = zlib.decompressobj(_ZLIB if self._rest[0] & 15 == 8 else _RAW)
            elif self._unpacker.eof:
                self._next_member()
            self._begun = True
            try:
                piece = self._unpacker.decompress(self._rest, most)
            except zlib.error as error:
                raise NotDecodable("the answer's compression is broken") from error
            self._full = len(piece) == most and not self._unpacker.eof
            self._rest = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
            if piece:
                return piece
        return b""

    def _next_member(self) -> None:
        self._members += 1
        if not self._gzip or self._members > _MOST_MEMBERS:
            raise NotDecodable("the answer's compression is broken: more follows behind its end")
        self._unpacker = zlib.decompressobj(_GZIP)

    def finish(self) -> None:
        """
        Call this at the end of the body.

        Raises:
            NotDecodable: it is cut.
        """
        if self._begun and (self._unpacker is None or not self._unpacker.eof):
            raise NotDecodable("the answer's compression is broken: its end is missing")


class UnknownCoding(Decoder):
    """Stands for the decoder of a coding that is not taken."""

    def __init__(self, value: str) -> None:
        super().__init__(gzip=False)
        self._value = value

    def take(self, most: int) -> bytes:
        raise NotDecodable(f"the answer is compressed as {self._value!r}, which was not asked for"[:120])
