"""Parses the events of a stream in OpenAI's protocol into chunks. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

import msgspec
from msgspec.structs import force_setattr

from ...errors.exceptions import MalformedResponseError, ReplyError
from ...errors.reply import ErrorReply
from ...types.chunks import ChatCompletionChunk, ChunkChoice
from ...types.finish_reasons import is_none
from ...types.http import ServerSentEvent
from ...types.size_limits import decode_bounded, decode_or_none
from ...types.usage import Usage
from ...value import NOT_JSON
from ..checked import DecodedChunks
from .completing import complete_chunk, has_usage
from .lenient import REASONING_PARTS, error_in, error_signs, loose_chunk, whole_answer

_chunk_decoder = msgspec.json.Decoder(ChatCompletionChunk)


def _may_be_error(data: bytes) -> bool:
    """Tell whether data has a word of one of the shapes that `error_in` knows."""
    return b'"error' in data or b'"detail"' in data or b'"success"' in data or b'"base_resp"' in data


class OpenaiStreamParser:
    """
    Decodes chunks straight into their public type.

    Chunks without choices (usage, filter results) pass through; `done` is True after `[DONE]`.

    Args:
        reasoning_parts, done_is_enough: as in `OpenaiTemplate`.
        own_usage: reads what only this service says of a usage in an event; None: nothing.
        error_fields: as in `Provider`.
    """

    def __init__(
        self,
        reasoning_parts: Mapping[str, str] = REASONING_PARTS,
        own_usage: Callable[[Usage, bytes], Usage] | None = None,
        *,
        done_is_enough: bool = False,
        error_fields: Mapping[str, str] = {},
    ) -> None:
        self.done = False
        self._begun = False
        self._in_messages = False
        """The stream began with a message in place of a delta."""
        self._reasoning_parts = reasoning_parts
        self._own_usage = own_usage
        self._error_fields = error_fields
        self._error_signs = error_signs(error_fields) if error_fields else ()
        self._open: dict[int, str] | None = {} if done_is_enough else None
        """The finish reason of each choice that has none yet, if `[DONE]` is enough."""

    def feed_all(self, events: Sequence[bytes]) -> Sequence[ChatCompletionChunk] | None:
        """As `feed`, for the data of many events at once; None if one of them needs a closer look."""
        joined = b"\n".join(events)
        if (
            _may_be_error(joined)
            or (self._error_signs and self._may_be_own_error(joined))
            or ((self._in_messages or not self._begun) and b'"message"' in joined)
        ):
            return None
        done = events[-1] == b"[DONE]"
        events = events[:-1] if done else events
        if joined.count(b'"choices"') < len(events):  # an event without them may be an error
            return None
        try:
            chunks = DecodedChunks(map(_chunk_decoder.decode, events))
        except NOT_JSON:
            return None
        deque(map(force_setattr, chunks, repeat("raw_json"), events), 0)  # in C, without a call for each
        if has_usage(joined):
            for chunk, data in zip(chunks, events, strict=True):
                if b'"usage"' in data and has_usage(data):
                    complete_chunk(chunk, data)
            if self._own_usage is not None:
                deque(map(self._say_own_usage, chunks, events), 0)
        self.done, self._begun = done, True
        return chunks if self._open is None else self._ended(chunks)

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        data = event.data
        if data == b"[DONE]":
            self.done = True
            return () if self._open is None else tuple(self._ended([]))
        if (
            event.event == "error"
            or b'"choices"' not in data
            or _may_be_error(data)
            or (self._error_signs and self._may_be_own_error(data))
        ):
            error: bytes | None = data
            if event.event != "error":
                error = error_in(decode_or_none(data), data, self._error_fields, in_stream=True)
            if error is not None:
                raise ReplyError(ErrorReply(status=200, body=error, in_stream=True))
        goes_on, self._begun = self._begun, True
        whole = whole_answer(data) if self._in_messages or not goes_on else None
        self._in_messages = self._in_messages or whole is not None
        try:
            try:
                chunk = _chunk_decoder.decode(whole or data)
            except msgspec.DecodeError:
                chunk = loose_chunk(decode_bounded(whole or data), self._reasoning_parts, whole or data)
        except NOT_JSON:
            hint = "; is the provider's stream_framing right?" if data.startswith((b"data:", b"event:")) else ""
            raise MalformedResponseError(f"an event is not JSON: {data[:40]!r}{hint}") from None
        if whole is not None and goes_on and chunk.has_content():  # a next piece, or all so far once more: nobody knows
            raise MalformedResponseError(f"another event has a message in place of a delta: {data[:40]!r}")
        force_setattr(chunk, "raw_json", data)
        if has_usage(data):
            complete_chunk(chunk, data)
            if self._own_usage is not None:
                self._say_own_usage(chunk, data)
        return (chunk,) if self._open is None else tuple(self._ended([chunk]))

    def _may_be_own_error(self, data: bytes) -> bool:
        return any(sign in data for sign in self._error_signs)

    def _say_own_usage(self, chunk: ChatCompletionChunk, data: bytes) -> None:
        if chunk.usage is not None and self._own_usage is not None:
            force_setattr(chunk, "usage", self._own_usage(chunk.usage, data))

    def _ended(self, chunks: Sequence[ChatCompletionChunk]) -> Sequence[ChatCompletionChunk]:
        """Return the chunks, after `[DONE]` with one more: the finish reasons that the service did not send."""
        assert self._open is not None
        for chunk in chunks:
            for choice in chunk.choices:
                if choice.finish_reason and not is_none(choice.finish_reason):
                    self._open[choice.index] = ""
                elif self._open.get(choice.index) != "":
                    calls = choice.delta.tool_calls or self._open.get(choice.index) == "tool_calls"
                    self._open[choice.index] = "tool_calls" if calls else "stop"
        if not self.done:
            return chunks
        last = [ChunkChoice(index=index, finish_reason=reason) for index, reason in self._open.items() if reason]
        return DecodedChunks([*chunks, ChatCompletionChunk(choices=tuple(last))]) if last else chunks

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()
