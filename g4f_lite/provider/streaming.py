"""What a provider's code does with the bytes of a stream: the parser, and the framing if it has one of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..types.chunks import ChatCompletionChunk
from ..types.http import ServerSentEvent

FRAMINGS = ("sse", "json_lines", "json_array")
"""The values of `Provider.stream_framing`."""


class StreamParser(Protocol):
    """
    Turns the events of one stream into chunks.

    A parser may have an attribute `done`. If it becomes True, as after OpenAI's `[DONE]`, the stream
    is complete and the rest of the body is not awaited.

    A parser may have a method `feed_all(events: Sequence[bytes]) -> Sequence[ChatCompletionChunk] | None`.
    It gets the data of several events that have no other fields. If it returns None, because one of
    them is not an ordinary chunk, `feed` gets them one by one.
    """

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        """
        Return the chunks of one event.

        Raises:
            ReplyError: the event reports that the service failed.
            MalformedResponseError: the event cannot be read; it ends the stream, for it may have held text.
        """

    def close(self) -> Iterable[ChatCompletionChunk]:
        """Return the chunks that remain when the body ends."""


class StreamFraming(Protocol):
    """
    Cuts the body of one stream into events. The host counts what it holds back, and ends an endless event.
    """

    def feed(self, piece: bytes) -> Iterable[ServerSentEvent]:
        """
        Return the events that a piece of the body completes. A piece is never empty, and may end anywhere.

        Raises:
            MalformedResponseError: the bytes cannot be read.
        """

    def close(self) -> Iterable[ServerSentEvent]:
        """Return the event that the end of the body left unfinished, if that means anything."""
