"""An upload over aiohttp: sends its pieces, extends the limit with each, and frees the connection at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import payload

from ..types.http import Upload
from ..types.time_limit import TimeLimit
from ..types.uploads import PIECE
from .async_limit import Within
from .uploading import Sending


def abort(transport: asyncio.Transport | None) -> None:
    """Close a connection at once, with all that is unsent: otherwise it waits for a server that does not read."""
    if transport is not None:
        with suppress(AttributeError):  # asyncio's, if it has ended since
            transport.abort()


class BodyPayload(payload.Payload):
    """
    A body in memory, sent in pieces: aiohttp copies large bytes, with a warning.

    Args:
        sent_over: called with the transport of the connection before anything is sent.
    """

    def __init__(self, body: bytes, sent_over: Callable[[asyncio.Transport | None], None]) -> None:
        super().__init__(body)
        self._body = body
        self._sent_over = sent_over

    @property
    def size(self) -> int:
        return len(self._body)

    async def write(self, writer: Any) -> None:
        self._sent_over(getattr(writer, "transport", None))
        body = memoryview(self._body)
        for start in range(0, len(body), PIECE):
            await writer.write(body[start : start + PIECE])
            await asyncio.sleep(0)  # an early answer is read before more is sent

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        await self.write(writer)  # its length is the announced one

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._body.decode(encoding, errors)


class UploadPayload(payload.Payload):
    """
    The body of one request.

    Args:
        until: the timer of the limit.
        sent_over: as for `BodyPayload`.
    """

    def __init__(
        self,
        upload: Upload,
        limit: TimeLimit,
        until: Within,
        sent_over: Callable[[asyncio.Transport | None], None],
    ) -> None:
        super().__init__(upload, content_type=upload.content_type)
        self._length = len(upload)
        self._limit = limit
        self._until = until
        self._sent_over = sent_over
        self._sending = Sending(upload, self._moved)
        self._transport: asyncio.Transport | None = None
        self._whole = False

    @property
    def size(self) -> int:
        return self._length

    def _moved(self) -> None:
        if self._until.expired():
            return
        self._limit.extend()
        self._until.restart(self._limit.expires_at - self._limit.now())

    async def write(self, writer: Any) -> None:
        self._transport = getattr(writer, "transport", None)
        self._sent_over(self._transport)
        async for piece in self._sending.pieces_async():
            await writer.write(piece)
            await asyncio.sleep(0)  # as above
        self._whole = True

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        await self.write(writer)  # its length is the announced one

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("an upload is read while it is sent")

    def check(self) -> None:
        """
        Check that nothing but the connection has failed: aiohttp hides it.

        Raises:
            UploadStopped: reading the file or the caller's `progress` has failed.
        """
        if self._sending.stopped is not None:
            raise self._sending.stopped

    def answered(self) -> None:
        """Call this when the response has begun: pieces that are still sent extend no limit."""
        self._sending.over()

    def end(self, *, well: bool) -> None:
        """Free the connection at once if anything is unsent."""
        self._sending.over()
        if not (well and self._whole):
            abort(self._transport)
