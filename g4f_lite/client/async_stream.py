"""A streamed completion for `AsyncClient`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from types import TracebackType
from typing import Self

from ..call.call import Call, StreamClosed
from ..errors.exceptions import ConfigurationError, ProviderError
from ..transport.async_body import AsyncByteStream
from ..transport.async_in_process import AsyncChunkStream
from ..types.chat import T
from ..types.chunks import ChatCompletionChunk
from .async_driver import AsyncDriver, AsyncOpenStream
from .base_stream import BaseStream, Reading


class AsyncStream(BaseStream[T]):
    """As `Stream`, with `async for` and `aclose`."""

    def __init__(self, driver: AsyncDriver, call: Call, opened: AsyncOpenStream) -> None:
        super().__init__(call, opened.attempt)
        self._reading: Reading[AsyncByteStream | AsyncChunkStream] = Reading(opened.source)
        self._chunks = _chunks(driver, call, opened, self._reading)

    def take_ready(self) -> list[ChatCompletionChunk]:
        """Return the chunks that are here already, because they came together; the iteration goes on after them."""
        return list(self._reading.chunks)

    @property
    def goes_on_at_once(self) -> bool:
        """Whether more of the stream has arrived already, so that the next step does not wait for the service."""
        return self._reading.source.has_rest

    def __aiter__(self) -> Self:
        return self  # so that `async for chunk in await create(stream=True)` keeps the stream referenced

    def __anext__(self) -> Awaitable[ChatCompletionChunk]:
        if self._chunks.ag_running:  # type: ignore[attr-defined]  # of what `_chunks` makes
            return self._refuse()
        return self._chunks.__anext__()

    async def _refuse(self) -> ChatCompletionChunk:
        """Say why it cannot be read: another task waits for a chunk, or for its end."""
        if self._reading.closed:
            raise StopAsyncIteration
        raise ConfigurationError("another task reads this stream: only one at a time can")

    async def aclose(self) -> None:
        """Stop here and free the connection. While another task reads, its iteration ends."""
        self._reading.closed = True
        try:
            await self._chunks.aclose()
        except RuntimeError:  # it is running
            self._call.closed = True
            if (opener := self._reading.opener) is not None:
                self._reading.opener = None
                opener.cancel()
            await self._reading.source.close()
            return
        await self._reading.source.close()  # if nothing has been read, the generator never began
        self._call.streaming.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _chunks(
    driver: AsyncDriver, call: Call, opened: AsyncOpenStream, reading: Reading[AsyncByteStream | AsyncChunkStream]
) -> AsyncGenerator[ChatCompletionChunk]:
    """As in `stream.py`."""
    with call:
        while True:
            attempt, source, chunks = opened
            call.streaming, reading.source = attempt, source
            try:
                if reading.closed:  # while this leg was opened
                    attempt.close()
                    return
                reading.chunks = iter(chunks)
                for chunk in reading.chunks:
                    yield chunk
                while not attempt.closed:
                    attempt.limit.resume()
                    piece: bytes | ChatCompletionChunk | ProviderError
                    try:  # as in `read`, which would be a coroutine for each piece
                        piece = await source.read()
                    except ProviderError as error:
                        piece = error
                    if reading.closed:
                        attempt.close()
                        return
                    chunks = attempt.feed(piece)
                    attempt.limit.pause()
                    reading.chunks = iter(chunks)
                    for chunk in reading.chunks:
                        yield chunk
                attempt.check()
                await source.finish()
                attempt.complete_stream()
                return
            except GeneratorExit:  # the stream was closed or abandoned: the stream ends the attempt and the call
                return
            except BaseException as error:
                if not attempt.hands_over(error):
                    raise
            finally:
                await source.close()
            if (taken_over := await _take_over(driver, call, reading)) is None:
                return
            opened = taken_over


async def _take_over(
    driver: AsyncDriver, call: Call, reading: Reading[AsyncByteStream | AsyncChunkStream]
) -> AsyncOpenStream | None:
    """Return the stream of the leg that takes over; None if the caller has closed the stream meanwhile."""
    opener = reading.opener = asyncio.current_task()
    before = opener.cancelling() if opener is not None else 0
    try:
        return await driver.open(call)
    except StreamClosed:
        return None
    except asyncio.CancelledError:
        if reading.opener is not None or opener is None or opener.uncancel() > before:
            raise
        return None  # nobody but `aclose` has cancelled the task
    finally:
        reading.opener = None
