"""A stream in OpenAI's protocol: its events into chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ...errors.exceptions import MalformedResponseError, ReplyError
from ...errors.reply import ErrorReply
from ...types.chat import ChatCompletionChunk
from ...types.http import ServerSentEvent
from ...types.size_limits import decode_bounded
from .lenient import _NOT_JSON, _decode, error_in, loose_chunk

_chunk_decoder = msgspec.json.Decoder(ChatCompletionChunk)


class OpenaiStreamParser:
    """
    Chunks are decoded straight into their public type.

    Empty-choices chunks (usage, filter results) pass through; after `[DONE]` nothing is awaited.
    """

    def __init__(self) -> None:
        self.done = False

    def feed_all(self, events: Sequence[bytes]) -> list[ChatCompletionChunk] | None:
        """As `feed`, for the data of many events at once; None if one of them needs a closer look."""
        if b'"error"' in b"\n".join(events):
            return None
        done = events[-1] == b"[DONE]"
        decode = _chunk_decoder.decode
        try:
            chunks = [decode(data) for data in (events[:-1] if done else events)]
        except _NOT_JSON:
            return None
        self.done = done
        return chunks

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        data = event.data
        if data == b"[DONE]":
            self.done = True
            return ()
        if event.event == "error" or b'"error"' in data:
            error = data if event.event == "error" else error_in(_decode(data))
            if error is not None:
                raise ReplyError(ErrorReply(status=200, body=error, in_stream=True))
        try:
            try:
                return (_chunk_decoder.decode(data),)
            except msgspec.ValidationError:
                return (loose_chunk(decode_bounded(data)),)
        except _NOT_JSON:
            raise MalformedResponseError(f"an event is not JSON: {data[:40]!r}") from None

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()
