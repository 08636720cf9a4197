"""`transport.py` with `await`: it answers OpenAI's endpoints through an `AsyncClient`, in this process."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from operator import attrgetter
from typing import Any

from ..client.async_client import AsyncClient
from ..client.async_stream import AsyncStream
from ..errors.exceptions import G4FLiteError, ModelUnavailableError
from ..transport.async_http import AsyncHTTPTransport
from .libraries import BaseAsyncTransport, connection_failure, incoming, library_of, path_of, response_for, stream_class
from .mapping.bodies import read_request
from .mapping.errors import not_found
from .mapping.events import DONE, Events, interruption
from .mapping.requests import Place, place_of
from .over_httpx import AsyncOverHTTPX
from .replying import failed_response, new_request_id, stream_headers, whole_response
from .service import AsyncServiceClient, Exchange, current
from .ways import AtOneService, Prepared, ThroughRoutes, Way


class AsyncTransport(BaseAsyncTransport):
    """As `Transport`, for an `AsyncClient`: `httpx.AsyncClient(transport=AsyncTransport(client))`."""

    def __init__(self, client: AsyncClient, *, others: Any = None) -> None:
        self.way: Way = ThroughRoutes(client)
        self._client = client
        self._others = others
        self._closes: list[Any] = []

    @classmethod
    def to_service(cls, name: str, others: Any, http_client: Any = None) -> AsyncTransport:
        """As `Transport.to_service`."""
        client = AsyncServiceClient(None if http_client is None else AsyncOverHTTPX(http_client))
        transport = cls(client, others=others)
        transport.way = AtOneService(name)
        return transport.closing(client)

    @property
    def routed(self) -> AsyncClient | None:
        """The client whose routes answer; None if one service does."""
        return self._client if self.way.retries else None

    def closing(self, *clients: Any) -> AsyncTransport:
        """As `Transport.closing`; a transport that is forgotten closes the connections of these clients as well."""
        self._closes += clients
        for client in clients:
            if isinstance(client, AsyncClient) and isinstance(client._driver.http, AsyncHTTPTransport):
                weakref.finalize(self, client._driver.http.abandon).atexit = False
        return self

    async def handle_async_request(self, request: Any) -> Any:
        place = place_of(request.method, path_of(request))
        return await (self._pass_on(request) if place is None else self._answer(request, place))

    async def _answer(self, request: Any, place: Place) -> Any:
        arrived = incoming(request, await request.aread())
        prepared: Prepared | None = None
        try:
            asked = read_request(place, arrived.headers.get("content-type", ""), arrived.body)
            if not asked.can_be_called:
                return await self._pass_on(request)
            prepared = self.way.prepare(asked, arrived)
            result = await self._call(prepared)
            if isinstance(result, AsyncStream):
                return _streamed(request, result, prepared.exchange)
            response = whole_response(result, asked, prepared.exchange)
        except G4FLiteError as error:
            if place.operation == "model" and self._others is not None and isinstance(error, ModelUnavailableError):
                return await self._pass_on(request)  # a service may have models that it does not list
            if (failure := connection_failure(request, error)) is not None:
                raise failure from error
            response = failed_response(error, prepared and prepared.exchange, retried=self.way.retries)
        return response_for(request, response)

    async def _call(self, prepared: Prepared) -> Any:
        method = attrgetter(prepared.method)(self._client)
        if prepared.exchange is None:
            return await method(**prepared.keywords)
        token = current.set(prepared.exchange)
        try:
            return await method(**prepared.keywords)
        finally:
            current.reset(token)

    async def _pass_on(self, request: Any) -> Any:
        if self._others is None:
            return response_for(request, not_found(request.method, path_of(request), new_request_id()))
        return await self._others.send(request, stream=True)

    async def aclose(self) -> None:
        for client in self._closes:
            await client.aclose()


class AsyncEventStream:
    """As `EventStream`."""

    def __init__(self, stream: AsyncStream, events: Events) -> None:
        self._stream = stream
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield self._events.of(chunk)
        except G4FLiteError as error:
            await self._stream.aclose()
            yield interruption(error)
        else:
            yield DONE

    async def aclose(self) -> None:
        await self._stream.aclose()


def _streamed(request: Any, stream: AsyncStream, exchange: Exchange | None) -> Any:
    library = library_of(request)
    kind = stream_class(library, AsyncEventStream, "AsyncByteStream")
    body = kind(stream, Events(unchanged=exchange is not None))
    return library.Response(200, headers=list(stream_headers(stream, exchange).items()), stream=body)
