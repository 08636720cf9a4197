"""
HTTP for `Client`: requests' adapter for pools and proxies, urllib3's `urlopen` for the request.

A socket's timeout bounds one operation; a server that drips bytes would hold a call for ever. Here
every `recv` gets what is left of the attempt's limit, for status line, headers and body alike.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3 import exceptions as u3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout

from ..errors import ConnectionFailedError, MalformedResponseError, ProviderError
from ..forks import renew_in_child
from ..http import HTTPRequest, HTTPResponse, UploadStopped
from ..timing import TimeLimit
from .common import body_cap, default_ssl_context, inherited, proxy_for, request_headers, too_large

_PIECE = 1 << 16
_HEX = frozenset(b"0123456789abcdefABCDEF")
_GRACE = 0.05
"""Seconds that a finished stream may take to end its body, so that its connection can be kept."""


# -- sockets that know the limit -----------------------------------------------------------


class _Active(threading.local):
    """The limit of the attempt under way in this thread; urllib3 has no way to hand it down."""

    limit: TimeLimit


_active = _Active()


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
        self._sock.settimeout(self._limit.left())
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
        self._source = _LimitedRaw(inner, sock, _active.limit)
        self.fp = io.BufferedReader(self._source, _PIECE)

    def _read_status(self) -> tuple[str, int, str]:
        """As http.client's, which takes any provisional answer but 100 for the real one."""
        while True:
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # private, and so not in the stubs
            if not 101 < found[1] < 200:
                return found
            http.client.parse_headers(self.fp)

    def read1(self, n: int = -1) -> bytes:
        """As http.client's; of a chunked body, all that has arrived instead of a single chunk."""
        piece = super().read1(n)
        if not self.chunked or self.chunk_left != 0 or not piece:
            return piece
        self._source.waits = False
        try:
            ahead = self.fp.peek()
        finally:
            self._source.waits = True
        chunks, length = whole_chunks(ahead)
        self.fp.read(length)
        return b"".join((piece, *chunks))


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
                self.timeout = _active.limit.connect_left() / (len(addresses) - number)
                try:
                    connected: socket.socket = super()._new_conn()
                    connected.settimeout(_active.limit.connect_left())  # for the whole TLS handshake
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
        super().send(data)

    def _allow_sending(self) -> None:
        """The upload is bounded by the limit, not by the connect timeout."""
        if self.sock is not None:
            self.sock.settimeout(_active.limit.left())


class _HTTPConnection(_Limited, HTTPConnection):
    response_class = _LimitedResponse


class _HTTPSConnection(_Limited, HTTPSConnection):
    response_class = _LimitedResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
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


# -- the transport -------------------------------------------------------------------------


class SyncTransport:
    """Pools of connections, shared by threads and made anew in a forked child."""

    def __init__(self, *, proxy: str | None = None, ssl_context: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._open_pools()
        renew_in_child(self)

    def after_fork(self) -> None:
        inherited.append(self._adapter)
        self._open_pools()

    def _open_pools(self) -> None:
        self._lock = threading.Lock()
        self._adapter = _Adapter(pool_connections=64, pool_maxsize=64)
        self._pools: dict[str, tuple[HTTPConnectionPool, bool]] = {}

    def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        """
        Send a request and return the whole answer, whatever its status.

        Raises:
            ProviderError: no answer, or not a whole one.
        """
        with self.open(request, limit) as stream:
            body = stream.read_all()
            return HTTPResponse(status=stream.status, headers=stream.headers, body=body)

    def open(self, request: HTTPRequest, limit: TimeLimit) -> SyncByteStream:
        """
        Send a request and return once the headers of the answer are here.

        Raises:
            ProviderError: no answer.
        """
        pool, whole_url = self._pool(request.url)
        parts = request.url.split("/", 3)
        target = request.url if whole_url else f"/{parts[3] if len(parts) > 3 else ''}"
        _active.limit = limit
        headers = request_headers(request.headers)
        body: bytes | Iterator[bytes] | None
        if isinstance(request.body, bytes):
            body = request.body or None
        else:
            from ..upload import Sending

            body, headers["content-length"] = Sending(request.body, limit.moved).pieces(), str(len(request.body))
        try:
            raw = pool.urlopen(
                request.method,
                target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=limit.connect_left(), read=limit.left()),
                preload_content=False,
                decode_content=False,
            )
        except UploadStopped as stopped:
            raise stopped.failure from None
        except (u3.HTTPError, http.client.HTTPException, OSError, UnicodeError) as error:
            raise translate(error, limit) from error
        return SyncByteStream(raw, limit)

    def _pool(self, url: str) -> tuple[HTTPConnectionPool, bool]:
        """Return the pool for a URL, and whether its proxy wants the whole URL in the request line."""
        origin = "/".join(url.split("/", 3)[:3])
        if (found := self._pools.get(origin)) is None:
            with self._lock:
                proxy = proxy_for(url, self._proxy)
                secure = url.startswith("https:")
                kwargs = {"ssl_context": self._ssl_context or default_ssl_context()} if secure else {}
                try:
                    manager = self._adapter.poolmanager if proxy is None else self._adapter.proxy_manager_for(proxy)
                except ValueError as error:
                    raise ConnectionFailedError("the proxy cannot be used: it is no address", kind="proxy") from error
                try:
                    pool = manager.connection_from_url(url, pool_kwargs=kwargs)
                except ValueError as error:
                    raise ConnectionFailedError(f"{origin} is no address", kind="dns") from error
                found = self._pools[origin] = (pool, proxy is not None and not secure)
        return found

    def close(self) -> None:
        """Close all idle connections; the next request opens new ones."""
        self._adapter.close()
        self._pools = {}


