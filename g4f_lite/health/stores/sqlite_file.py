"""
The file of a `SQLiteState`: how it is made, opened and checked, its tables, and its clock.

The file is in WAL mode and readable by its owner alone. A table of records by kind and key holds everything, as JSON.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct, json

from ...types.regular_files import check_regular
from .clock import boot_id, uptime_ms
from .table import FOREVER

APPLICATION, VERSION = 0x67346C73, 1  # "g4ls"
SMALLEST = 512
"""Bytes of an SQLite file. What is smaller, SQLite takes for an empty file, and would overwrite."""
SCHEMA = f"""
CREATE TABLE records (
    kind TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (kind, key)
);
CREATE INDEX records_due ON records (kind, due);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
_STORED_EVERY_MS = 1000
T = TypeVar("T")


class SQLiteTable(Generic[T]):
    """A table in the file, within the transaction of its connection."""

    def __init__(self, connection: sqlite3.Connection, kind: str, record: type[T]) -> None:
        self._execute = connection.execute
        self._kind = kind
        self._decode = json.Decoder(record).decode

    def get(self, key: str) -> T | None:
        row = self._execute("SELECT record FROM records WHERE kind = ? AND key = ?", (self._kind, key)).fetchone()
        return None if row is None else self._decode(row[0])

    def put(self, key: str, record: T, due: int) -> None:
        self._execute(
            "INSERT INTO records VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET due = excluded.due, record = excluded.record",
            (self._kind, key, due, json.encode(record)),
        )

    def drop(self, key: str) -> None:
        self._execute("DELETE FROM records WHERE kind = ? AND key = ?", (self._kind, key))

    def due(self, now: int) -> list[tuple[str, T]]:
        return self._decoded("SELECT key, record FROM records WHERE kind = ? AND due <= ?", (self._kind, now))

    def items(self) -> list[tuple[str, T]]:
        return self._decoded("SELECT key, record FROM records WHERE kind = ?", (self._kind,))

    def __len__(self) -> int:
        (count,) = self._execute("SELECT count(*) FROM records WHERE kind = ?", (self._kind,)).fetchone()
        return int(count)

    def _decoded(self, question: str, values: tuple[Any, ...]) -> list[tuple[str, T]]:
        return [(key, self._decode(record)) for key, record in self._execute(question, values)]


class _Reading(Struct, array_like=True):
    boot: str
    """Which start of the machine this is."""
    started_ms: int
    """Unix time of the moment from which the machine counts its uptime."""
    now: int


class Clock:
    """
    The clock of a file: Unix milliseconds that never go back.

    The first process after the machine's start sets it by its own clock; from then on it follows the machine's uptime,
    so that processes whose clocks differ, or are set, agree. Read within a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._table = SQLiteTable(connection, "clock", _Reading)
        self._boot = boot_id()
        self._started_ms: int | None = None
        self._stored = 0

    def now_ms(self) -> int:
        started = self._started_ms
        if started is None:
            started = self._started_ms = self._start()
        now = started + uptime_ms()
        if now >= self._stored + _STORED_EVERY_MS:
            self._table.put("", _Reading(self._boot, started, now), FOREVER)
            self._stored = now
        return now

    def _start(self) -> int:
        last, uptime = self._table.get(""), uptime_ms()
        if last is None:
            return time.time_ns() // 1_000_000 - uptime
        if last.boot == self._boot and last.started_ms + uptime >= last.now:
            return last.started_ms
        return max(time.time_ns() // 1_000_000, last.now + _STORED_EVERY_MS) - uptime


def open_file(path: Path) -> sqlite3.Connection:
    """
    Open a file, and make it if there is none; several processes may do so at once.

    Raises:
        sqlite3.Error, OSError: it cannot be opened; SQLITE_BUSY: another process uses it, so try again.
    """
    if not path.exists():
        if os.name == "posix":
            _create(path)
    else:
        check_regular(path)
        if 0 < path.stat().st_size < SMALLEST:
            raise OSError(errno.EIO, "the file of the state cannot be used: it is no SQLite file", str(path))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Create an empty file that only its owner can read, without opening it: closing it would free SQLite's locks."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".state-")
    except OSError as error:
        raise OSError(error.errno, f"the file of the state cannot be created: {error.strerror}", str(path)) from None
    os.close(descriptor)
    try:
        with suppress(OSError):  # another process was faster; or no links in this file system: then SQLite creates it
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = _check(connection, path)
    connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine may lose the last second, not the file
    connection.execute("PRAGMA journal_size_limit = 4194304")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise OSError(errno.ENOTSUP, "the file system of the state does not support SQLite's WAL", str(path))
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    if not _check(connection, path):  # no other process was faster
        for statement in SCHEMA.strip().split(";\n"):
            connection.execute(statement)
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a file; 0 for an empty one."""
    version, application, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if tables and application != APPLICATION:
        raise OSError(errno.EEXIST, "the file of the state is a database of another program; choose another", str(path))
    if version > VERSION:
        raise OSError(errno.ENOTSUP, "the file of the state is from a newer version of g4f_lite", str(path))
    return int(version) if tables else 0
