"""A streamed completion for `Client`."""

from __future__ import annotations

import threading
from collections.abc import Generator
from types import TracebackType
from typing import Self

from ..call.call import Call, StreamClosed
from ..errors.exceptions import ConfigurationError
from ..forks import reset_in_child
from ..transport.in_process import SyncChunkStream
from ..transport.sync_http import SyncByteStream
from ..types.chat import T
from ..types.chunks import ChatCompletionChunk
from .base_stream import BaseStream, Reading
from .driver import Driver, OpenStream, read


class Stream(BaseStream[T]):
    """
    The chunks of one completion, as they arrive. Iterate over it once; close it to stop early.

    Raises (from iteration):
        StreamInterruptedError: the stream broke after content had been handed out.
    """

    def __init__(self, driver: Driver, call: Call, opened: OpenStream) -> None:
        super().__init__(call, opened.attempt)
        self._reading: Reading[SyncByteStream | SyncChunkStream] = Reading(opened.source)
        self._chunks = _chunks(driver, call, opened, self._reading)
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        self._ending = threading.RLock()
        """Held while the attempt and the call are ended: two threads may close the stream at once."""

    def __iter__(self) -> Self:
        return self  # so that `for chunk in create(stream=True)` keeps the stream referenced

    def __next__(self) -> ChatCompletionChunk:
        try:
            return next(self._chunks)
        except ValueError:
            if self._reading.closed:  # another thread is closing it
                raise StopIteration from None
            if self._chunks.gi_running:  # type: ignore[attr-defined]  # of what `_chunks` makes
                raise ConfigurationError("another thread reads this stream: only one at a time can") from None
            raise

    def close(self) -> None:
        """Stop here and free the connection. While another thread reads, its iteration ends."""
        self._reading.closed = True
        try:
            self._chunks.close()
        except ValueError:  # it is running
            self._call.interrupt()
            self._reading.source.interrupt()
            return
        self._reading.source.close()  # if nothing has been read, the generator never began
        with self._ending:
            self._call.streaming.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _chunks(
    driver: Driver, call: Call, opened: OpenStream, reading: Reading[SyncByteStream | SyncChunkStream]
) -> Generator[ChatCompletionChunk]:
    """
    Yield the chunks; when a leg is interrupted and another takes over, those of that leg.

    It holds no reference to the stream, so an abandoned stream is freed at once.
    """
    with call:
        while True:
            attempt, source, chunks = opened
            call.streaming, reading.source = attempt, source
            try:
                if reading.closed:  # while this leg was opened
                    attempt.close()
                    return
                yield from chunks
                while not attempt.closed:
                    attempt.limit.resume()
                    piece = read(source)
                    if reading.closed:  # then the piece may be the failure that this has caused
                        attempt.close()
                        return
                    chunks = attempt.feed(piece)
                    attempt.limit.pause()
                    yield from chunks
                attempt.check()
                source.finish()
                attempt.complete_stream()
                return
            except GeneratorExit:  # the stream was closed or abandoned: the stream ends the attempt and the call
                return
            except BaseException as error:
                if not attempt.hands_over(error):
                    raise
            finally:
                source.close()
            try:
                opened = driver.open(call)
            except StreamClosed:
                return