class SyncByteStream:
    """The body of an answer, piece by piece. Close it, or read it to its end."""

    def __init__(self, raw: BaseHTTPResponse, limit: TimeLimit) -> None:
        self.status = raw.status
        self.headers = {name.lower(): value for name, value in raw.headers.items()}
        self._raw = raw
        self._limit = limit
        self._closed = False

    def read(self) -> bytes:
        """
        Return what has arrived, waiting for at least one byte; b"" at the end.

        Raises:
            ProviderError: the limit is reached, or the body is cut or broken.
        """
        try:
            return self._raw.read1(_PIECE, decode_content=True)
        except (u3.HTTPError, http.client.HTTPException, OSError) as error:
            raise translate(error, self._limit) from error

    def read_all(self) -> bytes:
        """
        Return the whole body; of an error, its beginning.

        Raises:
            ProviderError: as `read`, or it is too large.
        """
        cap = body_cap(self.status)
        try:
            body = self._raw.read(cap + 1, decode_content=True)
        except (u3.HTTPError, http.client.HTTPException, OSError) as error:
            raise translate(error, self._limit) from error
        if len(body) > cap:
            if 200 <= self.status < 300:
                raise too_large(self.status)
            return body[:cap]
        return body

    def finish(self) -> None:
        """Give the connection back if the body ends at once, else close it."""
        if not self._closed:
            self._limit.expires_at = self._limit.now() + _GRACE
            try:
                while self.read():
                    pass
            except ProviderError:
                pass
        self.close()

    def close(self) -> None:
        """Close the connection, unless the body has been read: then it is back in the pool."""
        if not self._closed:
            self._closed = True
            self._raw.close()  # no way back to the pool: its lock may be held by the code that a finaliser interrupts

    def __enter__(self) -> SyncByteStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()


def translate(error: BaseException, limit: TimeLimit) -> ProviderError:
    """Return our exception for one of urllib3, http.client or the socket."""
    inner = error.args[1] if isinstance(error, u3.ProtocolError) and len(error.args) > 1 else error
    if isinstance(error, u3.ReadTimeoutError) or isinstance(inner, TimeoutError):
        return limit.error()
    if isinstance(error, u3.ConnectTimeoutError) and not isinstance(error, u3.NewConnectionError):
        return limit.connect_error()
    if isinstance(error, u3.ProxyError):
        told = translate(error.original_error, limit).message
        return ConnectionFailedError(f"the proxy cannot be used: {told}", kind="proxy")
    if isinstance(error, u3.NameResolutionError):
        return ConnectionFailedError(f"the name {error.conn.host!r} cannot be resolved", kind="dns")
    if isinstance(error, UnicodeError):
        return ConnectionFailedError("the host's name cannot be resolved", kind="dns")
    if isinstance(error, u3.NewConnectionError):
        place = f"{error.conn.host}:{error.conn.port}"
        return ConnectionFailedError(f"{place} cannot be reached: it refuses the connection", kind="refused")
    if isinstance(error, (u3.SSLError, ssl.SSLError)):
        return ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls")
    if isinstance(error, u3.DecodeError):
        return MalformedResponseError("the answer's compression is broken")
    if isinstance(inner, http.client.HTTPException) and not isinstance(inner, (OSError, http.client.IncompleteRead)):
        return MalformedResponseError("the answer is not HTTP")
    return ConnectionFailedError("the connection was lost before the answer was whole", kind="reset")
