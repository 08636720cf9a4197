"""
HTTP over the httpx client that a caller gave: its proxies, certificates, hooks, authentication and transport hold.

They stand in for the transports of our clients, and offer what the drivers ask of these.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors.exceptions import ConnectionFailedError, MalformedResponseError, ProviderTimeoutError
from ..transport.common import body_cap, too_large
from ..types.http import HTTPRequest, HTTPResponse
from ..types.time_limit import TimeLimit
from .libraries import library_of


class OverHTTPX:
    """The part of `HTTPTransport` that a driver uses, over an httpx client. It does not close that."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        source = self.open(request, limit)
        try:
            body = bytearray()
            cap = body_cap(source.status, limit.max_bytes)
            while len(body) <= cap and (piece := source.read()):
                body += piece
        finally:
            source.close()
        return _whole(source, bytes(body), cap)

    def open(self, request: HTTPRequest, limit: TimeLimit) -> HTTPXStream:
        with _translated(self._client, limit):
            response = self._client.send(_outgoing(self._client, request, limit), stream=True)
        return HTTPXStream(self._client, response, limit)

    def close(self) -> None:
        """Nothing is ours to close."""


class HTTPXStream:
    """The body of a response, piece by piece."""

    def __init__(self, client: Any, response: Any, limit: TimeLimit) -> None:
        self.status: int = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._client = client
        self._response = response
        self._limit = limit
        self._pieces: Iterator[bytes] = response.iter_bytes()

    def read(self) -> bytes:
        self._limit.remaining()
        with _translated(self._client, self._limit):
            return next(filter(None, self._pieces), b"")

    def finish(self) -> None:
        self.close()

    def interrupt(self) -> None:
        self.close()

    def close(self) -> None:
        self._response.close()


class AsyncOverHTTPX:
    """As `OverHTTPX`, over an `httpx.AsyncClient`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        source = await self.open(request, limit)
        try:
            body = bytearray()
            cap = body_cap(source.status, limit.max_bytes)
            while len(body) <= cap and (piece := await source.read()):
                body += piece
        finally:
            await source.close()
        return _whole(source, bytes(body), cap)

    async def open(self, request: HTTPRequest, limit: TimeLimit) -> AsyncHTTPXStream:
        with _translated(self._client, limit):
            async with asyncio.timeout(limit.remaining()):
                response = await self._client.send(_outgoing(self._client, request, limit), stream=True)
        return AsyncHTTPXStream(self._client, response, limit)

    async def aclose(self) -> None:
        """Nothing is ours to close."""


class AsyncHTTPXStream:
    """As `HTTPXStream`."""

    def __init__(self, client: Any, response: Any, limit: TimeLimit) -> None:
        self.status: int = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._client = client
        self._response = response
        self._limit = limit
        self._pieces: AsyncIterator[bytes] = response.aiter_bytes()

    async def read(self) -> bytes:
        with _translated(self._client, self._limit):
            async with asyncio.timeout(self._limit.remaining()):
                async for piece in self._pieces:
                    if piece:
                        return piece
        return b""

    async def finish(self) -> None:
        await self.close()

    async def close(self) -> None:
        await self._response.aclose()


def _outgoing(client: Any, request: HTTPRequest, limit: TimeLimit) -> Any:
    seconds = limit.remaining()
    timeout = {"connect": limit.connect or seconds, "read": seconds, "write": seconds, "pool": seconds}
    return library_of(client).Request(
        request.method, request.url, headers=request.headers, content=request.body, extensions={"timeout": timeout}
    )


def _whole(source: HTTPXStream | AsyncHTTPXStream, body: bytes, cap: int) -> HTTPResponse:
    if len(body) > cap and 200 <= source.status < 300:
        raise too_large(source.status, cap)
    return HTTPResponse(status=source.status, headers=source.headers, body=body[:cap])


@contextmanager
def _translated(client: Any, limit: TimeLimit) -> Iterator[None]:
    """Raise our exceptions for those of the client's library."""
    library = library_of(client)
    try:
        yield
    except library.ConnectTimeout as error:
        raise ProviderTimeoutError(f"no connection: {error}", phase="connect") from error
    except (library.TimeoutException, TimeoutError) as error:
        raise limit.error() from error
    except library.ProxyError as error:
        raise ConnectionFailedError(f"the proxy cannot be used: {error}", kind="proxy") from error
    except (library.ConnectError, library.UnsupportedProtocol) as error:
        raise ConnectionFailedError(f"no connection: {error}", kind="refused") from error
    except library.DecodingError as error:
        raise MalformedResponseError("the answer's compression is broken") from error
    except library.TransportError as error:
        raise ConnectionFailedError(f"the connection was lost: {error}", kind="reset") from error
