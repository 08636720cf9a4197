"""
Changes the file of stored keys: one process and thread at a time, and all or nothing.

A reader needs no lock: it sees the old or the new file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from ..errors.exceptions import ConfigurationError
from ..types.regular_files import read_regular

StoredKeys: TypeAlias = dict[str, str]


class StoredKeysError(ConfigurationError):
    """A stored key cannot be used. Raised only if the stored key would have been used."""


def read_keys(path: Path) -> StoredKeys:
    """
    Return the keys in a file by provider name; {} if there is no file.

    Raises:
        StoredKeysError: the file exists but is not a JSON object of strings.
    """
    try:
        return msgspec.json.decode(read_regular(path), type=StoredKeys)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoredKeysError(
            f"the stored keys in {path} cannot be read; mend the file or delete it ({type(error).__name__})"
        ) from None


def change_keys(path: Path, change: Callable[[StoredKeys], bool]) -> bool:
    """
    Change the keys in a file in place; a link to a file stays a link.

    Args:
        change: changes the keys that it gets, and returns whether they are to be stored.

    Returns:
        What `change` returned.

    Raises:
        StoredKeysError: the file cannot be read.
        OSError: it cannot be written; it is as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _lock(target.parent):
            keys = read_keys(target)
            if changed := change(keys):
                _replace(target, msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OSError(
            error.errno, f"the stored keys cannot be changed, and are as they were: {reason}", str(path)
        ) from None
    return changed


def _replace(target: Path, content: bytes) -> None:
    # mkstemp creates a file that only its owner can read.
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".keys-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)  # all of it, or it raises
            file.flush()
            os.fsync(file.fileno())
            if hasattr(os, "fchown"):
                with suppress(OSError):  # no such file yet, or no right to
                    old = target.stat()
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    with suppress(OSError, AttributeError):  # so that the new name is on the disk, too; not on Windows
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _lock(folder: Path) -> Iterator[None]:
        with (folder / ".keys.lock").open("ab") as file:
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # it gives up after ten seconds
                    continue
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    @contextmanager
    def _lock(folder: Path) -> Iterator[None]:
        """Lock the folder itself, so that no other file is left there. Threads exclude each other, too."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
