"""Reads an upload piece by piece while it is sent, and reports the progress. The transports send the pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types.http import Upload


class UploadStopped(Exception):  # noqa: N818  # never shown: `failure` is raised instead
    """An upload failed for a reason other than the connection: reading the file failed, or the caller's `progress`."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__(failure)
        self.failure = failure


class Sending:
    """
    One pass over an upload.

    Args:
        moved: called after each piece that has been sent.
    """

    def __init__(self, upload: Upload, moved: Callable[[], None]) -> None:
        self._upload = upload
        self._moved = moved
        self._sent = 0
        self.stopped: UploadStopped | None = None
        """What `pieces` has raised: aiohttp hides it."""

    def pieces(self) -> Iterator[bytes]:
        """
        Yield the body.

        Raises:
            UploadStopped: see there.
        """
        for head, file in zip(self._upload.heads, self._upload.files, strict=True):
            yield head
            blocks = file.blocks()
            while block := self._next(blocks):
                yield block
                self._report(block)
        yield self._upload.tail

    async def pieces_async(self) -> AsyncIterator[bytes]:
        """As `pieces`; a disk is read in a thread."""
        from .async_threads import off_loop  # the sync transport does without asyncio

        for head, file in zip(self._upload.heads, self._upload.files, strict=True):
            yield head
            blocks = file.blocks()
            while True:
                if file.in_memory:
                    block = self._next(blocks)
                else:
                    block = await off_loop(self._next, blocks)
                if not block:
                    break
                yield block
                self._report(block)
        yield self._upload.tail

    def over(self) -> None:
        """Call this when the response has begun: pieces that are still sent extend no limit."""
        self._moved = _nothing

    def _next(self, blocks: Iterator[bytes]) -> bytes:
        try:
            return next(blocks, b"")
        except BaseException as error:  # also what ends a task: aiohttp would take it for a lost connection
            raise self._stop(error) from None

    def _report(self, block: bytes) -> None:
        self._sent += len(block)
        try:
            self._moved()
            if self._upload.progress is not None:
                self._upload.progress(self._sent, self._upload.size)
        except BaseException as error:  # as above
            raise self._stop(error) from None

    def _stop(self, failure: BaseException) -> UploadStopped:
        self.stopped = UploadStopped(failure)
        return self.stopped


def _nothing() -> None:
    pass
