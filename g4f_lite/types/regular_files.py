"""Reads a file that the library was not told to read, or that a call names: one that is there, and that ends."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def check_regular(path: Path) -> None:
    """
    Raises:
        OSError: there is no such file, or it is a pipe, a socket or a device: it could be waited for, or have no end.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder says itself what it is
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_regular(path: Path) -> bytes:
    """
    Return the content of a file.

    Raises:
        OSError: as `check_regular`, or it cannot be read.
    """
    check_regular(path)
    return path.read_bytes()
