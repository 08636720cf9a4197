"""
HTTP for `AsyncClient`, on aiohttp: one session for each event loop and process.
"""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import weakref
from collections.abc import AsyncIterator

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ..errors import ConnectionFailedError, MalformedResponseError, ProviderError
from ..http import HTTPRequest, HTTPResponse
from ..timing import TimeLimit
from .common import body_cap, default_ssl_context, inherited, proxy_for, request_headers, too_large

_GRACE = 0.05
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
        try:
            async with asyncio.timeout(limit.left()):
                response = await self._request(request, limit)
                try:
                    body = await _read_all(response)
                finally:
                    response.close() if not response.content.at_eof() else response.release()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translate(error, limit) from error
        return HTTPResponse(status=response.status, headers=_lower(response), body=body)

    async def open(self, request: HTTPRequest, limit: TimeLimit) -> AsyncByteStream:
        """
        Send a request and return once the headers of the answer are here.

        Raises:
            ProviderError: no answer.
        """
        try:
            async with asyncio.timeout(limit.left()):
                response = await self._request(request, limit)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translate(error, limit) from error
        if (found := self._sessions.get(asyncio.get_running_loop())) is not None:
            found.responses.add(response)
        return AsyncByteStream(response, limit)

    async def _request(self, request: HTTPRequest, limit: TimeLimit) -> aiohttp.ClientResponse:
        session = await self._session()
        origin = "/".join(request.url.split("/", 3)[:3])
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(request.url, self._proxy)
        # aiohttp warns of large bytes, as it copies them; a file object it sends in pieces.
        data = request.body if len(request.body) < _LARGE_BODY else io.BytesIO(request.body)
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            data=data,
            headers=CIMultiDict(request_headers(request.headers)),
            allow_redirects=False,
            proxy=self._proxies[origin],
            ssl=(self._ssl_context or default_ssl_context()) if request.url.startswith("https:") else True,
            timeout=aiohttp.ClientTimeout(total=None, connect=limit.connect_left()),
        )

    async def _session(self) -> aiohttp.ClientSession:
        if self._pid != os.getpid():
            inherited.append(self._sessions)
            self._pid = os.getpid()
            self._sessions = weakref.WeakKeyDictionary()
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.session.closed:
            for known in [one() for one in self._sessions.keyrefs()]:
                if known is not None and known.is_closed():
                    self._sessions.pop(known, None)  # its session, closed with it, would keep it alive
            found = self._sessions[loop] = _LoopSession()
            await found.start()
        return found.session

    async def aclose(self) -> None:
        """Close this loop's session; another loop's is closed there, or when that loop ends."""
        if (found := self._sessions.pop(asyncio.get_running_loop(), None)) is not None:
            await found.close()


class _LoopSession:
    """
    A session that its own loop closes.

    The guard is an async generator advanced once inside the loop: `asyncio.run` ends with
    `shutdown_asyncgens()`, which runs its `finally` in time and in the right loop.
    """

    def __init__(self) -> None:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # with it, aiohttp would read .netrc
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        self.responses: weakref.WeakSet[aiohttp.ClientResponse] = weakref.WeakSet()
        """Whose bodies somebody may still be reading."""
        self._guard = self._closing()

    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for response in list(self.responses):  # aiohttp complains of those that outlive their loop
                response.close()
            await self.session.close()

    async def start(self) -> None:
        await anext(self._guard)

    async def close(self) -> None:
        await self._guard.aclose()  # type: ignore[attr-defined]  # it is an async generator


class AsyncByteStream:
    """The body of an answer, piece by piece. Close it, or read it to its end."""

    def __init__(self, response: aiohttp.ClientResponse, limit: TimeLimit) -> None:
        self.status = response.status
        self.headers = _lower(response)
        self._response = response
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._waiting = self._freed = False
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = float("inf")

    def __del__(self) -> None:
        if not self._freed:
            try:  # a finaliser may run in any thread, and in the middle of anything
                self._loop.call_soon_threadsafe(_free, self._response, self._timer)
            except RuntimeError:
                pass  # the loop has closed, and its session with it

    async def read(self) -> bytes:
        """
        Return what has arrived, waiting for at least one byte; b"" at the end.

        Raises:
            ProviderError: the limit is reached, or the body is cut or broken.
        """
        self._limit.left()
        self._waiting = True
        if self._timer is None or self._limit.expires_at < self._fires_at:
            self._arm()
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:  # the last: closed meanwhile
            raise translate(error, self._limit) from error
        finally:
            self._waiting = False

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fires_at = self._limit.expires_at
        if self._limit.expires_at != float("inf"):
            # Through a weak reference: the timer must not keep a dropped stream alive.
            fire = weakref.WeakMethod(self._fire)
            delay = max(0.0, self._limit.expires_at - self._limit.now())
            self._timer = self._loop.call_later(delay, lambda: (alive := fire()) and alive())

    def _fire(self) -> None:
        """One timer for the stream, set again when it turns out that data has come meanwhile."""
        self._timer = None
        if not self._waiting:
            return
        if self._limit.expired():
            self._response.content.set_exception(TimeoutError())
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
        self._freed = True
        _free(self._response, self._timer)


def _free(response: aiohttp.ClientResponse, timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
    if response.content.at_eof():
        response.release()
    else:
        response.close()


async def _read_all(response: aiohttp.ClientResponse) -> bytes:
    cap = body_cap(response.status)
    pieces: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > cap:
            if 200 <= response.status < 300:
                raise too_large(response.status)
            break
    return b"".join(pieces)[:cap]


def _lower(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


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
    if isinstance(error, aiohttp.ClientResponseError):
        return MalformedResponseError("the answer is not HTTP")
    if isinstance(error, aiohttp.ClientPayloadError) and "decode" in str(error).lower():
        return MalformedResponseError("the answer's compression is broken")
    return ConnectionFailedError("the connection was lost before the answer was whole", kind="reset")
