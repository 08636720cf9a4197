"""
Write a streamed answer: keep-alive, interruptions, callers that leave or do not read.

Rule: nothing is sent before the first content, so that failures until then have their own status; but after some
seconds of silence, status 200 and comments go out, and a later failure is an event. `[DONE]` stands only at the end of
a complete answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from aiohttp import web

from ..client.async_stream import AsyncStream
from ..errors.exceptions import G4FLiteError
from ..openai.mapping.events import CONTENT_TYPE
from ..openai.mapping.trail_headers import header_text
from .dialects import ChunkEvents, Dialect

_AT_ONCE = 1 << 15
"""Bytes that a transport takes without a wait, if it holds none: half of what it holds at most."""


class StalledError(Exception):
    """The caller does not read what is sent."""


class EventWriter:
    """
    The events of one answer, in the dialect of its caller.

    Args:
        headers: of the answer, as far as they are known before the first content.
        keepalive: seconds of silence after which a comment is sent.
        stall: seconds for which the caller may read nothing.
        is_last: whether the connection is closed after this answer.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        headers: Mapping[str, str],
        dialect: Dialect,
        *,
        keepalive: float,
        stall: float,
        is_last: Callable[[], bool],
    ) -> None:
        self._request = request
        self.dialect = dialect
        self._stall = stall
        self._is_last = is_last
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self._wrote_at = self._loop.time()
        self._beat: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(keepalive, self._tick)
        self.response = web.StreamResponse(
            headers={**headers, "Content-Type": CONTENT_TYPE, "Cache-Control": "no-cache"}
        )

    @property
    def has_begun(self) -> bool:
        """Whether the status has been sent."""
        return self.response.prepared

    async def write(self, data: bytes) -> None:
        """
        Send data.

        Raises:
            StalledError: the caller has read nothing for too long.
            ConnectionError: the caller has left.
        """
        if self._beat is not None:
            await self._beat
        await self._write(data)

    async def _write(self, data: bytes, *, is_last: bool = False) -> None:
        response, transport = self.response, self._request.transport
        send = response.write_eof if is_last else response.write
        if self.has_begun and transport is not None and len(data) < _AT_ONCE and not transport.get_write_buffer_size():
            await send(data)  # without a wait: all that was sent before is on its way
            self._wrote_at = self._loop.time()
            return
        try:
            async with asyncio.timeout(self._stall):
                if not response.prepared:
                    if self._is_last():
                        response.force_close()
                    await response.prepare(self._request)
                await send(data)
        except TimeoutError:
            raise StalledError(f"the caller has read nothing for {self._stall:g} s") from None
        self._wrote_at = self._loop.time()

    async def end_with(self, data: bytes) -> None:
        """Send the last data, and the end. Raises as `write`."""
        if self._beat is not None:
            await self._beat
        await self._write(data, is_last=True)

    async def break_off(self, error: Exception, request_id: str) -> None:
        """Send an error as the last event, and close the connection. Raises as `write`."""
        self.response.force_close()
        await self.end_with(self.dialect.error_event(error, request_id))

    def _tick(self) -> None:
        silent = self._loop.time() - self._wrote_at
        if silent >= self._keepalive:
            self._beat = self._loop.create_task(self._beat_once())
            silent = 0.0
        self._timer = self._loop.call_later(self._keepalive - silent, self._tick)

    async def _beat_once(self) -> None:
        try:
            await self._write(self.dialect.keep_alive)
        except (StalledError, ConnectionError):
            self.abort()  # which cancels the request
        finally:
            self._beat = None

    def abort(self) -> None:
        """Close the connection at once: an end that nobody takes for the end of a complete answer."""
        if (transport := self._request.transport) is not None:
            transport.abort()

    def close(self) -> None:
        """Send no comments any more."""
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()


async def write_stream(
    writer: EventWriter, opening: Awaitable[AsyncStream[None]], events: ChunkEvents, request_id: str
) -> None:
    """
    Send what a stream yields, to its end.

    Args:
        opening: gives the stream once its first content has come.

    Raises:
        G4FLiteError: it has failed before anything was sent.
        StalledError, ConnectionError, asyncio.CancelledError: the caller has left; the stream is closed.
    """
    stream: AsyncStream[None] | None = None
    together: list[bytes] = []
    """What has come together, as far as it has not been sent."""
    try:
        stream = await opening
        if not writer.has_begun:
            attempts = len(stream.trail.attempts) + 1
            writer.response.headers.update(route_headers(stream.provider, stream.model, attempts))
        async for chunk in stream:
            if data := events.of_all([chunk, *stream.take_ready()]):
                together.append(data)
            if together and not stream.goes_on_at_once:
                await writer.write(b"".join(together))
                together.clear()
        await writer.end_with(b"".join((*together, events.end())))
    except G4FLiteError as error:
        if together:
            await writer.write(b"".join(together))
        if not writer.has_begun:
            raise
        await writer.break_off(error, request_id)
    finally:
        writer.close()
        if stream is not None:
            await stream.aclose()


def route_headers(provider: str, model: str, attempts: int) -> dict[str, str]:
    """Return `x-g4f-route`, who has answered, and `x-g4f-attempts`, how many were made."""
    return {"x-g4f-route": _route(provider, model), "x-g4f-attempts": str(attempts)}


@lru_cache(maxsize=1024)
def _route(provider: str, model: str) -> str:
    return header_text(f"{provider}:{model}".rstrip(":"))
