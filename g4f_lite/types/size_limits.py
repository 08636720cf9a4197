"""
Refuse JSON that would take far more time and memory than its size suggests.

The limits of bytes do not help there: 64 MiB of `{},` are 22 million objects. Counting bytes takes
0.03 s for 64 MiB; a body shorter than the limit cannot exceed it, so callers need not ask.
"""

from __future__ import annotations

from typing import Any

from ..errors.exceptions import MalformedResponseError
from ..value import NOT_JSON, decode_lenient

MAX_RESPONSE_BODY = 128 << 20
"""Bytes of an answer, after decompression: the default of `max_response_bytes`; more is a MalformedResponseError."""
MAX_STREAM = 256 << 20
"""Bytes of a whole stream by default; more is a MalformedResponseError, after content an interruption."""
MAX_EVENT = 32 << 20
"""Bytes of one server-sent event by default; more is a MalformedResponseError."""
_SMALL_EVENT = 1 << 16
"""Bytes that an event may have if `max_response_bytes` is small: no less than this, and no more than the setting."""
MAX_OBJECTS = 1 << 19
"""Objects in one answer or event, as many lists, and twice as many fields; more is a MalformedResponseError.
The log probabilities of 16 384 tokens with 20 alternatives each are 344 064 objects."""
MAX_CHOICES = 1024
"""Choices of one answer, and tool calls of one message; more is a MalformedResponseError."""
MAX_SENT_BACK = 1 << 20
"""Characters of a text that is sent back to be continued or corrected, and of `partial_text` in the error of a leg from
which another one has taken over."""
MAX_MODELS = 1 << 16
"""Models of one list, each of which takes Python some microseconds; more is a MalformedResponseError."""
MAX_ROW = 32 << 20
"""Bytes of one row of a bulk job's file, as many as the gateway takes by default; a longer one fails."""
_FIELDS = 2 * MAX_OBJECTS


def stream_limit(limit: int) -> int:
    """Return how many bytes a stream may have, for this `max_response_bytes`."""
    return limit * (MAX_STREAM // MAX_RESPONSE_BODY)


def event_limit(limit: int) -> int:
    """Return how many bytes one event of a stream may have, for this `max_response_bytes`."""
    return max(limit // (MAX_RESPONSE_BODY // MAX_EVENT), min(limit, _SMALL_EVENT))


def beyond(what: str, limit: int, status: int | None = None) -> MalformedResponseError:
    """Return the error for something that is larger than `max_response_bytes` allows."""
    size = f"{limit} bytes" if limit % (1 << 20) else f"{limit >> 20} MiB"
    detail = f"{what} is larger than {size}; the setting max_response_bytes decides"
    return MalformedResponseError(detail, status=status)


def check_json_size(body: bytes, what: str = "the answer") -> None:
    """
    Raises:
        MalformedResponseError: the JSON has more than `MAX_OBJECTS` objects or lists, or twice as many fields.
    """
    for mark, kind, limit in ((b"{", "objects", MAX_OBJECTS), (b"[", "lists", MAX_OBJECTS), (b":", "fields", _FIELDS)):
        if body.count(mark) > limit:
            raise MalformedResponseError(f"{what} has more than {limit} {kind}")


def decode_bounded(body: bytes) -> Any:
    """
    Return the JSON of an answer to a chat that does not fit the types.

    Raises:
        MalformedResponseError: as `check_json_size`; also for more than `MAX_OBJECTS` values.
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not JSON.
    """
    if len(body) > MAX_OBJECTS:
        check_json_size(body)
        if body.count(b",") > MAX_OBJECTS:
            raise MalformedResponseError(f"the answer has another shape, and more than {MAX_OBJECTS} values")
    return decode_lenient(body)


def decode_or_none(body: bytes) -> Any:
    """Return the decoded JSON; None if it is not JSON, or has more values than `decode_bounded` takes."""
    try:
        return decode_bounded(body)
    except (*NOT_JSON, MalformedResponseError):
        return None


def check_length(items: list[Any], what: str, limit: int = MAX_CHOICES) -> None:
    """
    Raises:
        MalformedResponseError: there are more than `limit`.
    """
    if len(items) > limit:
        raise MalformedResponseError(f"the answer has {len(items)} {what}; more than {limit} are not taken")
