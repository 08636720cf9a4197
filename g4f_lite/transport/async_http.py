"""
HTTP for `AsyncClient`, on aiohttp: one session for each event loop and process.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
import weakref
from collections.abc import AsyncIterator, Hashable, Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ..errors.exceptions import ConfigurationError, ConnectionFailedError
from ..forks import reset_in_child
from ..provider.address import split_url
from ..types.http import HTTPRequest, HTTPResponse
from ..types.time_limit import TimeLimit
from .async_body import AsyncByteStream, RawResponse, lacks_thread, translate
from .async_limit import Within
from .async_pool import Connector
from .async_public_body import PublicByteStream
from .async_upload import BodyPayload, UploadPayload, abort
from .common import MOST_ORIGINS, PIECE, default_ssl_context, inherited_connections, proxy_for, request_headers
from .inner_parts import fit
from .late_answer import LateAnswer
from .plain_answer import PlainAnswer, connect
from .uploading import UploadStopped

_LARGE_BODY = 1 << 20
_SENT_AT_ONCE = 1 << 16
"""Bytes that the system takes at once: sending them does not fail."""
_NO_ANSWER = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_MOST_HEADS, _LONGEST_HEAD = 64, 2048
"""How many are remembered, and of how many bytes."""


class AsyncHTTPTransport:
    """One session for each event loop; a session is closed with its loop."""

    def __init__(self, *, proxy: str | None = None, ssl_context: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._proxies: dict[str, str | None] = {}
        self._sessions: dict[asyncio.AbstractEventLoop, _LoopSession] = {}
        reset_in_child(self)

    def after_fork(self) -> None:
        inherited_connections.append(self._sessions)
        self._sessions = {}

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
        if stream.session is not None:
            stream.session.streams.add(stream)
        return stream

    async def _open(self, request: HTTPRequest, limit: TimeLimit) -> AsyncByteStream:
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.session.closed:
            found = await self._start_session(loop)
        origin, target = split_url(request.url)
        is_direct = self._proxy_of(origin, request.url) is None
        body = request.body
        found.sending += 1
        try:
            if is_direct and isinstance(body, bytes) and (len(body) < _LARGE_BODY or not found.direct):
                stream = await self._exchange(found, origin, target, request, limit)
            else:
                stream = await self._request(found, origin, request, limit)
        except BaseException as error:
            if isinstance(error, UploadStopped):
                raise error.failure from None
            if not (isinstance(error, _NO_ANSWER) or lacks_thread(error)) or isinstance(error, ConfigurationError):
                raise
            if loop.is_closed():  # as in `AsyncByteStream`
                raise
            failure = translate(error, limit)
            if isinstance(error, aiohttp.ClientConnectorDNSError) and not is_direct:
                failure = ConnectionFailedError(f"the proxy cannot be used: {failure.message}", kind="proxy")
            raise failure from error
        finally:
            found.sending -= 1
            if found.retired:
                found.settle()
        stream.session = found
        found.reading += 1
        return stream

    def _proxy_of(self, origin: str, url: str) -> str | None:
        try:
            return self._proxies[origin]
        except KeyError:  # or another task or thread has just cleared them
            pass
        proxy = proxy_for(url, self._proxy)
        if len(self._proxies) >= MOST_ORIGINS:
            self._proxies.clear()
        self._proxies[origin] = proxy
        return proxy

    async def _exchange(
        self, found: _LoopSession, origin: str, target: str, request: HTTPRequest, limit: TimeLimit
    ) -> AsyncByteStream:
        """
        Send over a connection of the session's pool, without `session.request`.

        Its other features (cookies, redirects, authentication, tracing) are not used here, and cost more than the
        rest of a call; docs/performance.md has the figures.
        """
        assert isinstance(request.body, bytes)
        response = await (self._pooled if found.direct else self._plain)(found, origin, limit)
        stream = AsyncByteStream(response, limit, found.loop)
        transport = response.connection.transport
        late = LateAnswer(transport) if len(request.body) > _SENT_AT_ONCE else None
        try:
            await stream.start(found.head(origin, target, request) + request.body)
        except BaseException as error:
            stream.free()  # at once: closing would wait for a server that does not read
            if late is None or not isinstance(error, _NO_ANSWER):
                raise
            if (answered := await late.stream(limit, found.loop)) is None:
                raise
            return answered
        finally:
            if late is not None:
                late.close()
        return stream

    async def _plain(self, found: _LoopSession, origin: str, limit: TimeLimit) -> PlainAnswer:
        address = urlsplit(origin)
        secure = address.scheme == "https"
        context = (self._ssl_context or default_ssl_context()) if secure else None
        port = address.port or (443 if secure else 80)
        return await connect(address.hostname or "", port, context, limit, found.loop)

    async def _pooled(self, found: _LoopSession, origin: str, limit: TimeLimit) -> RawResponse:
        place = found.places.get(origin)
        if place is None:
            if len(found.places) >= MOST_ORIGINS:
                found.places.clear()
                found.close_idle()
            place = found.places[origin] = aiohttp.ClientRequest(
                "POST", URL(origin, encoded=True), ssl=self._tls(origin), loop=found.loop, session=found.session
            )
        assert found.session.connector is not None
        connect = found.connecting_within(limit.start_connecting())
        try:
            connection = await found.session.connector.connect(place, [], connect)
        except TimeoutError:
            raise limit.connect_error() from None
        return RawResponse(connection)

    def _tls(self, *places: str) -> ssl.SSLContext | bool:
        secure = any(place.startswith("https:") for place in places)
        return (self._ssl_context or default_ssl_context()) if secure else True

    async def _request(
        self, found: _LoopSession, origin: str, request: HTTPRequest, limit: TimeLimit
    ) -> AsyncByteStream:
        """
        Send as aiohttp does: through a proxy, or a large body piece by piece, or all if its inner parts do not fit.

        No local variable has the proxy, which may have a password: tracebacks may be shown with them.
        """
        sent = _Sent()
        upload: UploadPayload | None = None
        try:
            async with Within(limit.remaining()) as until:
                data: object = request.body
                if not isinstance(request.body, bytes):
                    data = upload = UploadPayload(request.body, limit, until, sent.begin)
                elif request.body:
                    data = BodyPayload(request.body, sent.begin)
                response = await found.session.request(
                    request.method,
                    URL(request.url, encoded=True),
                    data=data,
                    headers=CIMultiDict(request_headers(request.headers)),
                    allow_redirects=False,
                    proxy=self._proxy_of(origin, request.url),
                    ssl=self._tls(origin, self._proxy_of(origin, request.url) or ""),
                    timeout=found.connecting_within(limit.start_connecting()),
                )
            if found.direct:
                return AsyncByteStream(response, limit, found.loop, upload)
            return PublicByteStream(response, limit, found.loop, upload, sent.over)
        except BaseException as error:
            sent.abort()
            if upload is not None:
                upload.end(well=False)
            if isinstance(error, _NO_ANSWER):
                if upload is not None:
                    upload.check()
                if sent.late is not None and (answered := await sent.late.stream(limit, found.loop)) is not None:
                    return answered
            raise
        finally:
            if sent.late is not None:
                sent.late.close()

    def drop_closed_loops(self) -> None:
        """Drop the sessions of closed loops, and end the calls that a loop was closed under."""
        cut = False
        for loop in list(self._sessions):
            if loop.is_closed() and (found := self._sessions.pop(loop, None)) is not None:
                cut |= bool(found.sending or found.reading)
                del found
        if cut:
            gc.collect()  # nothing resumes such a call: it ends when it is collected, and it is part of cycles

    async def _start_session(self, loop: asyncio.AbstractEventLoop) -> _LoopSession:
        found = self._sessions[loop] = _LoopSession(loop)
        await found.start()
        return found

    async def aclose(self) -> None:
        """
        Close this loop's idle connections, and its session when the last call or stream has ended.

        Another loop's is closed there, or when that loop ends. The next request opens a new session.
        """
        if (found := self._sessions.pop(asyncio.get_running_loop(), None)) is not None:
            await found.retire()

    def abandon(self) -> None:
        """
        Close every loop's session, each in its own loop when that runs next.

        Any thread may call this, also where no loop runs, for an object that nobody can use or close any more.
        """
        for loop, found in list(self._sessions.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(found.retire_soon)


def _host(origin: str) -> str:
    scheme, _, host = origin.partition("://")
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _head(host: str, target: str, method: str, given: Mapping[str, str]) -> bytes:
    """Return request line and headers; `check_outgoing` has excluded line breaks in them."""
    headers = {"host": host, **request_headers(given)}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    return "\r\n".join(lines).encode("ascii")


class _Sent:
    """What a request was sent over."""

    def __init__(self) -> None:
        self.over: asyncio.Transport | None = None
        self.late: LateAnswer | None = None

    def begin(self, transport: asyncio.Transport | None) -> None:
        self.over = transport
        if self.late is None:
            self.late = LateAnswer(transport)

    def abort(self) -> None:
        abort(self.over)


class _LoopSession:
    """
    A session that its own loop closes.

    The guard is an async generator advanced once inside the loop: `asyncio.run` ends with
    `shutdown_asyncgens()`, which runs its `finally` in time and in the right loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.places: dict[str, aiohttp.ClientRequest] = {}
        """By origin, the request that the session's pool needs: it has the address and the TLS settings."""
        self.direct = fit("aiohttp")
        """Requests are sent over connections of the pool, which needs inner parts of aiohttp."""
        self._connector = Connector() if self.direct else aiohttp.TCPConnector(limit=0, force_close=True)
        self.session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # with it, aiohttp would read .netrc
            read_bufsize=PIECE,
            auto_decompress=False,  # `decoding` does it for both clients
        )
        self._heads: dict[Hashable, bytes] = {}
        """Encoded headers: most calls send the same headers as an earlier one."""
        self.streams: weakref.WeakSet[AsyncByteStream] = weakref.WeakSet()
        """Streams that may still be read."""
        self._guard = self._closing()
        self.sending = 0
        """How many requests are on their way, or wait for the headers of their answers."""
        self.reading = 0
        """How many answers are read after that."""
        self.retired = False

    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for stream in list(self.streams):  # aiohttp complains of a connection that outlives its loop
                stream.free()
            self.close_idle()
            await self.session.close()

    def connecting_within(self, seconds: float) -> aiohttp.ClientTimeout:
        """Return the limit of a new connection: `Connector` keeps to it, else aiohttp does."""
        return aiohttp.ClientTimeout(sock_connect=seconds) if self.direct else aiohttp.ClientTimeout(connect=seconds)

    def close_idle(self) -> None:
        if isinstance(self._connector, Connector):
            self._connector.close_idle()

    def head(self, origin: str, target: str, request: HTTPRequest) -> bytes:
        """Return what is sent before the body."""
        known = (origin, target, request.method, *request.headers.items())
        if (head := self._heads.get(known)) is None:
            head = _head(_host(origin), target, request.method, request.headers)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            if len(head) <= _LONGEST_HEAD:
                self._heads[known] = head
        if not request.body and request.method == "GET":
            return head + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n" % (head, len(request.body))

    async def start(self) -> None:
        await anext(self._guard)

    def retire_soon(self) -> None:
        self.loop.create_task(self.retire())

    async def retire(self) -> None:
        """Close what is idle now, and the rest with the last call or stream that is under way."""
        self.retired = True
        if self.sending or self.reading:
            self.settle()
        else:
            await self._guard.aclose()  # type: ignore[attr-defined]  # it is an async generator

    def left(self) -> None:
        self.reading -= 1
        if self.retired:
            self.settle()

    def settle(self) -> None:
        """
        Close what is idle of a retired session. The answers that are still read need only their connections, and a
        session that waited for them would be forgotten with a forgotten stream: aiohttp would complain of it.
        """
        self.close_idle()
        if not self.sending:
            self.session.detach()
