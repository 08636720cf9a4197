"""
Answers of in-process providers, for asyncio: each in a thread of its own.

The thread ends before the call does: a cancelled call asks the provider to stop, and waits until it has.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from copy import copy
from typing import Any

from ..errors.exceptions import ConnectionFailedError, ServerError
from ..provider.leg import InProcessRequest
from ..types.chat import ChatCompletion
from ..types.chunks import ChatCompletionChunk
from ..types.time_limit import TimeLimit
from .common import ELSEWHERE
from .in_process import Cancellation, SyncChunkStream, complete_here

_END = object()
_MOST_AHEAD = 1000
"""Chunks that are made before the caller takes them: a slow caller holds up no model but in long answers."""
_LOOK_AGAIN_S = 0.01


def _call_in_loop(loop: asyncio.AbstractEventLoop, callback: Callable[[Any], object], argument: Any) -> None:
    try:
        loop.call_soon_threadsafe(callback, argument)
    except RuntimeError:
        pass  # the loop was closed before its stream: nobody is waiting


class _Thread:
    """A thread whose end a task can await, even if the task is cancelled meanwhile."""

    def __init__(self, work: Callable[[], Any], cancelled: Cancellation) -> None:
        self._cancelled = cancelled
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        try:
            threading.Thread(target=copy_context().run, args=(self._run,), name="g4f_lite-local", daemon=True).start()
        except RuntimeError as error:  # the system or its user has too many
            raise ServerError(f"nothing can answer in this process: {error}") from None

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # raised again in the task that awaits
            self._error = error
        _call_in_loop(self._loop, self._ended.set_result, None)

    def is_elsewhere(self) -> bool:
        """Whether another loop runs than the one in which its end can be awaited."""
        return asyncio.get_running_loop() is not self._loop

    async def result(self) -> Any:
        """Return the work's result; if cancelled, stop the work first."""
        try:
            await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self._error is not None:
            raise self._error
        return self._result

    async def stop(self) -> None:
        """Ask the work to stop, and return when it has; in another loop, at once."""
        self._cancelled.requested = True
        if self.is_elsewhere():
            return
        cancelled: asyncio.CancelledError | None = None
        while not self._ended.done():
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


class AsyncInProcessTransport:
    """Runs each answer of an in-process provider in a thread of its own."""

    async def send(self, outgoing: InProcessRequest, limit: TimeLimit) -> ChatCompletion:
        """As `InProcessTransport.send`, without blocking the loop."""
        cancelled = Cancellation(limit)
        completion: ChatCompletion = await _Thread(
            lambda: complete_here(outgoing, limit, cancelled), cancelled
        ).result()
        return completion

    async def open(self, outgoing: InProcessRequest, limit: TimeLimit) -> AsyncChunkStream:
        return AsyncChunkStream(outgoing, limit)


class _Chunks(asyncio.Queue[Any]):
    """The chunks that have been made and not been taken."""

    taken = 0


class AsyncChunkStream:
    """As `SyncChunkStream`; one thread produces the chunks, and waits for a caller who takes them slowly."""

    status = None
    headers: Mapping[str, str] = {}
    has_rest = False

    def __init__(self, outgoing: InProcessRequest, limit: TimeLimit) -> None:
        limit = copy(limit)  # the thread's own: two threads would overwrite what the other has set
        inner = SyncChunkStream(outgoing, limit)
        loop = asyncio.get_running_loop()
        chunks = self._chunks = _Chunks()

        def produce() -> None:  # without `self`: what nobody reads any more is to be collected
            made = 0
            try:
                while not inner.cancelled.requested and isinstance(chunk := inner.read(), ChatCompletionChunk):
                    if chunk.has_content():
                        limit.on_content()  # here, because the consumer may be slow
                    _call_in_loop(loop, chunks.put_nowait, chunk)
                    made += 1
                    if made - chunks.taken > _MOST_AHEAD:
                        limit.pause()
                        while made - chunks.taken > _MOST_AHEAD // 2:  # no lock: a finalizer may end it
                            if inner.cancelled.requested or loop.is_closed():
                                return
                            time.sleep(_LOOK_AGAIN_S)
                        limit.resume()
            finally:
                inner.close()
                _call_in_loop(loop, chunks.put_nowait, _END)

        self._thread = _Thread(produce, inner.cancelled)
        self._cancelled = inner.cancelled

    def __del__(self) -> None:
        if (cancelled := getattr(self, "_cancelled", None)) is not None:
            cancelled.requested = True

    async def read(self) -> ChatCompletionChunk | bytes:
        if self._thread.is_elsewhere():
            raise ConnectionFailedError(ELSEWHERE, kind="reset")
        chunk: ChatCompletionChunk | bytes = await self._chunks.get()
        self._chunks.taken += 1
        if chunk is _END:
            await self._thread.result()  # raises what the provider raised
            return b""
        return chunk

    async def finish(self) -> None:
        await self.close()

    async def close(self) -> None:
        await self._thread.stop()
