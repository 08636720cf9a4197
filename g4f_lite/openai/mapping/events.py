"""From chunks and interruptions to the server-sent events of a stream."""

from __future__ import annotations

import msgspec

from ...errors.exceptions import G4FLiteError, StreamInterruptedError
from ...types.chunks import ChatCompletionChunk
from ...value import decode_json
from .answers import says_the_same
from .errors import error_object

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
"""The end of a complete stream."""


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
        if own is None or b"\n" in own or not (self._unchanged or says_the_same(decode_json(own), chunk)):
            own = msgspec.json.encode(chunk.to_dict())
        return b"data: %b\n\n" % own


def interruption(error: G4FLiteError) -> bytes:
    """Return the event that ends a stream which is not complete; nothing follows it."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})
