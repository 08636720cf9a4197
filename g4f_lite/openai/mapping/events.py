"""From chunks and interruptions to the server-sent events of a stream."""

from __future__ import annotations

from typing import Any

import msgspec

from ...errors.exceptions import G4FLiteError, StreamInterruptedError
from ...types.chunks import ChatCompletionChunk
from ...value import NOT_JSON, decode_json
from .answers import says_the_same
from .errors import error_object

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
"""The end of a complete stream."""


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: Any = None


class _Choice(msgspec.Struct):
    index: int
    finish_reason: str | None
    delta: _Delta


class _Event(msgspec.Struct):
    id: Any
    object: Any
    created: Any
    model: Any
    choices: list[_Choice]


_decode = msgspec.json.Decoder(_Event).decode


def _is_plain(own: bytes, chunk: ChatCompletionChunk) -> bool:
    """Return whether an event is a piece of text, as nearly all of a stream are, and says what the chunk says."""
    if len(chunk.choices) != 1:
        return False
    try:
        (said,) = _decode(own).choices
    except (*NOT_JSON, ValueError):  # the last for none or several choices
        return False
    its = chunk.choices[0]
    return (
        said.delta.content == its.delta.content
        and said.finish_reason == its.finish_reason
        and said.index == its.index
        and not said.delta.tool_calls
        and not its.delta.tool_calls
    )


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
        if chunk.restarted and self._begun:
            raise StreamInterruptedError("the stream was interrupted, and another leg would start the answer over")
        self._begun = True
        own = chunk.raw_json
        if (
            own is None
            or b"\n" in own
            or not (self._unchanged or _is_plain(own, chunk) or says_the_same(decode_json(own), chunk))
        ):
            own = msgspec.json.encode(chunk.to_dict())
        return b"data: %b\n\n" % own


def interruption(error: G4FLiteError) -> bytes:
    """Return the event that ends a stream which is not complete; nothing follows it."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})
