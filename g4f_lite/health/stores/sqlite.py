"""A state in an SQLite file, which several processes of one machine share."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

import msgspec

from ...value import Unpicklable
from ..shared_state import Answer, Command
from .books import Books
from .ledger import Used
from .sqlite_file import Clock, SQLiteTable, open_file

POLL_S = 0.025
"""How often `wait` looks whether others have told something."""
_T = TypeVar("_T")
_FAILURES = (sqlite3.Error, msgspec.MsgspecError)
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_ERRORS = {
    **dict.fromkeys(_BUSY, (errno.ETIMEDOUT, "another process has locked it for too long")),
    "SQLITE_FULL": (errno.ENOSPC, "no space is left for it"),
    "SQLITE_NOTADB": (errno.EIO, "it is no SQLite file; choose another, or delete it"),
    "SQLITE_CORRUPT": (errno.EIO, "it is damaged; delete it"),
    "SQLITE_CANTOPEN": (errno.EACCES, "it cannot be opened or created; check the folder and its rights"),
    "SQLITE_READONLY": (errno.EACCES, "it cannot be written; check its rights"),
}


class _Opened(NamedTuple):
    connection: sqlite3.Connection
    books: Books
    clock: Clock
    identity: tuple[int, int]
    """Of the file, which may be deleted and made anew."""


class SQLiteState(Unpicklable):
    """
    Limits and health in a file on a local disk. Threads and forked processes may share it.

    The file is made with the first command. A batch of commands is one transaction: all of it is stored, or nothing.

    Args:
        path: the file; its folder must exist.
        timeout_s: how long to wait for other processes.
    """

    is_local = False

    def __init__(self, path: str | os.PathLike[str], *, timeout_s: float = 0.25) -> None:
        self.path = Path(os.path.realpath(path))
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._closes = 0
        self._opened: _Opened | None = None
        self._seen = 0
        self._is_cut_off = False
        """This process has inherited an open file, and with a second one it would damage it."""
        _states.add(self)

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        try:
            return self._transaction(lambda books, now: [books.execute(command, now) for command in commands])
        except UnicodeEncodeError:
            return self.execute(msgspec.convert(_escaped(msgspec.to_builtins(commands)), list[Command]))

    def used(self, scope: str) -> dict[tuple[str, str], Used]:
        """
        Return what is used of the limits of a scope, by unit and window.

        Raises:
            OSError: the file cannot be used.
        """
        return self._transaction(lambda books, now: books.ledger.used(scope, now))

    def wait(self, seconds: float) -> None:
        end, closes = time.monotonic() + seconds, self._closes
        while closes == self._closes and not self._has_news() and (left := end - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))

    def close(self) -> None:
        """As of every state; if it is used again, it closes the file after each batch."""
        self._closes += 1
        with self._lock:
            self._disconnect()

    def _has_news(self) -> bool:
        with self._lock:
            if self._opened is None:
                return False
            try:
                cursor = self._opened.books.notices.cursor
            except _FAILURES:
                return False  # the next command says why
            before, self._seen = self._seen, cursor
        return cursor != before

    def _transaction(self, work: Callable[[Books, int], _T]) -> _T:
        with self._lock:
            try:
                opened = self._begin()
                result = work(opened.books, opened.clock.now_ms())
                opened.connection.execute("COMMIT")
            except _FAILURES as error:
                self._disconnect()
                raise _explained(error, self.path) from error
            except BaseException:
                self._disconnect()
                raise
            if self._closes:  # what others still had to say
                self._disconnect()
        return result

    def _begin(self) -> _Opened:
        """Begin a transaction that excludes others. SQLite's own wait sleeps too long: a transaction takes 0.2 ms."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                opened = self._connected()
                opened.connection.execute("BEGIN IMMEDIATE")
                return opened
            except sqlite3.OperationalError as error:
                if _kind(error) not in _BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311  # no secret

    def _connected(self) -> _Opened:
        if self._opened is None or self._opened.identity != _identity(self.path):
            self._disconnect()
            if self._is_cut_off:
                message = "the process was forked in the middle of a command; start one without a fork"
                raise OSError(errno.EBUSY, message, str(self.path))
            connection = open_file(self.path)
            try:
                books = Books(lambda kind, record: SQLiteTable(connection, kind, record))
                self._opened = _Opened(connection, books, Clock(connection), _identity(self.path))
            except BaseException:
                connection.close()
                raise
        return self._opened

    def _disconnect(self) -> None:
        """Close the file. A transaction that is open has no effect."""
        if self._opened is not None:
            self._opened.connection.close()
            self._opened = None


def _escaped(value: Any) -> Any:
    """Return commands whose texts have no half surrogate pairs: a message may have them, SQLite's texts may not."""
    if isinstance(value, list | tuple):
        return [_escaped(one) for one in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino


def _kind(error: Exception) -> str:
    """Return the name of an error of SQLite, without what is special: SQLITE_IOERR of SQLITE_IOERR_WRITE."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])


def _explained(error: Exception, path: Path) -> OSError:
    damaged = isinstance(error, msgspec.MsgspecError)
    number, reason = _ERRORS.get("SQLITE_CORRUPT" if damaged else _kind(error), (errno.EIO, str(error)))
    return OSError(number, f"the file of the state cannot be used: {reason}", str(path))


_states: WeakSet[SQLiteState] = WeakSet()
_forking = threading.local()
_inherited: list[_Opened | None] = []
"""Never closed: a child that closes a connection of its parent damages the file."""
_FORK_S = 10.0
"""How long a fork waits for the commands of other threads, which end within less than a second."""


def _before_fork() -> None:
    """Close all connections: SQLite's locks do not survive a fork, and it does not know."""
    _forking.held = [state for state in list(_states) if state._lock.acquire(timeout=_FORK_S)]
    for state in _forking.held:
        state._disconnect()


def _after_fork() -> None:
    for state in _forking.held:
        state._lock.release()


def _after_fork_in_child() -> None:
    for state in list(_states):
        if state not in _forking.held:  # its thread may have forked in the middle of a command
            _inherited.append(state._opened)
            state._opened, state._is_cut_off = None, True
        state._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
