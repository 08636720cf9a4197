"""
The sockets and pools of `Client`'s connections: urllib3's, with reads that end at the attempt's limit.

A socket's timeout bounds one operation; a server that drips bytes would hold a call for ever. Here
every `recv` gets what is left of the attempt's limit, for status line, headers and body alike.

The classes `_Public…` need no inner parts of urllib3 and http.client: see `inner_parts.py`.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3 import exceptions as u3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..errors.exceptions import ProviderError
from ..types.time_limit import TimeLimit
from .answer_parser import AnswerParser, Head, NotHTTP
from .common import MOST_LATE, PIECE
from .idle_connections import IdleConnections
from .inner_parts import fit

_LONGEST_WAIT = 1e6
"""Seconds: a socket takes no infinite timeout."""


class _Active(threading.local):
    """The limit of the request that this thread sends; urllib3 has no way to hand it down."""

    limit: Any = None  # a TimeLimit, while it sends


active = _Active()
_FRAMING = ("connection", "content-length", "transfer-encoding")


class _LimitedRaw(io.RawIOBase):
    """A socket's raw reader that never waits past the limit. It has no buffer: after a proxy's answer comes TLS."""

    def __init__(self, inner: Any, sock: socket.socket, limit: TimeLimit) -> None:
        self._inner = inner
        self._sock = sock
        self._limit = limit
        limit.end_wait = partial(_end_wait, sock)  # not a method: that would make a cycle
        self._late = 0
        self._full = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # Python makes it of memory that may still hold a request; the repr of a view shows none of it in tracebacks.
        buffer = memoryview(buffer)
        self._sock.settimeout(min(self._remaining(), _LONGEST_WAIT))
        try:
            got: int | None = self._inner.readinto(buffer)
        except ssl.SSLWantReadError:
            got = None
        except ValueError as error:
            if "closed or unwrapped" in str(error):  # by another thread
                raise ConnectionAbortedError from None
            raise
        if got is None:  # nothing is there, and no time is left
            raise TimeoutError
        self._full = got == len(buffer)
        return got

    def _remaining(self) -> float:
        """
        Return the seconds that remain; 0.0 if only what is there already may be read.

        Raises:
            DeadlineExceededError, ProviderTimeoutError: the limit was reached `MOST_LATE` pieces ago.
        """
        try:
            return self._limit.remaining()
        except ProviderError:
            self._late += 1
            if self._late > MOST_LATE or (self._late == 1 and self._full):
                raise
            return 0.0

    def close(self) -> None:
        if not self.closed:
            self._limit.end_wait = None  # the connection may serve another call from now on
            self._inner.close()
        super().close()


def _end_wait(sock: socket.socket) -> None:
    with suppress(OSError):  # it has been closed meanwhile
        sock.shutdown(socket.SHUT_RDWR)


class _LimitedResponse(http.client.HTTPResponse):
    """An answer that `AnswerParser` reads, in the place of http.client, which takes much that is not HTTP."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self.fp = _LimitedRaw(self.fp.detach(), sock, active.limit)  # type: ignore[assignment]  # as unbuffered as needed
        self._parser = AnswerParser()
        self._body = b""
        """What has come and was not read."""

    def begin(self) -> None:
        while self._parser.head is None:
            self._receive()
        head = self._parser.head
        self.version = 10 if head.version == "1.0" else 11
        self.code = self.status = head.status
        self.reason = head.reason
        self.headers = self.msg = http.client.HTTPMessage()
        for name, value in head.headers:
            self.headers[name] = value
        self.chunked, self.chunk_left = False, None  # for urllib3: it does not read chunks itself
        self.length = None
        self.will_close = self._parser.will_close

    def _receive(self) -> None:
        """
        Wait for more of the answer.

        Raises:
            NotHTTP, Cut: the answer is not HTTP, or incomplete. What came before has been handed out.
        """
        parser = self._parser
        if parser.failure is not None:
            raise parser.failure
        if piece := self.fp.read(PIECE):
            self._body += parser.feed(piece)
        else:
            parser.end()

    def read1(self, n: int = -1) -> bytes:
        while not self._body:
            if self.fp is None or self._parser.complete:
                self._end()
                return b""
            self._receive()
        if 0 <= n < len(self._body):
            piece, self._body = self._body[:n], self._body[n:]
        else:
            piece, self._body = self._body, b""
        if self._parser.complete and not self._body:
            self._end()
        return piece

    def read(self, amt: int | None = None) -> bytes:
        body = bytearray()
        while (amt is None or len(body) < amt) and (piece := self.read1(-1 if amt is None else amt - len(body))):
            body += piece
        return bytes(body)

    def flush(self) -> None:
        """Nothing is written; Python's fails while another thread closes the client, and with it this answer."""

    def _end(self) -> None:
        if self.fp is not None:
            if self._parser.surplus:  # its rest would be read as the next answer
                with suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RDWR)  # urllib3 does not use such a connection again
            self._close_conn()  # type: ignore[attr-defined]  # private, and so not in the stubs


