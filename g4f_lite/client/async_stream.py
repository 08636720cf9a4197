"""A streamed completion for `AsyncClient`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Self

from ..call.call import Call
from ..types.chat import ChatCompletionChunk, T
from .async_driver import AsyncDriver, AsyncOpenStream, read
from .base_stream import BaseStream


class AsyncStream(BaseStream[T]):
    """As `Stream`, with `async for` and `aclose`."""

    def __init__(self, driver: AsyncDriver, call: Call, opened: AsyncOpenStream) -> None:
        super().__init__(call, opened.attempt)
        self._opened = opened
        self._chunks = _chunks(driver, call, opened)

    def __aiter__(self) -> Self:
        return self  # so that `async for chunk in await create(stream=True)` keeps the stream referenced

    def __anext__(self) -> Awaitable[ChatCompletionChunk]:
        return self._chunks.__anext__()

    async def aclose(self) -> None:
        """Stop here and free the connection."""
        await self._chunks.aclose()  # type: ignore[attr-defined]  # it is an async generator
        await self._opened.source.close()  # if nothing has been read, the generator never began
        self._call.streaming.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _chunks(driver: AsyncDriver, call: Call, opened: AsyncOpenStream) -> AsyncIterator[ChatCompletionChunk]:
    """As in `stream.py`."""
    with call:
        while True:
            attempt, source, chunks = opened
            call.streaming = attempt
            try:
                for chunk in chunks:
                    yield chunk
                while not attempt.closed:
                    attempt.limit.resume()
                    chunks = attempt.feed(await read(source))
                    attempt.limit.pause()
                    for chunk in chunks:
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
            opened = await driver.open(call)
