"""The synchronous client: it drives calls over `transport.sync_http`. It decides nothing."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, Unpack

from ..call.call import Call, Step
from ..call.stream_reader import StreamReader
from ..errors.exceptions import ProviderError
from ..forks import preload_before_fork
from ..provider.leg import LocalRequest
from ..trail import Explanation
from ..transport.common import check_proxy, check_ssl_context
from ..transport.in_process import InProcessTransport, SyncChunkStream
from ..transport.sync_http import HTTPTransport, SyncByteStream
from ..types.chat import ChatCompletionChunk
from ..types.http import HTTPRequest
from .base import Core
from .params import CreateParams
from .resources.chat import Chat
from .settings import ClientSettings, check_settings
from .stream import StreamFace

if TYPE_CHECKING:
    from ..types.endpoint import OperationName
    from .resources.audio import Audio
    from .resources.embeddings import Embeddings
    from .resources.images import Images
    from .resources.models import Models

preload_before_fork("g4f_lite.failover.tenacity_loop", "g4f_lite.client.resources.base")

T = TypeVar("T")


class Client:
    """
    Sends chats to whichever provider answers. Shared by threads, survives a fork; close it or use `with`.

    Args:
        proxy: for all requests; else `HTTP(S)_PROXY` and `NO_PROXY` of the environment.
        ssl_context: for all connections; else the system's and certifi's authorities.
        settings: see docs/clients.md; all times are seconds.

    Raises:
        ConfigurationError: a setting that cannot work.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        check_settings(type(self).__name__, settings, "proxy", "ssl_context")
        self._core = Core(**settings)
        self._http = HTTPTransport(proxy=check_proxy(proxy), ssl_context=check_ssl_context(ssl_context))
        self._local = InProcessTransport()
        self.chat = Chat(self)

    @property
    def embeddings(self) -> Embeddings:
        from .resources.embeddings import Embeddings

        return Embeddings(self)

    @property
    def audio(self) -> Audio:
        from .resources.audio import Audio

        return Audio(self)

    @property
    def images(self) -> Images:
        from .resources.images import Images

        return Images(self)

    @property
    def models(self) -> Models:
        from .resources.models import Models

        return Models(self)

    def explain(self, *, operation: OperationName = "chat", **params: Unpack[CreateParams]) -> Explanation:
        """
        Return the plan of a call with these arguments; nothing is sent.

        Args:
            operation: what the call asks for, if it is no chat; then only arguments about routing are taken.
        """
        return self._core.explain(params, operation)

    def close(self) -> None:
        """Close all connections."""
        self._core.settle()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- driving ---------------------------------------------------------------------------

    def _run(self, call: Call, attempt: Callable[[Call], T]) -> T:
        try:
            try:
                return attempt(call)
            except ProviderError as error:
                if call.plan.finished:
                    raise
                return self._retry(call, attempt, error)
        except BaseException as error:
            final = call.failed(error)
            if final is error:
                raise
            raise final from None

    def _retry(self, call: Call, attempt: Callable[[Call], T], error: ProviderError) -> T:
        from ..failover.tenacity_loop import Retries

        retries = Retries(call.plan)
        while True:
            if wait := retries.wait_after(error):  # to sleep for no time costs more than an attempt
                time.sleep(wait)
            try:
                return attempt(call)
            except ProviderError as failure:
                error = failure

    def _complete(self, call: Call) -> Any:
        with call.attempt() as step:
            outgoing = self._outgoing(step)
            if isinstance(outgoing, LocalRequest):
                return step.answer(self._local.send(outgoing, step.limit))
            return step.answer(self._http.send(outgoing, step.limit))

    def _answer(self, call: Call) -> Any:
        return call.sign(self._run(call, self._complete))

    def _outgoing(self, step: Step) -> HTTPRequest | LocalRequest:
        if step.lookup is not None:
            step.looked_up(self._http.send(step.lookup, step.limit))
        return step.outgoing

    def _open(self, call: Call) -> Opened:
        with call.attempt() as step:
            outgoing = self._outgoing(step)
            source: SyncByteStream | SyncChunkStream
            if isinstance(outgoing, LocalRequest):
                source = self._local.open(outgoing, step.limit)
            else:
                source = self._http.open(outgoing, step.limit)
            try:
                reader = step.read(source.status, source.headers)
                chunks: list[ChatCompletionChunk] = []
                while not (reader.has_content or reader.closed):
                    chunks += _pull(source, reader)
                if not reader.has_content:
                    reader.check()
            except BaseException:
                source.close()
                raise
            return Opened(step, source, reader, step.spoke(chunks))


def _pull(source: SyncByteStream | SyncChunkStream, reader: StreamReader) -> list[ChatCompletionChunk]:
    try:
        return reader.feed(source.read())
    except ProviderError as error:
        return reader.feed(error)


def _iterate(client: Client, call: Call, opened: Opened) -> Iterator[ChatCompletionChunk]:
    """Yield the chunks and record how it ended. It does not know the stream, which is so freed at once when dropped."""
    while True:
        step, source, reader, chunks = opened
        call.speaker = step
        try:
            yield from chunks
            while not reader.closed:
                step.limit.resume()
                chunks = _pull(source, reader)
                step.limit.pause()
                yield from chunks
            reader.check()
            source.finish()
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
            source.close()
        opened = client._run(call, client._open)


class Opened(NamedTuple):
    """A stream whose first content has come."""

    step: Step
    source: SyncByteStream | SyncChunkStream
    reader: StreamReader
    chunks: list[ChatCompletionChunk]


class Stream(StreamFace):
    """
    The chunks of one answer, as they come. Iterate over it once; close it to stop early.

    Raises (from iteration):
        StreamInterruptedError: the answer was cut after it had begun.
    """

    def __init__(self, client: Client, call: Call, opened: Opened) -> None:
        super().__init__(call, opened.step)
        self._opened = opened
        self._chunks = _iterate(client, call, opened)

    def __iter__(self) -> Self:
        return self  # not the generator: who iterates over an unnamed stream must keep it alive

    def __next__(self) -> ChatCompletionChunk:
        return next(self._chunks)

    def close(self) -> None:
        """Stop here and free the connection."""
        self._chunks.close()  # type: ignore[attr-defined]  # it is a generator
        self._opened.source.close()  # if nothing has been read, the generator never began
        self._call.speaker.closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
