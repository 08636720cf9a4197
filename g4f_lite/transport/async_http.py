"""
HTTP for `AsyncClient`, on aiohttp: one session for each event loop and process.
"""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import AsyncIterator, Hashable, Mapping

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ..errors.exceptions import ConfigurationError
from ..forks import reset_in_child
from ..provider.address import split_url
from ..types.http import HTTPRequest, HTTPResponse
from ..types.time_limit import TimeLimit
from .async_body import LONGEST_LINE, AsyncByteStream, RawResponse, translate
from .async_pool import Connector
from .async_upload import LargeBody, UploadPayload
from .common import PIECE, default_ssl_context, inherited_connections, proxy_for, request_headers
from .late_answer import LateAnswer

_NEVER = float("inf")
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
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopSession] = weakref.WeakKeyDictionary()
        reset_in_child(self)

    def after_fork(self) -> None:
        inherited_connections.append(self._sessions)
        self._sessions = weakref.WeakKeyDictionary()

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
        if found is None or found.session.closed:
            found = await self._start_session(loop)
        origin, target = split_url(request.url)
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(request.url, self._proxy)
        upload: UploadPayload | None = None
        late: list[LateAnswer] = []
        try:
            if self._proxies[origin] is None and isinstance(request.body, bytes) and len(request.body) < _LARGE_BODY:
                return await self._exchange(found, origin, target, request, limit)
            async with asyncio.timeout(limit.remaining()) as until:
                data: object = request.body
                if not isinstance(request.body, bytes):
                    data = upload = UploadPayload(
                        request.body, limit, until, lambda transport: late.append(LateAnswer(transport))
                    )
                elif len(request.body) >= _LARGE_BODY:
                    data = LargeBody(request.body, lambda transport: late.append(LateAnswer(transport)))
                response = await self._request(found.session, origin, request, limit, data)
        except BaseException as error:
            if upload is not None:
                upload.end(well=False)
            if not isinstance(error, _NO_ANSWER) or isinstance(error, ConfigurationError):
                raise
            if upload is not None:
                upload.check()
            if late and (stream := await late[0].stream(limit, loop)) is not None:
                return stream
            raise translate(error, limit) from error
        finally:
            for one in late:
                one.close()
        return AsyncByteStream(response, limit, loop, upload)

    async def _exchange(
        self, found: _LoopSession, origin: str, target: str, request: HTTPRequest, limit: TimeLimit
    ) -> AsyncByteStream:
        """
        Send over a connection of the session's pool, without `session.request`.

        Its other features (cookies, redirects, authentication, tracing) are not used here, and cost more than the
        rest of a call; docs/performance.md has the figures.
        """
        assert isinstance(request.body, bytes)
        place = found.places.get(origin)
        if place is None:
            place = found.places[origin] = aiohttp.ClientRequest(
                "POST", URL(origin, encoded=True), ssl=self._tls(origin), loop=found.loop, session=found.session
            )
        assert found.session.connector is not None
        connect = aiohttp.ClientTimeout(connect=limit.start_connecting(), ceil_threshold=_NEVER)
        try:
            connection = await found.session.connector.connect(place, [], connect)
        except TimeoutError:
            raise limit.connect_error() from None
        reply = RawResponse(connection)
        late = LateAnswer(connection.transport) if len(request.body) > _SENT_AT_ONCE else None
        try:
            stream = AsyncByteStream(reply, limit, found.loop)
            await stream.start(found.head(place, target, request) + request.body)
        except BaseException as error:
            reply.close()
            if late is None or not isinstance(error, _NO_ANSWER):
                raise
            if (answered := await late.stream(limit, found.loop)) is None:
                raise
            return answered
        finally:
            if late is not None:
                late.close()
        return stream

    def _tls(self, origin: str) -> ssl.SSLContext | bool:
        return (self._ssl_context or default_ssl_context()) if origin.startswith("https:") else True

    async def _request(
        self,
        session: aiohttp.ClientSession,
        origin: str,
        request: HTTPRequest,
        limit: TimeLimit,
        data: object,
    ) -> aiohttp.ClientResponse:
        """Send as aiohttp does: through a proxy, or a large body piece by piece."""
        proxy = self._proxies[origin]
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            data=data,
            headers=CIMultiDict(request_headers(request.headers)),
            allow_redirects=False,
            proxy=proxy,
            ssl=self._tls(proxy if proxy is not None and proxy.startswith("https:") else origin),
            timeout=aiohttp.ClientTimeout(total=None, connect=limit.start_connecting()),
        )

    async def _start_session(self, loop: asyncio.AbstractEventLoop) -> _LoopSession:
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


def _head(host: str, target: str, method: str, given: Mapping[str, str]) -> bytes:
    """Return request line and headers; `check_outgoing` has excluded line breaks in them."""
    headers = {"host": host, **request_headers(given)}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    return "\r\n".join(lines).encode("ascii")


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
        self.session = aiohttp.ClientSession(
            connector=Connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # with it, aiohttp would read .netrc
            read_bufsize=PIECE,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self._heads: dict[Hashable, bytes] = {}
        """Encoded headers: most calls send the same headers as an earlier one."""
        self.streams: weakref.WeakSet[AsyncByteStream] = weakref.WeakSet()
        """Streams that may still be read."""
        self._guard = self._closing()

    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for stream in list(self.streams):  # aiohttp complains of a connection that outlives its loop
                stream.free()
            await self.session.close()

    def head(self, place: aiohttp.ClientRequest, target: str, request: HTTPRequest) -> bytes:
        """Return what is sent before the body."""
        host = place.headers["Host"]
        known = (host, target, request.method, *request.headers.items())
        if (head := self._heads.get(known)) is None:
            head = _head(host, target, request.method, request.headers)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            if len(head) <= _LONGEST_HEAD:
                self._heads[known] = head
        if not request.body and request.method == "GET":
            return head + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n" % (head, len(request.body))

    async def start(self) -> None:
        await anext(self._guard)

    async def close(self) -> None:
        await self._guard.aclose()  # type: ignore[attr-defined]  # it is an async generator
