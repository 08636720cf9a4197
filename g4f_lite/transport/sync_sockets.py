"""
The sockets and pools of `Client`'s connections: urllib3's, with reads that end at the attempt's limit.

A socket's timeout bounds one operation; a server that drips bytes would hold a call for ever. Here
every `recv` gets what is left of the attempt's limit, for status line, headers and body alike.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3 import exceptions as u3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..types.time_limit import TimeLimit
from .common import MOST_PROVISIONAL, PIECE

_HEX = frozenset(b"0123456789abcdefABCDEF")
_LONGEST_LINE = 1 << 16
_LONGEST_SIZE = 16
_MOST_TRAILERS = 100


_LONGEST_WAIT = 1e6
"""Seconds: a socket takes no infinite timeout."""


class _Active(threading.local):
    """The limit of the attempt under way in this thread; urllib3 has no way to hand it down."""

    limit: TimeLimit


active = _Active()


class _LimitedRaw(io.RawIOBase):
    """A socket's raw reader that never waits past the limit."""

    def __init__(self, inner: Any, sock: socket.socket, limit: TimeLimit) -> None:
        self._inner = inner
        self._sock = sock
        self._limit = limit
        self.waits = True
        """False: only what is in the buffer already is wanted."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self.waits:
            return None
        self._sock.settimeout(min(self._limit.remaining(), _LONGEST_WAIT))
        got: int | None = self._inner.readinto(buffer)
        return got

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


class _LimitedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        inner = self.fp.detach()  # the raw SocketIO
        self._sock = sock
        self._source = _LimitedRaw(inner, sock, active.limit)
        self.fp = io.BufferedReader(self._source, PIECE)

    def _read_status(self) -> tuple[str, int, str]:
        """As http.client's, which takes any provisional answer but 100 for the real one, and those without end."""
        for _ in range(MOST_PROVISIONAL + 1):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # private, and so not in the stubs
            if not 100 <= found[1] < 200 or found[1] == 101:
                return found
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("too many provisional answers")

    def read1(self, n: int = -1) -> bytes:
        """As http.client's; of a chunked body, all that has arrived instead of a single chunk."""
        piece = super().read1(n)
        if not self.chunked or self.chunk_left != 0 or not piece:
            return piece
        chunks, length = whole_chunks(self._ahead())
        self.fp.read(length)
        return b"".join((piece, *chunks))

    def _read_next_chunk_size(self) -> int:
        """As http.client's, which takes all that `int` takes: after a size of -1 it reads without any bound."""
        line = self.fp.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("chunk size")
        digits, extension, _ = line.removesuffix(b"\n").removesuffix(b"\r").partition(b";")
        if extension:
            digits = digits.rstrip(b" \t")
        if not 0 < len(digits) <= _LONGEST_SIZE or not _HEX.issuperset(digits):
            raise ValueError("no size of a chunk")  # http.client makes a body of it that was cut
        return int(digits, 16)

    def _read_and_discard_trailer(self) -> None:
        """As http.client's, which reads trailers without end."""
        for _ in range(_MOST_TRAILERS + 1):
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise http.client.LineTooLong("trailer")
            if line in (b"\r\n", b"\n", b""):
                return
        raise http.client.HTTPException("too many trailers")

    def _ahead(self) -> bytes:
        """Return what has been read from the socket and not used yet."""
        self._source.waits = False
        try:
            return self.fp.peek()
        finally:
            self._source.waits = True

    def _close_conn(self) -> None:
        """As http.client's, which drops what has come behind the body: its rest would be read as the next answer."""
        if self._ahead():
            try:
                self._sock.shutdown(socket.SHUT_RDWR)  # urllib3 does not use such a connection again
            except OSError:
                pass  # the service was quicker
        super()._close_conn()  # type: ignore[misc]  # private, and so not in the stubs


def whole_chunks(ahead: bytes) -> tuple[list[bytes], int]:
    """
    Return the chunks that lie whole in what follows the data of a chunk, and how many bytes they take.

    The last chunk of a body, and all that is not plain, is left to http.client.
    """
    chunks: list[bytes] = []
    at = 0
    while (line_end := ahead.find(b"\r\n", at + 2)) > 0 and ahead.startswith(b"\r\n", at):
        digits = ahead[at + 2 : line_end]
        if not digits or not _HEX.issuperset(digits):
            break
        end = line_end + 2 + int(digits, 16)
        if end == line_end + 2 or end > len(ahead):
            break
        chunks.append(ahead[line_end + 2 : end])
        at = end
    return chunks, at


_Mixin: Any = object


class _Limited(_Mixin):  # type: ignore[misc]  # its super() is the connection class beside it
    """Mixed into urllib3's connections."""

    _dns_host: str
    timeout: Any

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses one after another; the connect limit counts for all of them together."""
        host = self._dns_host
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []  # urllib3 finds the same, and says so
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found)) or [host]
        try:
            for number, address in enumerate(addresses):
                self._dns_host = address
                self.timeout = active.limit.connect_remaining() / (len(addresses) - number)
                try:
                    connected: socket.socket = super()._new_conn()
                    connected.settimeout(active.limit.connect_remaining())  # for the whole TLS handshake
                    return connected
                except u3.ConnectTimeoutError:  # refused, too: a subclass
                    if address == addresses[-1]:
                        raise
            raise AssertionError("there is at least one address")
        finally:
            self._dns_host = host

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:  # of the TLS handshake
            raise u3.ConnectTimeoutError("no handshake in time") from error
        self._allow_sending()

    def send(self, data: Any) -> None:
        self._allow_sending()
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            # As without TLS, where urllib3 goes on to read: the service may have answered before it closed.
            raise BrokenPipeError("the service has closed the connection") from error

    def _allow_sending(self) -> None:
        """The upload is bounded by the limit, not by the connect timeout."""
        if self.sock is not None:
            self.sock.settimeout(active.limit.remaining())


class _HTTPConnection(_Limited, HTTPConnection):
    response_class = _LimitedResponse


class _HTTPSConnection(_Limited, HTTPSConnection):
    response_class = _LimitedResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class Adapter(HTTPAdapter):
    """requests' adapter with these pools, behind a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        _use_our_pools(manager)
        return manager


def _use_our_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
