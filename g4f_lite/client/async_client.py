"""The asynchronous client: `client.py` with `await`, over `transport.async_http`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, Unpack

from ..call.call import Call, Step
from ..call.stream_reader import StreamReader
from ..errors.exceptions import ProviderError
from ..failover.hedging import OUTRUN, hedged
from ..forks import preload_before_fork
from ..provider.leg import LocalRequest
from ..trail import Explanation
from ..transport.async_body import AsyncByteStream
from ..transport.async_http import AsyncHTTPTransport
from ..transport.async_in_process import AsyncChunkStream, AsyncInProcessTransport
from ..transport.common import check_proxy, check_ssl_context
from ..types.chat import ChatCompletionChunk
from ..types.checks import seconds
from ..types.http import HTTPRequest
from .base import Core
from .params import CreateParams
from .resources.chat import AsyncChat
from .settings import ClientSettings, check_settings
from .stream import StreamFace

if TYPE_CHECKING:
    from ..types.endpoint import OperationName
    from .resources.audio import AsyncAudio
    from .resources.embeddings import AsyncEmbeddings
    from .resources.images import AsyncImages
    from .resources.models import AsyncModels

preload_before_fork("g4f_lite.failover.tenacity_loop", "g4f_lite.client.resources.async_base")

T = TypeVar("T")


class AsyncClient:
    """
    `Client` for asyncio: the same arguments, answers and errors.

    One client may serve several event loops, one after another or at once: it keeps a session
    for each, which is closed with its loop.

    Args:
        hedge_after: when the first leg has no content after so many seconds, the next one starts
            beside it; the first to speak wins, the other is broken off. Both may be billed.
        proxy, ssl_context, settings: as of `Client`.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        hedge_after: float | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        check_settings(type(self).__name__, settings, "proxy", "ssl_context", "hedge_after")
        self._core = Core(**settings)
        self._hedge_after = None if hedge_after is None else seconds("hedge_after", hedge_after)
        self._http = AsyncHTTPTransport(proxy=check_proxy(proxy), ssl_context=check_ssl_context(ssl_context))
        self._local = AsyncInProcessTransport()
        self.chat = AsyncChat(self)

    @property
    def embeddings(self) -> AsyncEmbeddings:
        from .resources.embeddings import AsyncEmbeddings

        return AsyncEmbeddings(self)

    @property
    def audio(self) -> AsyncAudio:
        from .resources.audio import AsyncAudio

        return AsyncAudio(self)

    @property
    def images(self) -> AsyncImages:
        from .resources.images import AsyncImages

        return AsyncImages(self)

    @property
    def models(self) -> AsyncModels:
        from .resources.models import AsyncModels

        return AsyncModels(self)

    def explain(self, *, operation: OperationName = "chat", **params: Unpack[CreateParams]) -> Explanation:
        """As `Client`'s."""
        return self._core.explain(params, operation)

    async def aclose(self) -> None:
        """Close all connections."""
        self._core.settle()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    # -- driving ---------------------------------------------------------------------------

    async def _run(self, call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
        if self._hedge_after is not None:
            attempt = partial(hedged, attempt=attempt, after=self._hedge_after, discard=_discard)
        try:
            try:
                return await attempt(call)
            except ProviderError as error:
                if call.plan.finished:
                    raise
                return await self._retry(call, attempt, error)
        except BaseException as error:
            final = call.failed(error)
            if final is error:
                raise
            raise final from None

    async def _retry(self, call: Call, attempt: Callable[[Call], Awaitable[T]], error: ProviderError) -> T:
        from ..failover.tenacity_loop import Retries

        retries = Retries(call.plan)
        while True:
            await asyncio.sleep(retries.wait_after(error))
            try:
                return await attempt(call)
            except ProviderError as failure:
                error = failure

    async def _complete(self, call: Call) -> Any:
        with call.attempt() as step:
            outgoing = await self._outgoing(step)
            if isinstance(outgoing, LocalRequest):
                return step.answer(await self._local.send(outgoing, step.limit))
            return step.answer(await self._http.send(outgoing, step.limit))

    async def _answer(self, call: Call) -> Any:
        return call.sign(await self._run(call, self._complete))

    async def _outgoing(self, step: Step) -> HTTPRequest | LocalRequest:
        if step.lookup is not None:
            step.looked_up(await self._http.send(step.lookup, step.limit))
        return step.outgoing

    async def _open(self, call: Call) -> Opened:
        with call.attempt() as step:
            outgoing = await self._outgoing(step)
            source: AsyncByteStream | AsyncChunkStream
            if isinstance(outgoing, LocalRequest):
                source = await self._local.open(outgoing, step.limit)
            else:
                source = await self._http.open(outgoing, step.limit)
            try:
                reader = step.read(source.status, source.headers)
                chunks: list[ChatCompletionChunk] = []
                while not (reader.has_content or reader.closed):
                    chunks += await _pull(source, reader)
                if not reader.has_content:
                    reader.check()
            except BaseException:
                await source.close()
                raise
            return Opened(step, source, reader, step.spoke(chunks))


async def _discard(answer: object) -> None:
    """Free an answer that came in second."""
    if isinstance(answer, Opened):
        answer.step.end(asyncio.CancelledError(OUTRUN))
        await answer.source.close()


async def _pull(source: AsyncByteStream | AsyncChunkStream, reader: StreamReader) -> list[ChatCompletionChunk]:
    try:
        return reader.feed(await source.read())
    except ProviderError as error:
        return reader.feed(error)


async def _iterate(client: AsyncClient, call: Call, opened: Opened) -> AsyncIterator[ChatCompletionChunk]:
    """Yield the chunks and record how it ended. It does not know the stream, which is so freed at once when dropped."""
    while True:
        step, source, reader, chunks = opened
        call.speaker = step
        try:
            for chunk in chunks:
                yield chunk
            while not reader.closed:
                step.limit.resume()
                chunks = await _pull(source, reader)
                step.limit.pause()
                for chunk in chunks:
                    yield chunk
            reader.check()
            await source.finish()
            step.complete()
            return
        except GeneratorExit:  # closed or dropped: the stream sees to the attempt
            raise
        except BaseException as error:
            if not step.may_take_over(error):
                final = call.failed(error)
                if final is error:
                    raise
                raise final from None
        finally:
            await source.close()
        opened = await client._run(call, client._open)


class Opened(NamedTuple):
    """A stream whose first content has come."""

    step: Step
    source: AsyncByteStream | AsyncChunkStream
    reader: StreamReader
    chunks: list[ChatCompletionChunk]


class AsyncStream(StreamFace):
    """As `Stream`, with `async for` and `aclose`."""

    def __init__(self, client: AsyncClient, call: Call, opened: Opened) -> None:
        super().__init__(call, opened.step)
        self._opened = opened
        self._chunks = _iterate(client, call, opened)

    def __aiter__(self) -> Self:
        return self  # not the generator: who iterates over an unnamed stream must keep it alive

    def __anext__(self) -> Awaitable[ChatCompletionChunk]:
        return self._chunks.__anext__()

    async def aclose(self) -> None:
        """Stop here and free the connection."""
        await self._chunks.aclose()  # type: ignore[attr-defined]  # it is an async generator
        await self._opened.source.close()  # if nothing has been read, the generator never began
        self._call.speaker.closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
