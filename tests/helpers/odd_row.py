"""One odd HTTP message with its verdict, and the pieces that such messages are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from g4f_lite.testing.replies import END, http_chunk
from g4f_lite.testing.script import Action, Close, Pause

ANSWER = "answer"
REFUSED = "MalformedResponseError"
RESET = "ConnectionFailedError reset"
CUT = "StreamInterruptedError"
DEADLINE = "DeadlineExceededError"
GONE = Close()
SILENT = Pause(3600)

Sent: TypeAlias = bytes | list[Action]


class Row(NamedTuple):
    name: str
    send: Callable[[bytes], Sent]
    whole: str
    """What the caller of a complete answer gets: `ANSWER`, or the class of the error, and its `kind`."""
    streamed: str
    """What the caller of a stream gets."""
    kept: bool
    """Whether the next call uses the connection again."""

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after the answer."""
        sent = self.send(b"x" * 999)
        return isinstance(sent, list) and isinstance(sent[-1], Close)

    def actions(self, body: bytes) -> Iterable[Action]:
        sent = self.send(body)
        return [sent] if isinstance(sent, bytes) else sent


def takes(name: str, send: Callable[[bytes], Sent], *, kept: bool = True) -> Row:
    return Row(name, send, ANSWER, ANSWER, kept)


def refuses(
    name: str,
    send: Callable[[bytes], Sent],
    verdict: str = REFUSED,
    *,
    streamed: str | None = None,
    kept: bool = False,
) -> Row:
    """What is no HTTP; with `kept`, HTTP whose content is refused."""
    return Row(name, send, verdict, streamed or verdict, kept)


def h(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return a head."""
    return b"\r\n".join((status, *lines, b"", b""))


def sized(body: bytes, *lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return an answer with its length, and these headers."""
    return h(b"content-length: %d" % len(body), *lines, status=status) + body


def chunked(body: bytes, *lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return h(b"transfer-encoding: chunked", *lines, status=status) + in_chunks(body)


CHUNKED = h(b"transfer-encoding: chunked")


def in_chunks(body: bytes, end: bytes = END) -> bytes:
    half = len(body) // 2
    return http_chunk(body[:half]) + http_chunk(body[half:]) + end


def line(status: bytes) -> Callable[[bytes], bytes]:
    """Return an answer whose first line is this."""
    return lambda body: sized(body, status=status)


def header(*lines: bytes) -> Callable[[bytes], bytes]:
    """Return an answer with these headers beside its length."""
    return lambda body: sized(body, *lines)
