"""
The output of a job, which is its journal: a line for each row that has ended, in `OUT` or in `OUT.failed.jsonl`.

Lines are given to the system in the turn of the event loop in which their rows end, so that a process that is killed
loses none; every few seconds, they go to the disk. What a crash has left of a last line is cut before the job goes on.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError
from ..value import NOT_JSON
from .seen import Ids, Rows

_PIECE = 1 << 16
_MOST_ROWS = 1 << 33
"""Of a source that does not say how many it has: a bit for each of them is a GiB."""


class Own(msgspec.Struct, omit_defaults=True):
    """What a line says of its row, besides the answer: all of it in a plain line, in a field of its own in a batch."""

    row: int = 0
    provider: str = ""
    model: str = ""
    cost: float | None = None


class _Line(Own):
    id: Any = None
    custom_id: Any = None
    g4f_lite: Own | None = None


class Done:
    """What an output says is done."""

    def __init__(self, *, with_ids: bool) -> None:
        self.rows = Rows()
        self.ids = Ids()
        self.answered = self.failed = 0
        self.cost = 0.0
        self.routes: Counter[str] = Counter()
        self._with_ids = with_ids

    def add(self, line: _Line, *, failed: bool) -> None:
        own = line if line.g4f_lite is None else line.g4f_lite
        if own.row in self.rows:
            return
        self.rows.add(own.row)
        if self._with_ids and (name := line.id if line.custom_id is None else line.custom_id) is not None:
            self.ids.add(str(name))
        if failed:
            self.failed += 1
        else:
            self.answered += 1
            self.cost += own.cost or 0.0
            self.routes[f"{own.provider}:{own.model}"] += 1


def failures_of(out: Path) -> Path:
    """Return the file for the rows that failed."""
    return out.with_name(f"{out.name}.failed.jsonl")


def read_done(out: Path, *, with_ids: bool, with_failures: bool = True, total: int | None = None) -> Done:
    """
    Return what is done.

    Args:
        with_ids: whether the source is one whose rows may come in another order.
        with_failures: whether rows that have failed are done.
        total: how many rows there are, if that is known.

    Raises:
        ConfigurationError: a line, but the last one, is none of a job.
    """
    done = Done(with_ids=with_ids)
    decode = msgspec.json.Decoder(_Line).decode
    most = _MOST_ROWS if total is None else total
    for path, failed in ((out, False), (failures_of(out), True)) if with_failures else ((out, False),):
        for number, line in enumerate(_whole_lines(path), 1):
            try:
                found = decode(line)
            except NOT_JSON:
                found = _Line()
            own = found if found.g4f_lite is None else found.g4f_lite
            if not 0 < own.row <= most:
                message = f"{path}: line {number} is none of a bulk job; delete it, or choose another output"
                raise ConfigurationError(message)
            done.add(found, failed=failed)
    return done


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line


class Appended:
    """
    A file to which whole lines are appended.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        self._size = os.fstat(self._file).st_size
        self._synced = self._size

    def lock(self) -> None:
        """
        Keep other processes from the file as long as it is open.

        Raises:
            ConfigurationError: another one has it.
        """
        try:
            _lock(self._file)
        except BlockingIOError:
            message = f"another run writes {self.path}; wait for its end, or choose another output"
            raise ConfigurationError(message) from None

    def mend(self) -> None:
        """Cut what follows the last whole line."""
        end = self._size
        while end > 0:
            start = max(0, end - _PIECE)
            os.lseek(self._file, start, os.SEEK_SET)
            if (place := os.read(self._file, end - start).rfind(b"\n")) >= 0:
                end = start + place + 1
                break
            end = start
        self._cut(end)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file, size)
        os.lseek(self._file, size, os.SEEK_SET)
        self._size = size

    def empty(self) -> None:
        self._cut(0)

    def append(self, lines: bytes) -> None:
        """
        Write whole lines.

        Raises:
            OSError: they cannot be written, and nothing of them is.
        """
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            self._cut(self._size)
            raise OSError(error.errno, os.strerror(error.errno or 0), str(self.path)) from None
        self._size += len(lines)

    def sync(self) -> None:
        """Put on the disk what was written."""
        size = self._size
        if size != self._synced:
            os.fsync(self._file)
            self._synced = size

    def close(self) -> None:
        os.close(self._file)


class Journal:
    """
    The two files, open, locked and mended.

    Raises:
        ConfigurationError: another run has them.
        OSError: they cannot be opened.
    """

    def __init__(self, out: Path) -> None:
        self._answers = Appended(out)
        try:
            self._answers.lock()
            self._answers.mend()
            self._failures = Appended(failures_of(out))
        except BaseException:
            self._answers.close()
            raise
        self._failures.mend()

    def forget_failures(self) -> None:
        """Let the rows that have failed be open again."""
        self._failures.empty()

    def write(self, answers: list[bytes], failures: list[bytes]) -> None:
        """
        Append lines.

        Raises:
            OSError: some of them cannot be written.
        """
        if answers:
            self._answers.append(b"".join(answers))
        if failures:
            self._failures.append(b"".join(failures))

    def sync(self) -> None:
        self._answers.sync()
        self._failures.sync()

    def close(self) -> None:
        """Close both; a failures' file without a line is removed."""
        try:
            self.sync()
        finally:
            self._failures.close()
            path = self._failures.path
            if path.exists() and not path.stat().st_size:
                path.unlink()
            self._answers.close()


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 40  # Windows lets nobody read what is locked

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError from None

else:
    import fcntl

    def _lock(file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            pass
