"""
Answers made inside this process, behind the same interface as HTTP.

The sync half runs the provider in the caller's thread. The async half gives it a thread, which has
ended when the call ends: a cancelled call tells the provider, and waits until it has stopped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import ProviderError
from ..guard import guarded
from ..routing.legs import LocalRequest
from ..timing import TimeLimit
from ..types import ChatCompletion, ChatCompletionChunk


class _Cancellation:
    """True once the limit is reached or somebody has said so."""

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self.told = False

    def __call__(self) -> bool:
        return self.told or self._limit.expired()


class LocalSync:
    """Runs local providers in the caller's thread."""

    def send(self, outgoing: LocalRequest, limit: TimeLimit) -> ChatCompletion:
        """
        Return the provider's whole answer.

        Raises:
            ProviderError: it failed, or the limit was reached.
        """
        return _complete(outgoing, limit, _Cancellation(limit))

    def open(self, outgoing: LocalRequest, limit: TimeLimit) -> SyncChunkStream:
        return SyncChunkStream(outgoing, limit)


def _complete(outgoing: LocalRequest, limit: TimeLimit, cancelled: _Cancellation) -> ChatCompletion:
    limit.left()
    try:
        with guarded(outgoing.leg, "answering"):
            completion = outgoing.provider.complete(outgoing.request, cancelled=cancelled)
    except ProviderError:
        limit.left()  # however the provider stopped, the limit is what happened
        raise
    limit.left()
    return completion


class SyncChunkStream:
    """The provider's chunks, read like a body: b"" is the end."""

    status = None
    headers: Mapping[str, str] = {}

    def __init__(self, outgoing: LocalRequest, limit: TimeLimit) -> None:
        self._leg = outgoing.leg
        self._limit = limit
        self.cancelled = _Cancellation(limit)
        self._outgoing = outgoing
        self._chunks: Iterator[ChatCompletionChunk] | None = None

    def read(self) -> ChatCompletionChunk | bytes:
        self._limit.left()
        try:
            with guarded(self._leg, "answering"):
                if self._chunks is None:  # not before: the provider may work before it yields
                    provider, request = self._outgoing.provider, self._outgoing.request
                    self._chunks = iter(provider.stream(request, cancelled=self.cancelled))
                chunk: ChatCompletionChunk | bytes = next(self._chunks, b"")
        except ProviderError:
            self._limit.left()  # however the provider stopped, the limit is what happened
            raise
        if chunk == b"":
            self._limit.left()
        return chunk

    def finish(self) -> None:
        self.close()

    def close(self) -> None:
        self.cancelled.told = True
        if (close := getattr(self._chunks, "close", None)) is not None:
            with guarded(self._leg, "stopping"):
                close()


def _tell(loop: asyncio.AbstractEventLoop, listener: Callable[[Any], object], what: Any) -> None:
    try:
        loop.call_soon_threadsafe(listener, what)
    except RuntimeError:
        pass  # the loop has closed before its stream: nobody listens


class _Thread:
    """A thread whose end a task can await, whatever happens to the task meanwhile."""

    def __init__(self, work: Callable[[], Any], cancelled: _Cancellation) -> None:
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


class LocalAsync:
    """Runs each answer of a local provider in a thread of its own."""

    async def send(self, outgoing: LocalRequest, limit: TimeLimit) -> ChatCompletion:
        """As `LocalSync.send`, without blocking the loop."""
        cancelled = _Cancellation(limit)
        completion: ChatCompletion = await _Thread(lambda: _complete(outgoing, limit, cancelled), cancelled).result()
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
                        limit.content()  # here, as the consumer may be slow
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
