"""
Bytes of a connection in, one HTTP/1.1 answer out. The only judge of what is HTTP, for both clients.

Rule: no I/O. It is strict where a mistake could give one caller the bytes of another answer, or part of its own as the
whole, and takes what harmless servers do. docs/failover.md has the list.

Source: RFC 9112, and RFC 9110 for fields and statuses.
"""

from __future__ import annotations

import http.client
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

CHUNKED = -1
"""In place of a length."""
MOST_HEADERS = 99
"""As http.client takes."""
LONGEST_LINE = 1 << 16
MAX_HEAD = 1 << 18
"""Bytes of a head, as in Chrome."""
MOST_PROVISIONAL = 100
"""Provisional answers (1xx) before the real one."""
_MOST_TRAILERS = 100
_MOST_NAMES, _LONGEST_NAME = 512, 64
_LARGEST_CHUNK = 1 << 53

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(r"HTTP/(\d\.\d) (\d{3})(?: ([^\0\r\n]*))?\r?\n", re.ASCII)
_LINE = r"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):[ \t]*+([^\0\r\n]*+)"
_HEADER = re.compile(rf"^{_LINE}\r?\n", re.MULTILINE)
_TRAILER = re.compile(_LINE.encode())
_FOLD = re.compile(r"(?<=[^\n])\r?\n[ \t]+")
_LENGTH = re.compile(r"[0-9]{1,18}")
_NEXT_CHUNK = re.compile(rb"\r\n([0-9A-Fa-f]{1,13})\r\n")
"""What is usually between the data of two chunks; in a length that `_LARGEST_CHUNK` takes."""
_USUAL_SIZE = re.compile(rb"([0-9A-Fa-f]{1,13})\r\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\0\r\n]*+)?")
_SIZE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,16}+(?:[ \t]*+(?:;[^\0\r\n]*+)?)?\r?)?")
_SIZE_LINE, _DATA, _AFTER_DATA, _TRAILERS = range(4)


class NotHTTP(http.client.HTTPException, ValueError):  # noqa: N818  # urllib3 and aiohttp expect these two
    """What has come is not HTTP, or not safe to read."""


class Cut(ConnectionResetError):  # noqa: N818
    """The connection ended within an answer."""


class Head(NamedTuple):
    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    """Names as sent; values in UTF-8, with replacement characters for what is not."""
    fields: dict[str, str]
    """By the name in lower case; of several, the last one."""


def check_head(version: str, status: int, fields: Mapping[str, str], repeated: Collection[str]) -> int | None:
    """
    Check what a head says, and return the length of the body; `CHUNKED`, or None for the end of the connection.

    Args:
        version: such as "1.1".
        fields: the headers, names in lower case.
        repeated: those of the names that occur more than once.

    Raises:
        NotHTTP: the answer is not to be read.
    """
    if version not in ("1.1", "1.0"):
        raise NotHTTP(f"version {version}")
    if not 100 <= status <= 599:  # RFC 9110 §15: others are invalid
        raise NotHTTP(f"status {status}")
    if status == 101:
        raise NotHTTP("a protocol that was not asked for")
    length = fields.get("content-length")
    transfer = fields.get("transfer-encoding")
    if transfer is not None:
        # RFC 9112 §6.1: never with a length or in HTTP/1.0; a coding other than chunked only if it was asked for.
        if transfer.lower() != "chunked" or "transfer-encoding" in repeated:
            raise NotHTTP(f"transfer encoding {transfer!r}"[:80])
        if length is not None or version == "1.0":
            raise NotHTTP("chunks, and a length or HTTP/1.0")
    if length is not None:
        if "content-length" in repeated:  # §6.3 lets a recipient refuse equal ones too, as aiohttp does
            raise NotHTTP("more than one length")
        if not _LENGTH.fullmatch(length):
            raise NotHTTP(f"length {length!r}"[:80])
    if "content-encoding" in repeated:
        raise NotHTTP("more than one content encoding")
    if status < 200 or status in (204, 304):
        return 0
    return CHUNKED if transfer is not None else None if length is None else int(length)


