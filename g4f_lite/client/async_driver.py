"""Drive calls over the transports of `AsyncClient`: `driver.py` with `await`, and hedging."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..call.attempt import ActiveAttempt
from ..call.call import Call
from ..call.stream_attempt import StreamAttempt
from ..errors.exceptions import ProviderError
from ..failover.hedging import race
from ..forks import preload_before_fork
from ..health.stores.local_link import Link
from ..provider.leg import InProcessRequest
from ..transport.async_body import AsyncByteStream
from ..transport.async_http import AsyncHTTPTransport
from ..transport.async_in_process import AsyncChunkStream, AsyncInProcessTransport
from ..transport.async_keys import get_key
from ..types.chunks import ChatCompletionChunk
from ..types.http import HTTPRequest

preload_before_fork("g4f_lite.failover.tenacity_loop")

T = TypeVar("T")


class AsyncOpenStream(NamedTuple):
    """A stream whose first content has come."""

    attempt: StreamAttempt
    source: AsyncByteStream | AsyncChunkStream
    chunks: list[ChatCompletionChunk]


class AsyncDriver:
    """
    The transports of one client.

    Args:
        hedge_after: seconds after which the next leg starts beside a leg that has no content; None for never.
        link: as for `Driver`.
    """

    def __init__(self, http: AsyncHTTPTransport, hedge_after: float | None, link: Link | None = None) -> None:
        self.http = http
        self._link = link
        self._in_process = AsyncInProcessTransport()
        self._hedge_after = hedge_after

    async def run(self, call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
        """As `Driver.run`."""
        if self._hedge_after is not None:
            attempt = partial(_hedged, attempt=attempt, after=self._hedge_after)
        with call:
            try:
                return await attempt(call)
            except ProviderError as error:
                if call.plan.finished:
                    raise
                from ..failover.tenacity_loop import resume_async

                waiting = call.waiting if call.observed else None
                return await resume_async(call.plan, error, partial(attempt, call), waiting)

    async def answer(self, call: Call) -> Any:
        """As `Driver.answer`."""
        with call:
            return call.complete(await self.run(call, self._complete))

    async def open(self, call: Call) -> AsyncOpenStream:
        """As `Driver.open`."""
        return await self.run(call, self._open)

    async def _complete(self, call: Call) -> Any:
        with ActiveAttempt(call) as attempt:
            outgoing = await self._outgoing(attempt)
            if isinstance(outgoing, InProcessRequest):
                return attempt.complete(await self._in_process.send(outgoing, attempt.limit))
            return attempt.complete(await self.http.send(outgoing, attempt.limit))

    async def _open(self, call: Call) -> AsyncOpenStream:
        with StreamAttempt(call) as attempt:
            outgoing = await self._outgoing(attempt)
            source: AsyncByteStream | AsyncChunkStream
            if isinstance(outgoing, InProcessRequest):
                source = await self._in_process.open(outgoing, attempt.limit)
            else:
                source = await self.http.open(outgoing, attempt.limit)
            try:
                attempt.open(source.status, source.headers)
                while attempt.awaits_content:
                    attempt.feed_early(await read(source))
                return AsyncOpenStream(attempt, source, attempt.begin())
            except BaseException:
                await source.close()
                raise

    async def _outgoing(self, attempt: ActiveAttempt) -> HTTPRequest | InProcessRequest:
        if attempt.holding is not None:
            assert self._link is not None
            answers = await self._link.ask_async(attempt.holding.commands, attempt.limit.left())
            attempt.answered_by_state(answers)
        if attempt.key_wanted is not None:
            attempt.got_key(await get_key(attempt.key_wanted, attempt.limit))
        if attempt.lookup is not None:
            attempt.looked_up(await self.http.send(attempt.lookup, attempt.limit))
        assert attempt.outgoing is not None
        return attempt.outgoing


async def read(source: AsyncByteStream | AsyncChunkStream) -> bytes | ChatCompletionChunk | ProviderError:
    """As in `driver.py`."""
    try:
        return await source.read()
    except ProviderError as error:
        return error


async def _hedged(call: Call, attempt: Callable[[Call], Awaitable[T]], after: float) -> T:
    return await race(call.plan, partial(attempt, call), after, _discard)


async def _discard(answer: object) -> None:
    """Free an answer that is not returned."""
    if isinstance(answer, AsyncOpenStream):
        answer.attempt.end(asyncio.CancelledError())
        await answer.source.close()
