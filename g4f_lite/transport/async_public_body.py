"""The answer of a service on its way, over the public classes of aiohttp alone."""

from __future__ import annotations

import asyncio

import aiohttp

from ..errors.exceptions import ProviderError
from ..types.time_limit import TimeLimit
from .async_body import FAILURES, AsyncByteStream, translate
from .async_upload import UploadPayload, abort
from .common import PIECE

_LOOKS_EVERY = 1.0
"""Seconds between two looks at a connection that is silent, where aiohttp does not say that it has broken."""


class PublicByteStream(AsyncByteStream):
    """
    The same without inner parts of aiohttp: see `inner_parts.py`. Its connection is not used again.

    Args:
        transport: what the body was sent over, if there was one.
    """

    _reading: asyncio.Timeout | None = None

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        limit: TimeLimit,
        loop: asyncio.AbstractEventLoop,
        upload: UploadPayload | None,
        transport: asyncio.Transport | None,
    ) -> None:
        super().__init__(response, limit, loop, upload)
        if transport is None and response.connection is not None:
            transport = response.connection.transport
        self._transport = transport

    async def _receive(self) -> bytes:
        content = self._response.content
        assert isinstance(content, aiohttp.StreamReader)
        while not (piece := await self._next(content)) and not content.at_eof():
            if self._transport is not None and self._transport.is_closing():
                raise translate(aiohttp.ClientPayloadError(), self._limit)  # aiohttp leaves the reader waiting
        return piece

    async def _next(self, content: aiohttp.StreamReader) -> bytes:
        """Return what comes; b"" at the end, or after a while without anything."""
        try:
            remaining = self._limit.remaining()
        except ProviderError:
            if self._is_too_late(content):
                raise
            remaining = 0.0
        self._reading = asyncio.timeout(min(remaining, _LOOKS_EVERY))
        try:
            async with self._reading:
                return await content.read(PIECE)
        except FAILURES as error:
            if self._loop.is_closed():  # as in `AsyncByteStream`
                raise
            if isinstance(error, TimeoutError) and self._reading.expired() and not self._freed:
                return content.read_nowait(PIECE)  # data that has come in time wins
            if self._freed:  # by another task
                raise translate(aiohttp.ClientConnectionError(), self._limit) from error
            raise translate(error, self._limit) from error
        finally:
            self._reading = None

    def free(self) -> None:
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(self._loop.time())
        super().free()
        abort(self._transport)  # aiohttp closes it, and of TLS would leave it to the loop
