"""A transport for httpx and httpx2 that answers OpenAI's endpoints through a `Client`, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from ..client.client import Client
from ..client.stream import Stream
from ..errors.exceptions import G4FLiteError, ModelUnavailableError
from .libraries import BaseTransport, connection_failure, incoming, library_of, path_of, response_for, stream_class
from .mapping.bodies import read_request
from .mapping.errors import not_found
from .mapping.events import DONE, Events, interruption
from .mapping.requests import Place, place_of
from .over_httpx import OverHTTPX
from .replying import failed_response, new_request_id, stream_headers, whole_response
from .service import Exchange, ServiceClient, current
from .ways import AtOneService, Prepared, ThroughRoutes, Way


class Transport(BaseTransport):
    """
    Answers chats, embeddings, audio, images and the list of models through a client, and passes on everything else.

        openai.OpenAI(http_client=httpx.Client(transport=Transport(client)))

    Args:
        client: retries and fails over as it does for other callers. It is not closed with the transport.
        others: an httpx client that sends all other requests; without one, they are answered with a 404.
    """

    def __init__(self, client: Client, *, others: Any = None) -> None:
        self.way: Way = ThroughRoutes(client)
        self._client = client
        self._others = others
        self._closes: list[Any] = []

    @classmethod
    def to_service(cls, name: str, others: Any, http_client: Any = None) -> Transport:
        """
        Return a transport to the one service that each request is meant for.

        Args:
            http_client: an httpx client that makes the connections; by default they are our own.
        """
        client = ServiceClient(None if http_client is None else OverHTTPX(http_client))
        transport = cls(client, others=others)
        transport.way = AtOneService(name)
        return transport.closing(client)

    @property
    def routed(self) -> Client | None:
        """The client whose routes answer; None if one service does."""
        return self._client if self.way.retries else None

    def closing(self, *clients: Any) -> Transport:
        """Close these with the transport; return it."""
        self._closes += clients
        return self

    def handle_request(self, request: Any) -> Any:
        place = place_of(request.method, path_of(request))
        return self._pass_on(request) if place is None else self._answer(request, place)

    def _answer(self, request: Any, place: Place) -> Any:
        arrived = incoming(request, request.read())
        prepared: Prepared | None = None
        try:
            asked = read_request(place, arrived.headers.get("content-type", ""), arrived.body)
            if not asked.can_be_called:
                return self._pass_on(request)
            prepared = self.way.prepare(asked, arrived)
            result = self._call(prepared)
            if isinstance(result, Stream):
                return _streamed(request, result, prepared.exchange)
            response = whole_response(result, asked, prepared.exchange)
        except G4FLiteError as error:
            if place.operation == "model" and self._others is not None and isinstance(error, ModelUnavailableError):
                return self._pass_on(request)  # a service may have models that it does not list
            if (failure := connection_failure(request, error)) is not None:
                raise failure from error
            response = failed_response(error, prepared and prepared.exchange, retried=self.way.retries)
        return response_for(request, response)

    def _call(self, prepared: Prepared) -> Any:
        method = attrgetter(prepared.method)(self._client)
        if prepared.exchange is None:
            return method(**prepared.keywords)
        token = current.set(prepared.exchange)
        try:
            return method(**prepared.keywords)
        finally:
            current.reset(token)

    def _pass_on(self, request: Any) -> Any:
        if self._others is None:
            return response_for(request, not_found(request.method, path_of(request), new_request_id()))
        return self._others.send(request, stream=True)

    def close(self) -> None:
        for client in self._closes:
            client.close()


class EventStream:
    """The body of a streamed response: an event for each chunk, as it comes."""

    def __init__(self, stream: Stream, events: Events) -> None:
        self._stream = stream
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                yield self._events.of(chunk)
        except G4FLiteError as error:
            self._stream.close()
            yield interruption(error)
        else:
            yield DONE

    def close(self) -> None:
        self._stream.close()


def _streamed(request: Any, stream: Stream, exchange: Exchange | None) -> Any:
    library = library_of(request)
    kind = stream_class(library, EventStream, "SyncByteStream")
    body = kind(stream, Events(unchanged=exchange is not None))
    return library.Response(200, headers=list(stream_headers(stream, exchange).items()), stream=body)
