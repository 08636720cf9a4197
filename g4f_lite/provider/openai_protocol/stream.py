"""Parses the events of a stream in OpenAI's protocol into chunks. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from ...errors.exceptions import MalformedResponseError, ReplyError
from ...errors.reply import ErrorReply
from ...types.chat import ChatCompletionChunk, Usage
from ...types.http import ServerSentEvent
from ...types.size_limits import decode_bounded, decode_or_none
from ...value import NOT_JSON
from .lenient import REASONING_PARTS, error_in, loose_chunk

_chunk_decoder = msgspec.json.Decoder(ChatCompletionChunk)


class OpenaiStreamParser:
    """
    Decodes chunks straight into their public type.

    Chunks without choices (usage, filter results) pass through; `done` is True after `[DONE]`.

    Args:
        reasoning_parts: as in `OpenaiTemplate.reasoning_parts`.
        own_usage: reads what only this service says of a usage in an event; None: nothing.
    """

    def __init__(
        self,
        reasoning_parts: Mapping[str, str] = REASONING_PARTS,
        own_usage: Callable[[Usage, bytes], Usage] | None = None,
    ) -> None:
        self.done = False
        self._reasoning_parts = reasoning_parts
        self._own_usage = own_usage

    def feed_all(self, events: Sequence[bytes]) -> list[ChatCompletionChunk] | None:
        """As `feed`, for the data of many events at once; None if one of them needs a closer look."""
        if b'"error"' in (all_events := b"\n".join(events)) or b'"base_resp"' in all_events:
            return None
        done = events[-1] == b"[DONE]"
        decode = _chunk_decoder.decode
        try:
            chunks = [decode(data) for data in (events[:-1] if done else events)]
        except NOT_JSON:
            return None
        self.done = done
        if self._own_usage is not None:
            chunks = [self._completed(chunk, data) for chunk, data in zip(chunks, events, strict=False)]
        return chunks

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        data = event.data
        if data == b"[DONE]":
            self.done = True
            return ()
        if event.event == "error" or b'"error"' in data or b'"base_resp"' in data:
            error = data if event.event == "error" else error_in(decode_or_none(data))
            if error is not None:
                raise ReplyError(ErrorReply(status=200, body=error, in_stream=True))
        try:
            try:
                chunk = _chunk_decoder.decode(data)
            except msgspec.ValidationError:
                chunk = loose_chunk(decode_bounded(data), self._reasoning_parts)
        except NOT_JSON:
            raise MalformedResponseError(f"an event is not JSON: {data[:40]!r}") from None
        return (chunk if self._own_usage is None else self._completed(chunk, data),)

    def _completed(self, chunk: ChatCompletionChunk, data: bytes) -> ChatCompletionChunk:
        if chunk.usage is None or self._own_usage is None:
            return chunk
        return msgspec.structs.replace(chunk, usage=self._own_usage(chunk.usage, data))

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()