_Mixin: Any = object


class _Bounded(_Mixin):  # type: ignore[misc]  # its super() is the connection class beside it
    """Mixed into urllib3's connections: connecting and sending end at the limit."""

    timeout: Any
    sock: Any

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


class _Limited(_Bounded):
    _dns_host: str

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
                    return self._within_limit(super()._new_conn())
                except u3.ConnectTimeoutError:  # refused, too: a subclass
                    if address == addresses[-1]:
                        raise
            raise AssertionError("there is at least one address")
        finally:
            self._dns_host = host

    def _within_limit(self, connected: socket.socket) -> socket.socket:
        """Bound the whole TLS handshake; what came too late is closed: nobody else knows of it yet."""
        try:
            connected.settimeout(active.limit.connect_remaining())
        except BaseException:
            connected.close()
            raise
        return connected


class _HTTPConnection(_Limited, HTTPConnection):
    response_class = _LimitedResponse


class _HTTPSConnection(_Limited, HTTPSConnection):
    response_class = _LimitedResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection
    QueueCls: Any = IdleConnections


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection
    QueueCls: Any = IdleConnections


class Refused(http.client.HTTPException):  # as NotHTTP
    """`NotHTTP` that is no ValueError: of that, http.client makes a cut body."""


class _PublicRaw(_LimitedRaw):
    """What http.client reads instead of the socket: the answer as `AnswerParser` has taken it, framed anew."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.makefile("rb", buffering=0), sock, active.limit)
        self._parser = AnswerParser()
        self._begun = False
        self._ready = bytearray()

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._parser.complete:
            self._receive()
        piece = self._ready[: len(buffer)]
        buffer[: len(piece)] = piece
        del self._ready[: len(piece)]
        return len(piece)

    def _receive(self) -> None:
        parser = self._parser
        self._refuse()
        received = bytearray(PIECE)
        if count := super().readinto(received):
            body = parser.feed(bytes(received[:count]))
        else:
            body = b""
            parser.end()
        if parser.head is not None and not self._begun:
            self._begun = True
            self._ready += _head(parser.head, parser.will_close)
        if body:
            self._ready += b"%x\r\n%b\r\n" % (len(body), body)
        if parser.complete:
            self._ready += b"0\r\n\r\n"
        if parser.surplus:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # urllib3 does not use such a connection again
        if not self._ready:
            self._refuse()

    def _refuse(self) -> None:
        failure = self._parser.failure
        if isinstance(failure, NotHTTP):
            raise Refused(str(failure))
        if failure is not None:
            raise failure


def _head(head: Head, will_close: bool) -> bytes:
    """Return a head with these headers, for a body in chunks."""
    lines = [f"{name}: {value}" for name, value in head.headers if name.lower() not in _FRAMING]
    if will_close:
        lines.append("connection: close")
    lines = [f"HTTP/1.1 {head.status} {head.reason}", *lines, "transfer-encoding: chunked"]
    return "\r\n".join([*lines, "", ""]).encode()


class _PublicSocket:
    """A socket that hands out its reader with the limit."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_PublicRaw(self._sock), PIECE)


class _Public(_Bounded):
    def connect(self) -> None:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []  # urllib3 finds the same, and says so
        self.timeout = active.limit.connect_remaining() / max(1, len({info[4][0] for info in found}))
        super().connect()
        self.sock = _PublicSocket(self.sock)


class _PublicHTTPConnection(_Public, HTTPConnection):
    pass


class _PublicHTTPSConnection(_Public, HTTPSConnection):
    pass


class _PublicHTTPPool(HTTPConnectionPool):
    ConnectionCls = _PublicHTTPConnection
    QueueCls: Any = IdleConnections


class _PublicHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPSConnection
    QueueCls: Any = IdleConnections


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
    if fit("urllib3"):
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    else:
        manager.pool_classes_by_scheme = {"http": _PublicHTTPPool, "https": _PublicHTTPSPool}
