"""
Answers made inside this process, for asyncio: each in a thread of its own.

The thread has ended when the call ends: a cancelled call tells the provider, and waits until it has stopped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..provider.leg import LocalRequest
from ..types.chat import ChatCompletion, ChatCompletionChunk
from ..types.time_limit import TimeLimit
from .in_process import Cancellation, SyncChunkStream, complete_here


def _tell(loop: asyncio.AbstractEventLoop, listener: Callable[[Any], object], what: Any) -> None:
    try:
        loop.call_soon_threadsafe(listener, what)
    except RuntimeError:
        pass  # the loop has closed before its stream: nobody listens


class _Thread:
    """A thread whose end a task can await, whatever happens to the task meanwhile."""

    def __init__(self, work: Callable[[], Any], cancelled: Cancellation) -> None:
        self._cancelled = cancelled
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="g4f_lite-local", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # raised again in the task that awaits
            self._error = error
        _tell(self._loop, self._ended.set_result, None)

    async def result(self) -> Any:
        """Return the work's result; when cancelled, stop the work first."""
        try:
            await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self._error is not None:
            raise self._error
        return self._result

    async def stop(self) -> None:
        """Tell the work to stop, and return when it has."""
        self._cancelled.told = True
        cancelled: asyncio.CancelledError | None = None
        while not self._ended.done():
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


class AsyncInProcessTransport:
    """Runs each answer of a local provider in a thread of its own."""

    async def send(self, outgoing: LocalRequest, limit: TimeLimit) -> ChatCompletion:
        """As `InProcessTransport.send`, without blocking the loop."""
        cancelled = Cancellation(limit)
        completion: ChatCompletion = await _Thread(
            lambda: complete_here(outgoing, limit, cancelled), cancelled
        ).result()
        return completion

    async def open(self, outgoing: LocalRequest, limit: TimeLimit) -> AsyncChunkStream:
        return AsyncChunkStream(outgoing, limit)


class AsyncChunkStream:
    """As `SyncChunkStream`; one thread makes the chunks, as fast as it can."""

    status = None
    headers: Mapping[str, str] = {}

    def __init__(self, outgoing: LocalRequest, limit: TimeLimit) -> None:
        inner = SyncChunkStream(outgoing, limit)
        loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[ChatCompletionChunk | bytes] = asyncio.Queue()

        def produce() -> None:
            chunk: ChatCompletionChunk | bytes = b"-"
            try:
                while chunk != b"":
                    chunk = inner.read()
                    if isinstance(chunk, ChatCompletionChunk) and chunk.has_content():
                        limit.on_content()  # here, as the consumer may be slow
                    if chunk != b"":
                        _tell(loop, self._chunks.put_nowait, chunk)
            finally:
                inner.close()
                _tell(loop, self._chunks.put_nowait, b"")

        self._thread = _Thread(produce, inner.cancelled)
        self._cancelled = inner.cancelled

    def __del__(self) -> None:
        if (cancelled := getattr(self, "_cancelled", None)) is not None:
            cancelled.told = True

    async def read(self) -> ChatCompletionChunk | bytes:
        chunk = await self._chunks.get()
        if chunk == b"":
            await self._thread.result()  # raises what the provider raised
        return chunk

    async def finish(self) -> None:
        await self.close()

    async def close(self) -> None:
        await self._thread.stop()
