"""
HTTP for `AsyncClient`, on aiohttp: one session for each event loop and process.
"""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import weakref
from collections.abc import AsyncIterator, Mapping

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ..errors import ConnectionFailedError, MalformedResponseError, ProviderError
from ..http import HTTPRequest, HTTPResponse
from ..timing import TimeLimit
from .async_upload import UploadPayload
from .common import body_cap, default_ssl_context, inherited, proxy_for, request_headers, split_url, too_large

_GRACE = 0.05
_NEVER = float("inf")
_LARGE_BODY = 1 << 20
_LONGEST_LINE = 1 << 16
"""As in http.client, so that both clients take the same headers."""


class AsyncTransport:
    """Sessions by event loop; that of a closed loop has been closed with it."""

    def __init__(self, *, proxy: str | None = None, ssl_context: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._proxies: dict[str, str | None] = {}
        self._pid = os.getpid()
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopSession] = weakref.WeakKeyDictionary()

    async def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        """
        Send a request and return the whole answer, whatever its status.

        Raises:
            ProviderError: no answer, or not a whole one.
        """
        stream = await self._open(request, limit)
        try:
            body = await stream.read_all()
        finally:
            stream.free()
        return HTTPResponse(status=stream.status, headers=stream.headers, body=body)

    async def open(self, request: HTTPRequest, limit: TimeLimit) -> AsyncByteStream:
        """
        Send a request and return once the headers of the answer are here.

        Raises:
            ProviderError: no answer.
        """
        stream = await self._open(request, limit)
        if (found := self._sessions.get(asyncio.get_running_loop())) is not None:
            found.streams.add(stream)
        return stream

    async def _open(self, request: HTTPRequest, limit: TimeLimit) -> AsyncByteStream:
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.session.closed or self._pid != os.getpid():
            found = await self._start_session(loop)
        origin, target = split_url(request.url)
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(request.url, self._proxy)
        upload: UploadPayload | None = None
        try:
            if self._proxies[origin] is None and isinstance(request.body, bytes) and len(request.body) < _LARGE_BODY:
                return await self._exchange(found, origin, target, request, limit)
            async with asyncio.timeout(limit.left()) as until:
                upload = None if isinstance(request.body, bytes) else UploadPayload(request.body, limit, until)
                response = await self._request(found.session, origin, request, limit, upload)
        except BaseException as error:
            if upload is not None:
                upload.end(well=False)
            if not isinstance(error, (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)):
                raise
            if upload is not None:
                upload.check()
            raise translate(error, limit) from error
        return AsyncByteStream(response, limit, loop, upload)

    async def _exchange(
        self, found: _LoopSession, origin: str, target: str, request: HTTPRequest, limit: TimeLimit
    ) -> AsyncByteStream:
        """
        Send over a connection of the session's pool, without `session.request`.

        What that does besides (cookies, redirects, authentication, tracing) is switched off here anyway, and
        costs more than all that is left of a call; docs/performance.md has the figures.
        """
        assert isinstance(request.body, bytes)
        place = found.places.get(origin)
        if place is None:
            place = found.places[origin] = aiohttp.ClientRequest(
                "POST", URL(origin, encoded=True), ssl=self._tls(origin), loop=found.loop, session=found.session
            )
        assert found.session.connector is not None
        connect = aiohttp.ClientTimeout(connect=limit.connect_left(), ceil_threshold=_NEVER)
        try:
            connection = await found.session.connector.connect(place, [], connect)
        except TimeoutError:
            raise limit.connect_error() from None
        reply = _Reply(connection)
        try:
            stream = AsyncByteStream(reply, limit, found.loop)
            await stream.start(_head(place.headers["Host"], target, request) + request.body)
        except BaseException:
            reply.close()
            raise
        return stream

    def _tls(self, origin: str) -> ssl.SSLContext | bool:
        return (self._ssl_context or default_ssl_context()) if origin.startswith("https:") else True

    async def _request(
        self,
        session: aiohttp.ClientSession,
        origin: str,
        request: HTTPRequest,
        limit: TimeLimit,
        upload: UploadPayload | None,
    ) -> aiohttp.ClientResponse:
        """Send as aiohttp does: through a proxy, or a large body piece by piece."""
        data: object = upload or request.body
        if isinstance(data, bytes) and len(data) >= _LARGE_BODY:
            data = io.BytesIO(data)  # aiohttp warns of large bytes, as it copies them; a file object it sends in pieces
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            data=data,
            headers=CIMultiDict(request_headers(request.headers)),
            allow_redirects=False,
            proxy=self._proxies[origin],
            ssl=self._tls(origin),
            timeout=aiohttp.ClientTimeout(total=None, connect=limit.connect_left()),
        )

    async def _start_session(self, loop: asyncio.AbstractEventLoop) -> _LoopSession:
        if self._pid != os.getpid():
            inherited.append(self._sessions)
            self._pid = os.getpid()
            self._sessions = weakref.WeakKeyDictionary()
        for known in [one() for one in self._sessions.keyrefs()]:
            if known is not None and known.is_closed():
                self._sessions.pop(known, None)  # its session, closed with it, would keep it alive
        found = self._sessions[loop] = _LoopSession(loop)
        await found.start()
        return found

    async def aclose(self) -> None:
        """Close this loop's session; another loop's is closed there, or when that loop ends."""
        if (found := self._sessions.pop(asyncio.get_running_loop(), None)) is not None:
            await found.close()


