"""
What stands in the place of a transport: it carries requests to modelled services, on the loop's clock.

Rule: as the transports with sockets: the time limit of an attempt is asked for each wait, and the errors are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..errors.exceptions import ConnectionFailedError
from ..types.chunks import ChatCompletionChunk, ChunkChoice, Delta
from ..types.http import HTTPRequest, HTTPResponse
from ..types.time_limit import TimeLimit
from .provider import SimulatedRequest, SimulatedResponse, usage_of
from .services import Reply, Service
from .virtual_loop import VirtualLoop

_LOST = "the connection was lost before the answer was complete"
_CONTENT = ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="…")),))
_LAST = (ChunkChoice(delta=Delta(content="…"), finish_reason="stop"),)


class Told(Protocol):
    """Is told of each request that has ended at a service."""

    def __call__(self, service: Service, reply: Reply, now: float) -> None: ...


class SimulatedTransport:
    """
    Args:
        services: by the address of their provider.
        ended: is told of each request that has ended.
    """

    def __init__(self, loop: VirtualLoop, services: Mapping[str, Service], ended: Told) -> None:
        self._loop = loop
        self.at = loop.at
        self._services = services
        self._ended = ended

    async def send(self, request: HTTPRequest, limit: TimeLimit) -> HTTPResponse:
        """As `AsyncHTTPTransport.send`."""
        service, reply = self._take(request)
        try:
            if reply.ending == "whole" and reply.ends_at <= limit.expires_at:
                await self._loop.at(reply.ends_at)
            else:
                await self._headers(reply, limit, reply.ends_at)
            if reply.ending == "cut":
                raise ConnectionFailedError(_LOST, kind="reset")
            limit.on_headers()
            return SimulatedResponse(status=reply.status, headers=reply.headers, body=reply.body, reply=reply)
        finally:
            self.leave(service, reply)

    async def open(self, request: HTTPRequest, limit: TimeLimit) -> SimulatedStream:
        """As `AsyncHTTPTransport.open`."""
        service, reply = self._take(request)
        try:
            if reply.status != 200:
                await self._headers(reply, limit, reply.ends_at)
        except BaseException:
            self.leave(service, reply)
            raise
        limit.on_headers()
        return SimulatedStream(self, service, reply, limit)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def drop_closed_loops(self) -> None:
        """There is one loop."""

    # -- inside ----------------------------------------------------------------------------

    def _take(self, request: HTTPRequest) -> tuple[Service, Reply]:
        assert isinstance(request, SimulatedRequest)
        service = self._services[request.url]
        return service, service.take(self._loop.clock.now, prompt=request.prompt, tokens=request.tokens)

    def leave(self, service: Service, reply: Reply) -> None:
        if not reply.left:
            now = self._loop.clock.now
            service.leave(reply, now)
            self._ended(service, reply, now)

    async def _headers(self, reply: Reply, limit: TimeLimit, when: float) -> None:
        """Wait for the response, or raise as a transport does if there is none."""
        if reply.ending == "refused":
            raise ConnectionFailedError("the connection was refused", kind="refused")
        if reply.ending == "unreachable":
            connect_by = self._loop.clock.now + limit.start_connecting()
            await self._loop.at(min(connect_by, limit.expires_at))
            raise limit.connect_error()
        await self._loop.at(min(when, limit.expires_at))
        if when > limit.expires_at:
            raise limit.error()
        if reply.ending == "reset":
            raise ConnectionFailedError(_LOST, kind="reset")


class SimulatedStream:
    """
    As `AsyncByteStream`; a piece is a chunk.

    Pieces that change nothing are left out: of those that come before the limit of the attempt, the last one counts.
    """

    def __init__(self, transport: SimulatedTransport, service: Service, reply: Reply, limit: TimeLimit) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self._transport, self._service, self._reply, self._limit = transport, service, reply, limit
        self._at = transport.at
        self._read_until = -1.0
        """When the last piece came that was read."""
        self._ended = False

    async def read(self) -> ChatCompletionChunk | bytes:
        """Return the next piece; b"" at the end."""
        reply = self._reply
        if self._ended:
            return b""
        if reply.status != 200:  # an error, which is there already
            self._ended = True
            return reply.body
        by = self._limit.expires_at
        at = self._next_piece(reply, by)
        await self._at(min(at, by))
        if at > by:
            raise self._limit.error()
        self._read_until = at
        if at < reply.ends_at:
            return _CONTENT
        if reply.ending == "cut":
            raise ConnectionFailedError(_LOST, kind="reset")
        self._ended = True
        self._transport.leave(self._service, reply)
        return ChatCompletionChunk(choices=_LAST, usage=usage_of(reply))

    def _next_piece(self, reply: Reply, by: float) -> float:
        """Return when the last piece comes that comes in time; if none does, the next one."""
        if self._read_until < 0:
            return min(reply.first_at, reply.ends_at)
        if reply.stops_at <= by:
            return reply.stops_at if self._read_until < reply.stops_at else reply.ends_at
        step = self._service.settings.chunk_s
        return max(reply.first_at + (by - reply.first_at) // step * step, self._read_until + step)

    async def finish(self) -> None:
        """As `close`."""
        self._transport.leave(self._service, self._reply)

    async def close(self) -> None:
        """Leave the service."""
        self._transport.leave(self._service, self._reply)
