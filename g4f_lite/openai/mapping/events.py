"""From chunks and interruptions to the server-sent events of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ...call.joined_events import JoinedEvents
from ...errors.exceptions import G4FLiteError, StreamInterruptedError
from ...types.chunks import ChatCompletionChunk
from ...value import NOT_JSON, decode_json
from .answers import says_the_same
from .errors import error_object

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
"""The end of a complete stream."""
_BETWEEN = b"\n\ndata: "


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    tool_calls: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: int
    finish_reason: str | None
    delta: _Delta


class _Event(msgspec.Struct, gc=False):
    id: Any
    object: Any
    created: Any
    model: Any
    choices: list[_Choice]


_decode_all = msgspec.json.Decoder(list[_Event]).decode


def _are_plain(own: Sequence[bytes], chunks: Sequence[ChatCompletionChunk]) -> bool:
    """Return whether events are pieces of text, as nearly all of a stream are, and say what the chunks say."""
    try:
        events = _decode_all(b"[%b]" % b",".join(own))
    except NOT_JSON:
        return False
    return [
        (one.index, one.finish_reason, one.delta.content, one.delta.tool_calls)
        for event in events
        for one in event.choices
    ] == [
        (one.index, one.finish_reason, one.delta.content, one.delta.tool_calls)
        for chunk in chunks
        for one in chunk.choices
    ]


class Events:
    """
    The events of one stream, in order.

    Args:
        unchanged: the events of the one service that was asked go on as they are.

    Raises:
        StreamInterruptedError: (from `of`) another leg starts the answer over, which no event can say.
    """

    def __init__(self, *, unchanged: bool = False) -> None:
        self._unchanged = unchanged
        self._begun = False

    def of(self, chunk: ChatCompletionChunk) -> bytes:
        """Return the event of a chunk: the service's own if it says the same."""
        return self.of_all([chunk])

    def of_all(self, chunks: Sequence[ChatCompletionChunk]) -> bytes:
        """As `of`, for chunks that have come together."""
        if chunks[0].restarted and self._begun:  # only the first one of a leg is
            raise StreamInterruptedError("the stream was interrupted, and another leg would start the answer over")
        self._begun = True
        own = [chunk.raw_json for chunk in chunks if chunk.raw_json is not None]
        joined = _BETWEEN.join(own)
        lines = joined.count(b"\n") > 2 * len(own) - 2  # one of them would be several
        if len(own) < len(chunks) or lines or not (self._unchanged or _are_plain(own, chunks)):
            joined = _BETWEEN.join([self._one(chunk) for chunk in chunks])
        elif JoinedEvents in map(type, own):
            joined = _BETWEEN.join(map(_sent, own))
        return b"data: %b\n\n" % joined

    def _one(self, chunk: ChatCompletionChunk) -> bytes:
        own = chunk.raw_json
        if own is None or b"\n" in own:
            return msgspec.json.encode(chunk.to_dict())
        if self._unchanged or _are_plain([own], [chunk]) or says_the_same(decode_json(own), chunk):
            return _sent(own)
        return msgspec.json.encode(chunk.to_dict())


def _sent(own: bytes) -> bytes:
    """Return the events that an event stands for, as the service has sent them."""
    return _BETWEEN.join(own.parts) if isinstance(own, JoinedEvents) else own


def interruption(error: G4FLiteError) -> bytes:
    """Return the event that ends a stream which is not complete; nothing follows it."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})
