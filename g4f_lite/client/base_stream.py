"""What `Stream` and `AsyncStream` share: everything but the iteration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..call.call import Call
from ..call.stream_attempt import StreamAttempt
from ..errors.other_names import Explained
from ..records.trail import Trail
from ..types.chat import ChatCompletion, T
from ..types.chunks import ChatCompletionChunk
from ..value import Unpicklable

if TYPE_CHECKING:
    import asyncio

Source = TypeVar("Source")


class Reading(Generic[Source]):
    """What a stream shares with the generator of its chunks, which must not refer to the stream."""

    __slots__ = ("chunks", "closed", "opener", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        """What the chunks come from now: another leg may take over."""
        self.chunks: Iterator[ChatCompletionChunk] = iter(())
        """Those that have come together, as far as they have not been read."""
        self.opener: asyncio.Task[Any] | None = None
        """The task that waits for another leg to take over."""
        self.closed = False
        """The stream was closed while another thread or task was reading."""


class BaseStream(Explained, Unpicklable, Generic[T]):
    """Base of `Stream` and `AsyncStream`; `T` is the type of `completion.parsed`."""

    def __init__(self, call: Call, attempt: StreamAttempt) -> None:
        call.streaming = attempt
        self._call = call
        self._completion: ChatCompletion[T] | None = None

    @property
    def provider(self) -> str:
        """The provider of the latest content."""
        return self._call.streaming.leg.provider.name

    @property
    def model(self) -> str:
        """The model of the latest content."""
        model: str = self._call.streaming.request.model
        return model

    @property
    def completion(self) -> ChatCompletion[T]:
        """
        The completion, once the stream has ended.

        Raises:
            RuntimeError: the stream has not ended, or was interrupted.
        """
        if self._completion is None:
            if self._call.completion is None:
                raise RuntimeError("the stream has not been read to its end; .completion is there after it")
            self._completion = self._call.completion()
        return self._completion

    @property
    def trail(self) -> Trail:
        """The trail of the call so far; once it has ended, with its outcome."""
        return self._call.trail or self._call.plan.trail()

    def __del__(self) -> None:
        if (call := getattr(self, "_call", None)) is not None:
            call.abandon()
