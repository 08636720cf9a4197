"""HTTP for `Client`: requests' adapter for pools and proxies, urllib3's `urlopen` for the request."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

from urllib3 import BaseHTTPResponse, HTTPConnectionPool
from urllib3 import exceptions as u3
from urllib3.util import Timeout

from ..errors.exceptions import (
    ConnectionFailedError,
    DeadlineExceededError,
    MalformedResponseError,
    ProviderError,
    may_end_body,
)
from ..errors.signal_handlers import raised_by_signal_handler
from ..forks import reset_in_child
from ..provider.address import split_url
from ..types.http import HTTPRequest, HTTPResponse
from ..types.time_limit import TimeLimit
from .answer_parser import NotHTTP
from .common import (
    DECODED_PIECE,
    GRACE,
    MOST_LATE,
    MOST_ORIGINS,
    PIECE,
    body_cap,
    default_ssl_context,
    inherited_connections,
    proxy_for,
    request_headers,
    too_large,
    unreachable,
)
from .decoding import NotDecodable, decoder_for
from .sync_sockets import Adapter, Refused, active
from .uploading import Sending, UploadStopped


class HTTPTransport:
    """Pools of connections, shared by threads and made anew in a forked child."""

    def __init__(self, *, proxy: str | None = None, ssl_context: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._open_pools()
        reset_in_child(self)

    def after_fork(self) -> None:
        inherited_connections.append(self._adapter)
        self._open_pools()

    def _open_pools(self) -> None:
        self._lock = threading.Lock()
        self._adapter = Adapter(pool_connections=MOST_ORIGINS, pool_maxsize=64)
        self._pools: dict[str, tuple[HTTPConnectionPool, bool]] = {}

    def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        """
        Send a request and return the whole answer, whatever its status.

        Raises:
            ProviderError: no answer, or not a whole one.
        """
        stream = self.open(request, limit)
        try:  # not `with`: a signal on its way into `__enter__` would leave the connection to the finalizer
            return HTTPResponse(status=stream.status, headers=stream.headers, body=stream.read_all())
        finally:
            stream.close()

    def open(self, request: HTTPRequest, limit: TimeLimit) -> SyncByteStream:
        """
        Send a request and return once the headers of the answer are here.

        Raises:
            ProviderError: no answer.
        """
        origin, target = split_url(request.url)
        pool, whole_url = self._pool(origin, request.url)
        if whole_url:
            target = request.url
        headers = request_headers(request.headers)
        body: bytes | Iterator[bytes] | None
        if isinstance(request.body, bytes):
            body = request.body or None
        else:
            body, headers["content-length"] = Sending(request.body, limit.extend).pieces(), str(len(request.body))
        outer, active.limit = active.limit, limit
        try:
            raw = pool.urlopen(
                request.method,
                target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=limit.start_connecting(), read=limit.remaining()),
                preload_content=False,
                decode_content=False,
            )
            try:
                return SyncByteStream(raw, limit)
            except BaseException:  # a signal
                raw.close()
                raise
        except u3.ClosedPoolError:  # by another thread, just now
            return self.open(request, limit)
        except UploadStopped as stopped:
            raise stopped.failure from None
        except (u3.HTTPError, http.client.HTTPException, OSError, UnicodeError) as error:
            raise translate(error, limit) from error
        finally:
            active.limit = outer  # this thread may be sending another request, and this call be one of its callback

    def _pool(self, origin: str, url: str) -> tuple[HTTPConnectionPool, bool]:
        """Return the pool for a URL, and whether its proxy wants the whole URL in the request line."""
        if (found := self._pools.get(origin)) is None:
            with self._lock:
                proxy = proxy_for(url, self._proxy)
                secure = url.startswith("https:")
                secure_proxy = proxy is not None and proxy.startswith("https:")
                context = (self._ssl_context or default_ssl_context()) if secure or secure_proxy else None
                kwargs = {} if context is None else {"ssl_context": context}
                to_proxy = {"proxy_ssl_context": context} if secure_proxy else {}
                try:
                    if proxy is None:
                        manager = self._adapter.poolmanager
                    else:
                        manager = self._adapter.proxy_manager_for(proxy, **to_proxy)
                except ValueError as error:
                    raise ConnectionFailedError("the proxy is not an address", kind="proxy") from error
                try:
                    pool = manager.connection_from_url(url, pool_kwargs=kwargs)
                except ValueError as error:
                    raise ConnectionFailedError(f"{origin} is not an address", kind="dns") from error
                if len(self._pools) >= MOST_ORIGINS:
                    self.close()
                found = self._pools[origin] = (pool, proxy is not None and not secure)
        return found

    def close(self) -> None:
        """Close all idle connections, and those in use when their calls end; the next request opens new ones."""
        pools, self._pools = self._pools, {}
        self._adapter.close()
        for pool, _ in list(pools.values()):
            pool.close()


class SyncByteStream:
    """The body of an answer, piece by piece. Close it, or read it to its end."""

    def __init__(self, raw: BaseHTTPResponse, limit: TimeLimit) -> None:
        self.status = raw.status
        self.headers = {name.lower(): value for name, value in raw.headers.items()}
        self._raw = raw
        self._limit = limit
        limit.on_headers()
        self._late = 0
        self._full = False
        self._closed = False
        self._decoder = decoder_for(self.headers)

    def read(self) -> bytes:
        """
        Return what has arrived, waiting for at least one byte; b"" at the end.

        Raises:
            ProviderError: the limit is reached, or the body is cut or broken.
        """
        if self._decoder is None:
            return self._read_raw()
        while True:
            try:
                if piece := self._decoder.take(DECODED_PIECE):
                    self._check_limit(piece)  # a few bytes of the socket, where the limit is asked, can be many pieces
                    return piece
                if not (raw := self._read_raw()):
                    self._decoder.finish()
                    return b""
            except NotDecodable as error:
                raise MalformedResponseError(str(error), status=self.status) from error
            self._decoder.feed(raw)

    def _check_limit(self, piece: bytes) -> None:
        if self._limit.expired():
            self._late += 1
            if self._late > MOST_LATE or (self._late == 1 and self._full):
                raise self._limit.error()
        self._full = len(piece) == DECODED_PIECE

    def _read_raw(self) -> bytes:
        try:
            return self._raw.read1(PIECE, decode_content=False)
        except (u3.HTTPError, http.client.HTTPException, OSError, ValueError) as error:  # closed by another thread
            raise translate(error, self._limit) from error

    def read_all(self) -> bytes:
        """
        Return the whole body; of an error, its beginning.

        Raises:
            ProviderError: as `read`, or it is too large.
        """
        cap = body_cap(self.status, self._limit.max_bytes)
        body = bytearray()
        try:
            while len(body) <= cap and (piece := self.read()):
                body += piece
        except ProviderError as error:
            if not may_end_body(self.status, error):
                raise
        if len(body) > cap:
            if 200 <= self.status < 300:
                raise too_large(self.status, self._limit.max_bytes)
            del body[cap:]
        return bytes(body)

    def finish(self) -> None:
        """Give the connection back if the body ends at once, else close it."""
        if not self._closed:
            self._limit.expires_at = self._limit.now() + GRACE
            try:
                while self.read():
                    pass
            except ProviderError:
                pass
        self.close()

    def interrupt(self) -> None:
        """End a `read` that waits in another thread."""
        with suppress(ValueError, RuntimeError, OSError):  # the connection has been closed or given back meanwhile
            self._raw.shutdown()

    def close(self) -> None:
        """Close the connection, unless the body has been read: then it is back in the pool."""
        if not self._closed:
            with suppress(ValueError):  # another thread closes the client, and with it the same answer
                self._raw.close()  # no way back to the pool: a finaliser may interrupt the code that holds its lock
            self._closed = True  # last: a signal may come

    def __enter__(self) -> SyncByteStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()


def translate(error: BaseException, limit: TimeLimit) -> ProviderError:
    """
    Return our exception for one of urllib3, http.client or the socket.

    Raises:
        BaseException: what a signal handler of the program raised, such as its own TimeoutError.
    """
    inner = error.args[1] if isinstance(error, u3.ProtocolError) and len(error.args) > 1 else error
    if (interruption := raised_by_signal_handler(inner)) is not None:
        raise interruption
    if isinstance(error, u3.ReadTimeoutError) or isinstance(inner, TimeoutError):
        return limit.error()
    if isinstance(error, u3.ConnectTimeoutError) and not isinstance(error, u3.NewConnectionError):
        return limit.connect_error()
    if isinstance(error, u3.ProxyError):
        if isinstance(error.original_error, DeadlineExceededError):  # an OSError, which urllib3 takes for its own
            return limit.error()
        reason = translate(error.original_error, limit).message
        return ConnectionFailedError(f"the proxy cannot be used: {reason}", kind="proxy")
    if isinstance(error, u3.NameResolutionError):
        return ConnectionFailedError(f"the name {error.conn.host!r} cannot be resolved", kind="dns")
    if isinstance(error, UnicodeError):
        return ConnectionFailedError("the host's name cannot be resolved", kind="dns")
    if isinstance(error, u3.NewConnectionError):
        place = f"{error.conn.host}:{error.conn.port}"
        return ConnectionFailedError(unreachable(place, error.__cause__), kind="refused")
    if isinstance(error, (u3.SSLError, ssl.SSLError)):
        return ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls")
    if isinstance(inner, (NotHTTP, Refused)):
        return MalformedResponseError(f"the answer is not HTTP: {inner}")
    if isinstance(inner, http.client.HTTPException) and not isinstance(inner, (OSError, http.client.IncompleteRead)):
        return MalformedResponseError("the answer is not HTTP")
    return ConnectionFailedError("the connection was lost before the answer was complete", kind="reset")