def _head(host: str, target: str, request: HTTPRequest) -> bytes:
    """Return request line and headers; `check_outgoing` has seen to it that no line can be smuggled in."""
    lines = [f"{request.method} {target} HTTP/1.1\r\nhost: {host}"]
    lines += [f"{name}: {value}" for name, value in request_headers(request.headers).items()]
    if request.body or request.method != "GET":
        lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class _LoopSession:
    """
    A session that its own loop closes.

    The guard is an async generator advanced once inside the loop: `asyncio.run` ends with
    `shutdown_asyncgens()`, which runs its `finally` in time and in the right loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.places: dict[str, aiohttp.ClientRequest] = {}
        """By origin, what the session's pool asks of a request: where it goes, and with which TLS."""
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # with it, aiohttp would read .netrc
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        self.streams: weakref.WeakSet[AsyncByteStream] = weakref.WeakSet()
        """Those that somebody may still be reading."""
        self._guard = self._closing()

    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for stream in list(self.streams):  # aiohttp complains of a connection that outlives its loop
                stream.free()
            await self.session.close()

    async def start(self) -> None:
        await anext(self._guard)

    async def close(self) -> None:
        await self._guard.aclose()  # type: ignore[attr-defined]  # it is an async generator


class _Reply:
    """The part of aiohttp's `ClientResponse` that is needed here, for a connection of its own."""

    __slots__ = ("_connection", "content", "headers", "protocol", "status")

    def __init__(self, connection: Connection) -> None:
        assert connection.protocol is not None
        self._connection = connection
        self.protocol = connection.protocol
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.content: aiohttp.StreamReader

    def write(self, data: bytes) -> None:
        transport = self._connection.transport
        if transport is None:
            raise aiohttp.ServerDisconnectedError
        self.protocol.set_response_params(
            read_until_eof=True, max_line_size=_LONGEST_LINE, max_field_size=_LONGEST_LINE
        )
        transport.write(data)

    async def read_head(self) -> None:
        while self.status < 200 and self.status != 101:  # what comes before is provisional
            message, self.content = await self.protocol.read()
            self.status = message.code
        self.headers = message.headers

    def release(self) -> None:
        self._connection.release()

    def close(self) -> None:
        self._connection.close()


