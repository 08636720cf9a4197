"""The HTTP requests and responses that pass between providers and transports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..value import Value

if TYPE_CHECKING:
    from .uploads import Progress, UploadFile


class Upload:
    """
    The body of a request with files: `multipart/form-data`. `len()` is its size in bytes.

    Args:
        fields: names and values, in order.
        more: further files, each with the name of its field.
        progress: called after each piece that is sent; a retry starts from 0 again.
    """

    def __init__(
        self,
        fields: Iterable[tuple[str, str]],
        file: UploadFile,
        *,
        field: str = "file",
        more: Sequence[tuple[str, UploadFile]] = (),
        progress: Progress | None = None,
    ) -> None:
        self.files = (file, *(one for _, one in more))
        self.progress = progress
        self._boundary = os.urandom(16).hex()
        parts = [f"--{self._boundary}\r\n{_disposition(name)}\r\n\r\n{value}\r\n" for name, value in fields]
        heads = [
            f'--{self._boundary}\r\n{_disposition(name)}; filename="{_quoted(one.name)}"\r\n'
            f"content-type: {one.content_type}\r\n\r\n"
            for name, one in ((field, file), *more)
        ]
        heads = ["".join(parts) + heads[0], *(f"\r\n{head}" for head in heads[1:])]
        self.heads = [head.encode("utf-8", "replace") for head in heads]
        """What is sent before each of the files."""
        self.tail = f"\r\n--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return sum(map(len, self.heads)) + self.size + len(self.tail)

    @property
    def size(self) -> int:
        """The bytes of the files."""
        return sum(file.size for file in self.files)


def _disposition(name: str) -> str:
    return f'content-disposition: form-data; name="{_quoted(name)}"'


def _quoted(name: str) -> str:
    """Source: HTML, "multipart/form-data encoding algorithm"."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


class HTTPRequest(Value, frozen=True, kw_only=True):
    """A request as a provider builds it. `headers` hold the key; the repr omits them, and the URL's query."""

    url: str
    body: bytes | Upload = b""
    """An `Upload` is read piece by piece while it is sent; the transport adds its length to the headers."""
    headers: Mapping[str, str] = {}
    method: str = "POST"

    def __repr__(self) -> str:
        return f"HTTPRequest({self.method} {self.url.partition('?')[0]}, {len(self.body)} bytes)"


COST_HEADER = "x-g4f-cost-usd"
"""What this library's own gateway says of an answer's cost."""


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
