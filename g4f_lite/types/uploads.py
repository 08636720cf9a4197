"""
A file to send, read piece by piece, from the start for each attempt.

No network: the transports ask for the pieces.
"""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from ..errors.exceptions import InvalidRequestError
from ..errors.places import describe
from ..errors.quoted_values import quoted

PIECE = 1 << 17
"""Bytes that are read and sent at a time."""
MAX_UPLOAD = 1 << 30
"""Bytes of a file; more is an InvalidRequestError before anything is sent. Services accept far less: 25 to 100 MB."""

Content: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
Progress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes of the file that have been sent, and with its size."""

_KINDS = {
    "aac": "audio/aac", "flac": "audio/flac", "m4a": "audio/mp4", "mp3": "audio/mpeg", "mp4": "audio/mp4",
    "mpeg": "audio/mpeg", "mpga": "audio/mpeg", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg",
    "wav": "audio/wav", "webm": "audio/webm",
    "gif": "image/gif", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp",
}  # fmt: skip
_SIGNS = (
    (8, b"WEBP", "webp"), (0, b"\x89PNG", "png"), (0, b"\xff\xd8\xff", "jpg"), (0, b"GIF8", "gif"),
    (0, b"RIFF", "wav"), (0, b"ID3", "mp3"), (0, b"\xff\xfb", "mp3"), (0, b"\xff\xf3", "mp3"), (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"), (4, b"ftyp", "m4a"), (0, b"\x1aE\xdf\xa3", "webm"),
)  # fmt: skip
"""Services detect the format by the name's ending; a name without a known one gets it by the first bytes."""


class UploadFile:
    """
    A file's name, type and bytes, which can be read several times and by several attempts at once.

    A file object is read from its position at the time it is passed.

    Raises:
        InvalidRequestError: there is no such file, or it is empty, too large, or cannot be read twice.
    """

    def __init__(self, given: FileParam, what: str = "file") -> None:
        self._what = what
        name: object = None
        content: object = given
        if isinstance(given, tuple):
            if len(given) != 2 or not isinstance(given[0], str) or not given[0].strip():
                raise InvalidRequestError(f"{what} as a tuple must be (name, content)")
            name, content = given
        self._bytes: memoryview | None = None
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        if isinstance(content, (bytes, bytearray, memoryview)):
            self._bytes = memoryview(self._copied(content))
            self.size = len(self._bytes)
        elif isinstance(content, (str, os.PathLike)):
            self._path = self._as_path(content)
            name = name or self._path.name
            self.size = self._measure_path(self._path)
        elif hasattr(content, "read"):
            self._file = cast("BinaryIO", content)
            given_name = getattr(content, "name", None)
            name = name or (Path(given_name).name if isinstance(given_name, str) else None)
            self._start, self.size = self._measure_file(self._file)
        else:
            raise InvalidRequestError(
                f"{what} must be a path, bytes, a binary file or (name, content), not {type(content).__name__}"
            )
        self._lock = threading.Lock()
        if not self.size:
            raise InvalidRequestError(f"{what} is empty: there is nothing to send")
        if self.size > MAX_UPLOAD:
            raise InvalidRequestError(f"{what} has {self.size} bytes; more than {MAX_UPLOAD >> 20} MiB are not sent")
        self.name = str(name) if name else "audio" if what == "file" else what
        if self._kind not in _KINDS:  # such as a temporary file's: services go by the ending
            self.name += self._ending()

    @property
    def content_type(self) -> str:
        return _KINDS.get(self._kind, "application/octet-stream")

    @property
    def _kind(self) -> str:
        return self.name.rpartition(".")[2].lower()

    @property
    def in_memory(self) -> bool:
        """Whether reading never waits for a disk."""
        return self._bytes is not None

    def __repr__(self) -> str:
        return f"UploadFile({self.name!r}, {self.size} bytes)"

    def __reduce__(self) -> tuple[type[UploadFile], tuple[tuple[str, bytes | Path], str]]:
        content = self._path if self._bytes is None else bytes(self._bytes)
        if content is None:
            raise TypeError("an open file can be neither copied nor pickled; pass its path or its bytes")
        return UploadFile, ((self.name, content), self._what)

    def blocks(self) -> Iterator[bytes]:
        """
        Yield the content from its start, `PIECE` bytes at a time.

        Raises:
            InvalidRequestError: it has changed since it was passed.
        """
        if self._bytes is not None:
            for start in range(0, self.size, PIECE):
                yield bytes(self._bytes[start : start + PIECE])
            return
        try:
            if self._path is not None:
                with self._path.open("rb") as file:
                    yield from self._exactly(lambda position: file.read(min(PIECE, self.size - position)))
            else:
                yield from self._exactly(self._read_at)
        except (OSError, ValueError) as error:
            raise InvalidRequestError(
                f"{self._what} {quoted(self.name)} cannot be read any more: {describe(error)}"
            ) from None

    def _exactly(self, read: Callable[[int], object]) -> Iterator[bytes]:
        position = 0
        while position < self.size:
            given = read(position)
            if not isinstance(given, (bytes, bytearray, memoryview)):
                kind = type(given).__name__
                raise InvalidRequestError(f"{self._what} {quoted(self.name)} gives {kind} when it is read, not bytes")
            if not (block := bytes(given)[: self.size - position]):
                raise InvalidRequestError(f"{self._what} {quoted(self.name)} has become shorter while it was sent")
            position += len(block)
            yield block

    def _read_at(self, position: int) -> bytes:
        """Two attempts may read one file object at once: seek before each read."""
        assert self._file is not None
        with self._lock:
            self._file.seek(self._start + position)
            return self._file.read(min(PIECE, self.size - position))

    def _copied(self, content: bytes | bytearray | memoryview) -> bytes:
        try:
            return bytes(content)
        except ValueError as error:  # a memoryview that is released
            raise InvalidRequestError(f"{self._what} cannot be read: {error}") from None

    def _as_path(self, content: str | os.PathLike[str] | os.PathLike[bytes]) -> Path:
        try:
            return Path(os.fsdecode(content))
        except TypeError as error:
            raise InvalidRequestError(f"{self._what} is a path that cannot be read: {describe(error)}") from None

    def _measure_path(self, path: Path) -> int:
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise InvalidRequestError(f"{self._what} {quoted(str(path))} is a folder")
            if not stat.S_ISREG(found.st_mode):  # reading a pipe could block
                raise InvalidRequestError(f"{self._what} {quoted(str(path))} is not a regular file; pass its bytes")
            with path.open("rb"):
                return found.st_size
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidRequestError(f"{self._what} {quoted(str(path))} cannot be read: {reason}") from None

    def _measure_file(self, file: BinaryIO) -> tuple[int, int]:
        """Return the position of a file object, and the number of bytes from there to its end."""
        try:
            if isinstance(file, io.TextIOBase) or not isinstance(file.read(0), bytes):
                raise InvalidRequestError(f"{self._what} is a text file; open it in binary mode: open(…, 'rb')")
            start = file.tell()
            size = max(0, file.seek(0, io.SEEK_END) - start)
            file.seek(start)
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise InvalidRequestError(
                f"{self._what} cannot be read twice, as a retry needs ({describe(error)}); pass its bytes: file.read()"
            ) from None
        return start, size

    def _ending(self) -> str:
        head = next(self.blocks())[:16]
        return next((f".{kind}" for at, sign, kind in _SIGNS if head[at:].startswith(sign)), "")


FileParam: TypeAlias = Content | tuple[str, Content] | UploadFile
"""A path, bytes, a binary file, or (name, any of these)."""