def repeated_names(headers: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names, in lower case, that occur more than once."""
    counted = Counter(name.lower() for name, _ in headers)
    return {name for name, times in counted.items() if times > 1}


def _keeps_open(version: str, fields: Mapping[str, str]) -> bool:
    options = fields.get("connection")
    if options is None:
        return version == "1.1"
    if options in ("keep-alive", "Keep-Alive"):
        return True
    named = [option.strip() for option in options.lower().split(",")]
    return "close" not in named and (version == "1.1" or "keep-alive" in named)


class _Lower(dict[str, str]):
    """Names of headers in lower case: a call for each name of each answer would be a tenth of reading the head."""

    def __missing__(self, name: str) -> str:
        lower = name.lower()
        if len(name) <= _LONGEST_NAME:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[name] = lower
        return lower


_lower = _Lower()


class AnswerParser:
    """
    The answer to one request.

    After each `feed` and `end`: `head` is there or not; `complete` says that all has come; `failure`, why no more will;
    `surplus`, that more has come than the answer, so that the connection cannot be used again.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.failure: NotHTTP | Cut | None = None
        self.complete = False
        self.surplus = False
        self.will_close = True
        """Whether the connection ends with this answer."""
        self._rest = b""
        self._looked = 0
        """Bytes of `_rest` that have been searched for the end of the head."""
        self._provisional = 0
        self._trailers = 0
        self._length: int | None = None
        """As `check_head` returns it."""
        self._state = _SIZE_LINE
        self._left = 0
        """Bytes that are left of the body or chunk."""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body that are new with this piece, up to a failure."""
        if self.failure is not None or self.complete:
            self.surplus = self.surplus or bool(data)
            return b""
        if self._rest:
            data, self._rest = self._rest + data, b""
        pieces: list[bytes] = []
        try:
            at = 0 if self.head is not None else self._take_head(data)
            if self.head is not None:
                at = self._take_body(data, at, pieces)
        except NotHTTP as failure:
            self.failure = failure
        else:
            self.surplus = self.complete and at < len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> None:
        """Call this when the connection has ended."""
        if self.failure is None and not self.complete:
            if self.head is not None and self._length is None:
                self.complete = True
            else:
                self.failure = Cut("the connection ended within an answer")

    def _take_head(self, data: bytes) -> int:
        """Return where the body begins, once `head` is there."""
        at = 0
        while (found := _HEAD_END.search(data, at + max(0, self._looked - 2), at + MAX_HEAD)) is not None:
            head = _parse_head(data[at : found.end()])
            repeated = () if len(head.fields) == len(head.headers) else repeated_names(head.headers)
            length = check_head(head.version, head.status, head.fields, repeated)
            at, self._looked = found.end(), 0
            if head.status >= 200:
                self.head, self._length = head, length
                self._left = length or 0
                self.will_close = length is None or not _keeps_open(head.version, head.fields)
                return at
            self._provisional += 1
            if self._provisional > MOST_PROVISIONAL:
                raise NotHTTP("too many provisional answers")
        if not b"HTTP/1.".startswith(data[at : at + 7]):
            raise NotHTTP("no HTTP/1")
        if len(data) - at >= MAX_HEAD:
            raise NotHTTP("a head without end")
        self._rest = data[at:]
        self._looked = len(self._rest)
        return at

    def _take_body(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Return where the rest begins."""
        if self._length is None:
            pieces.append(data[at:] if at else data)
            return len(data)
        if self._length < 0:
            return self._take_chunks(data, at, pieces)
        end = at + self._left
        pieces.append(data[at:end] if at or end < len(data) else data)
        self._left -= len(pieces[0])
        self.complete = self._left == 0
        return end

    def _take_chunks(  # noqa: PLR0912  # one loop without calls: a stream can have a chunk for each byte
        self, data: bytes, at: int, pieces: list[bytes]
    ) -> int:
        """As `_take_body`."""
        size = len(data)
        if self._state == _SIZE_LINE and (found := _USUAL_SIZE.match(data, at)) and data.endswith(b"\r\n"):
            left = int(found[1], 16)
            if left and found.end() + left + 2 == size:  # one whole chunk, as of a stream that comes word by word
                pieces.append(data[found.end() : -2])
                return size
        while True:
            if self._state == _DATA:
                end = at + self._left
                pieces.append(data[at:end])
                while end <= size and (found := _NEXT_CHUNK.match(data, end)) and (left := int(found[1], 16)):
                    at = found.end()
                    end = at + left
                    pieces.append(data[at:end])
                if end > size:
                    self._left = end - size
                    return size
                at, self._state = end, _AFTER_DATA
            if self._state == _AFTER_DATA:
                if not data.startswith(b"\r\n", at):
                    if not b"\r\n".startswith(data[at : at + 2]):
                        raise NotHTTP("no line break after a chunk")
                    break
                at, self._state = at + 2, _SIZE_LINE
                if at == size:
                    return at
            end = data.find(b"\r\n", at, at + LONGEST_LINE)
            if end < 0:
                if size - at >= LONGEST_LINE:
                    raise NotHTTP("a line without end between chunks")
                if self._state == _SIZE_LINE and not _SIZE_BEGUN.fullmatch(data, at):
                    raise NotHTTP("no size of a chunk")
                break
            if self._state == _SIZE_LINE:
                if (found := _SIZE.fullmatch(data, at, end)) is None:
                    raise NotHTTP("no size of a chunk")
                self._left = int(found[1], 16)
                if self._left > _LARGEST_CHUNK:
                    raise NotHTTP("a chunk without end")
                self._state = _DATA if self._left else _TRAILERS
            elif end == at:
                self.complete = True
                return at + 2
            else:
                self._trailers += 1
                if self._trailers > _MOST_TRAILERS or not _TRAILER.fullmatch(data, at, end):
                    raise NotHTTP("trailers")
            at = end + 2
        self._rest = data[at:]
        return at


def _parse_head(raw: bytes) -> Head:
    """
    Return what a head says, without judging it.

    Raises:
        NotHTTP: it is not one.
    """
    text = raw.decode("utf-8", "replace")
    status = _STATUS.match(text)
    if status is None:
        raise NotHTTP("the first line")
    fields = text[status.end() :]
    if "\n " in fields or "\n\t" in fields:
        fields = _FOLD.sub(" ", fields)  # RFC 9112 §5.2
    headers: list[tuple[str, str]] = _HEADER.findall(fields)
    if len(headers) != fields.count("\n") - 1:  # each line but the last, which is empty
        raise NotHTTP("the headers")
    if " \r" in fields or "\t\r" in fields or " \n" in fields or "\t\n" in fields:
        headers = [(name, value.rstrip(" \t")) for name, value in headers]
    if len(headers) > MOST_HEADERS:
        raise NotHTTP("too many headers")
    if len(raw) > LONGEST_LINE and max(map(len, raw.split(b"\n"))) > LONGEST_LINE:
        raise NotHTTP("a line that is too long")
    lowered = {_lower[name]: value for name, value in headers}
    if "retry-after" in lowered and len(lowered) < len(headers):  # of a service, and of a proxy before it
        waits = [value for name, value in headers if _lower[name] == "retry-after"]
        headers = [one for one in headers if _lower[one[0]] != "retry-after"]
        lowered["retry-after"] = ", ".join(waits)
        headers.append(("retry-after", lowered["retry-after"]))
    return Head(status[1], int(status[2]), status[3] or "", headers, lowered)
