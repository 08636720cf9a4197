"""A file on its way to a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from ..types.uploads import Upload


class UploadStopped(Exception):  # noqa: N818  # it is told as what it carries
    """An upload cannot go on, for a reason that is not the connection's: reading failed, or the caller's `progress`."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(failure)
        self.failure = failure


class Sending:
    """
    One pass over an upload.

    Args:
        moved: told after each piece that has gone out.
    """

    def __init__(self, upload: Upload, moved: Callable[[], None]) -> None:
        self._upload = upload
        self._moved = moved
        self._sent = 0
        self.stopped: UploadStopped | None = None
        """What `pieces` has raised: aiohttp hides it."""

    def pieces(self) -> Iterator[bytes]:
        """
        Raises:
            UploadStopped: see there.
        """
        yield self._upload.head
        blocks = self._upload.file.blocks()
        while block := self._next(blocks):
            yield block
            self._went(block)
        yield self._upload.tail

    async def pieces_async(self) -> AsyncIterator[bytes]:
        """As `pieces`, reading from a disk in a thread."""
        import asyncio

        yield self._upload.head
        blocks = self._upload.file.blocks()
        in_memory = self._upload.file.in_memory
        while block := self._next(blocks) if in_memory else await asyncio.to_thread(self._next, blocks):
            yield block
            self._went(block)
        yield self._upload.tail

    def over(self) -> None:
        """The answer has begun: what still goes out moves nothing."""
        self._moved = _nothing

    def _next(self, blocks: Iterator[bytes]) -> bytes:
        with self._kept():
            return next(blocks, b"")
        raise AssertionError("unreachable")

    def _went(self, block: bytes) -> None:
        self._sent += len(block)
        with self._kept():
            self._moved()
            if self._upload.progress is not None:
                self._upload.progress(self._sent, self._upload.file.size)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.stopped = UploadStopped(error)
            raise self.stopped from None


def _nothing() -> None:
    pass
