"""The HTTP requests and responses that pass between providers and transports, and their size limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..value import Value

if TYPE_CHECKING:
    from .uploads import Upload


class HTTPRequest(Value, frozen=True, kw_only=True):
    """A request as a provider builds it. `headers` hold the key; the repr omits them, and the URL's query."""

    url: str
    body: bytes | Upload = b""
    """An `Upload` is read piece by piece while it is sent; the transport adds its length to the headers."""
    headers: Mapping[str, str] = {}
    method: str = "POST"

    def __repr__(self) -> str:
        return f"HTTPRequest({self.method} {self.url.partition('?')[0]}, {len(self.body)} bytes)"


class HTTPResponse(Value, frozen=True, kw_only=True):
    """
    A complete response. Header names are in lower case.

    The repr omits headers and body: either may echo the key.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HTTPResponse({self.status}, {len(self.body)} bytes)"


class ServerSentEvent(Value, frozen=True, kw_only=True, gc=False):
    """One event of a stream; `data` is never empty."""

    data: bytes
    event: str = ""
