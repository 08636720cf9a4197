"""
Drive calls over the transports of `Client`. `async_driver.py` is the same with `await`.

It does the I/O in the order that the attempt asks for, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..call.attempt import ActiveAttempt
from ..call.call import Call
from ..call.stream_attempt import StreamAttempt
from ..errors.exceptions import ProviderError
from ..forks import preload_before_fork
from ..health.stores.local_link import Link
from ..provider.leg import InProcessRequest
from ..transport.in_process import InProcessTransport, SyncChunkStream
from ..transport.sync_http import HTTPTransport, SyncByteStream
from ..types.chunks import ChatCompletionChunk
from ..types.http import HTTPRequest

preload_before_fork("g4f_lite.failover.tenacity_loop")

T = TypeVar("T")


class OpenStream(NamedTuple):
    """A stream whose first content has come."""

    attempt: StreamAttempt
    source: SyncByteStream | SyncChunkStream
    chunks: list[ChatCompletionChunk]


class Driver:
    """
    The transports of one client.

    Args:
        link: to the shared state; None if the client has none.
    """

    def __init__(self, http: HTTPTransport, link: Link | None = None) -> None:
        self.http = http
        self._link = link
        self._in_process = InProcessTransport()

    def run(self, call: Call, attempt: Callable[[Call], T]) -> T:
        """
        Make attempts until one succeeds.

        Raises:
            ProviderError, RoutesExhaustedError: none did.
        """
        with call:
            try:
                return attempt(call)
            except ProviderError as error:
                if call.plan.finished:
                    raise
                from ..failover.tenacity_loop import resume

                return resume(call.plan, error, partial(attempt, call), call.waiting if call.observed else None)

    def answer(self, call: Call) -> Any:
        """Return the result of a call, with its trail; raises as `run`."""
        with call:  # in `run` again: if a signal interrupts that end of the call, this one goes on with it
            return call.complete(self.run(call, self._complete))

    def open(self, call: Call) -> OpenStream:
        """
        Return the stream of a call once its first content has come; raises as `run`.

        To be used inside `with call:`, which lasts until somebody holds the stream.
        """
        return self.run(call, self._open)

    def _complete(self, call: Call) -> Any:
        with ActiveAttempt(call) as attempt:
            outgoing = self._outgoing(attempt)
            if isinstance(outgoing, InProcessRequest):
                return attempt.complete(self._in_process.send(outgoing, attempt.limit))
            return attempt.complete(self.http.send(outgoing, attempt.limit))

    def _open(self, call: Call) -> OpenStream:
        with StreamAttempt(call) as attempt:
            outgoing = self._outgoing(attempt)
            source: SyncByteStream | SyncChunkStream
            if isinstance(outgoing, InProcessRequest):
                source = self._in_process.open(outgoing, attempt.limit)
            else:
                source = self.http.open(outgoing, attempt.limit)
            try:
                attempt.open(source.status, source.headers)
                while attempt.awaits_content:
                    attempt.feed_early(read(source))
                return OpenStream(attempt, source, attempt.begin())
            except BaseException:
                source.close()
                raise

    def _outgoing(self, attempt: ActiveAttempt) -> HTTPRequest | InProcessRequest:
        if attempt.holding is not None:
            assert self._link is not None
            attempt.answered_by_state(self._link.ask(attempt.holding.commands, attempt.limit.left()))
        if attempt.key_wanted is not None:
            key = attempt.key_wanted.get()
            attempt.limit.remaining()  # raises if the function took too long
            attempt.got_key(key)
            del key  # tracebacks may be shown with local variables
        if attempt.lookup is not None:
            attempt.looked_up(self.http.send(attempt.lookup, attempt.limit))
        assert attempt.outgoing is not None
        return attempt.outgoing


def read(source: SyncByteStream | SyncChunkStream) -> bytes | ChatCompletionChunk | ProviderError:
    """Return the next piece of a stream, b"" at its end, or the error that reading it raised."""
    try:
        return source.read()
    except ProviderError as error:
        return error