class AsyncByteStream:
    """The body of an answer, piece by piece. Close it, or read it to its end."""

    def __init__(
        self,
        response: aiohttp.ClientResponse | _Reply,
        limit: TimeLimit,
        loop: asyncio.AbstractEventLoop,
        upload: UploadPayload | None = None,
    ) -> None:
        self.status = response.status
        self.headers = _lower(response.headers) if response.headers else {}
        self._response = response
        self._freed = False
        self._limit = limit
        self._loop = loop
        self._waiting: ResponseHandler | aiohttp.StreamReader | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = _NEVER
        self._upload = upload
        if upload is not None:
            upload.answered()

    def __del__(self) -> None:
        if not self._freed:
            try:  # a finaliser may run in any thread, and in the middle of anything
                self._loop.call_soon_threadsafe(_free, self._response, self._timer)
            except RuntimeError:
                pass  # the loop has closed, and its session with it

    async def start(self, request: bytes) -> None:
        """Send the request and wait for the headers of the answer."""
        reply = self._response
        assert isinstance(reply, _Reply)
        reply.write(request)
        self._await(reply.protocol)
        try:
            await reply.read_head()
        finally:
            self._waiting = None
        self.status = reply.status
        self.headers = _lower(reply.headers)

    async def read(self) -> bytes:
        """
        Return what has arrived, waiting for at least one byte; b"" at the end.

        Raises:
            ProviderError: the limit is reached, or the body is cut or broken.
        """
        content = self._response.content
        self._await(content)
        try:
            return await content.readany()
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:  # the last: closed meanwhile
            raise translate(error, self._limit) from error
        finally:
            self._waiting = None

    async def read_all(self) -> bytes:
        """
        Return the whole body; of an error, its beginning.

        Raises:
            ProviderError: as `read`, or it is too large.
        """
        cap = body_cap(self.status)
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > cap:
                if 200 <= self.status < 300:
                    raise too_large(self.status)
                break
            if self._response.content.at_eof():
                break
        return b"".join(pieces)[:cap]

    def _await(self, source: ResponseHandler | aiohttp.StreamReader) -> None:
        """
        From now on, waiting for this ends at the limit.

        Raises:
            ProviderError: the limit is reached already.
        """
        self._limit.left()
        self._waiting = source
        if self._timer is None or self._limit.expires_at < self._fires_at:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fires_at = self._limit.expires_at
        if self._limit.expires_at != _NEVER:
            # Through a weak reference: the timer must not keep a dropped stream alive.
            delay = max(0.0, self._limit.expires_at - self._limit.now())
            self._timer = self._loop.call_later(delay, _fire, weakref.ref(self))

    def fire(self) -> None:
        """One timer for the answer, set again when it turns out that data has come meanwhile."""
        self._timer = None
        if self._waiting is None:
            return
        if self._limit.expired():
            self._waiting.set_exception(TimeoutError())
        else:
            self._arm()

    async def finish(self) -> None:
        """Give the connection back if the body ends at once, else close it."""
        if not self._response.content.at_eof():
            try:
                async with asyncio.timeout(_GRACE):
                    while await self._response.content.readany():
                        pass
            except (aiohttp.ClientError, OSError, ValueError):
                pass
        await self.close()

    async def close(self) -> None:
        """Free the connection: to the pool if the body has been read, else closed."""
        self.free()

    def free(self) -> None:
        """As `close`; nothing in it waits."""
        if not self._freed:
            self._freed = True
            if self._upload is not None:
                self._upload.end(well=self._response.content.at_eof())
            _free(self._response, self._timer)


def _free(response: aiohttp.ClientResponse | _Reply, timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
    content = getattr(response, "content", None)  # none: its headers never came
    if content is not None and content.at_eof():
        response.release()
    else:
        response.close()


def _fire(stream: weakref.ref[AsyncByteStream]) -> None:
    if (alive := stream()) is not None:
        alive.fire()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def translate(error: BaseException, limit: TimeLimit) -> ProviderError:
    """Return our exception for one of aiohttp or the socket."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return limit.connect_error()
    if isinstance(error, TimeoutError):
        return limit.error()
    if isinstance(error, aiohttp.ClientHttpProxyError):  # its own text has the proxy's password
        return ConnectionFailedError(f"the proxy cannot be used: {error.status} {error.message}"[:200], kind="proxy")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return ConnectionFailedError(f"the proxy cannot be used: {error.os_error}"[:200], kind="proxy")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ConnectionFailedError("the host's name cannot be resolved", kind="dns")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectionFailedError(
            f"{error.host}:{error.port} cannot be reached: it refuses the connection", kind="refused"
        )
    if isinstance(error, aiohttp.InvalidURL):
        return ConnectionFailedError("the base URL is no address", kind="dns")
    if isinstance(error, (aiohttp.ClientResponseError, HttpProcessingError)):
        return MalformedResponseError("the answer is not HTTP")
    if isinstance(error, aiohttp.ClientPayloadError) and "decode" in str(error).lower():
        return MalformedResponseError("the answer's compression is broken")
    return ConnectionFailedError("the connection was lost before the answer was whole", kind="reset")
