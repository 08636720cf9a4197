"""What crosses the border between providers and transports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ..value import Value

if TYPE_CHECKING:
    from .uploads import Upload

MAX_ERROR_BODY = 1 << 20
"""Bytes of an error body that are read; the rest is dropped."""
MAX_RESPONSE_BODY = 64 << 20
"""Bytes of an answer, after decompression; more is a MalformedResponseError."""
MAX_STREAM = 128 << 20
"""Bytes of a whole stream, after decompression; more is a MalformedResponseError, after content an interruption."""
MAX_EVENT = 16 << 20
"""Bytes of one server-sent event; more is a MalformedResponseError."""
MAX_OBJECTS = 1 << 19
"""Objects in one answer or event, as many lists, and twice as many fields; more is a MalformedResponseError.
The log probabilities of 16 384 tokens with 20 alternatives each are 344 064 objects."""
MAX_CHOICES = 1024
"""Choices of one answer, and tool calls of one message; more is a MalformedResponseError."""


class HTTPRequest(Value, frozen=True, kw_only=True):
    """A request as a provider builds it. `headers` hold the key; it shows in no repr."""

    url: str
    body: bytes | Upload = b""
    """An `Upload` is read piece by piece while it is sent; the transport adds its length to the headers."""
    headers: Mapping[str, str] = {}
    method: str = "POST"

    def __repr__(self) -> str:
        return f"HTTPRequest({self.method} {self.url}, {len(self.body)} bytes)"


class HTTPResponse(Value, frozen=True, kw_only=True):
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class ErrorReply(Value, frozen=True, kw_only=True):
    """An answer that is an error: by its status, or by an error object inside a 200 or a stream."""

    status: int | None = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    in_stream: bool = False

    def json(self) -> Any:
        """Return the decoded body; None if it is no JSON or too large. A one-element list is unwrapped (Google)."""
        if len(self.body) > MAX_ERROR_BODY:
            return None
        try:
            decoded = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last for a body of a million brackets
            return None
        return decoded[0] if isinstance(decoded, list) and decoded else decoded


class ServerSentEvent(Value, frozen=True, kw_only=True, gc=False):
    """One event of a stream; `data` is never empty."""

    data: bytes
    event: str = ""


class UploadStopped(Exception):  # noqa: N818  # it is told as what it carries
    """An upload cannot go on, for a reason that is not the connection's: reading failed, or the caller's `progress`."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(failure)
        self.failure = failure
