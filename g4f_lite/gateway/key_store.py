"""
The keys made by `g4f-lite gateway keys`, in a SQLite file that the processes of one machine share.

Rule: the file has hashes, never keys.
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.suggestions import did_you_mean
from ..types.regular_files import check_regular
from .keys import SHOWN, VirtualKey, hash_of, keys_of, new_key
from .settings import KeySettings, Settings, store_path

_TABLE = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, shown TEXT NOT NULL, settings BLOB NOT NULL, made_at REAL NOT NULL
)"""
_LOCKED_S = 5.0
_NAME = re.compile(r"(?!\.+$)[\w.@+-]{1,64}")
"""Not dots alone: no path of a URL could name it."""


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept."""

    name: str
    shown: str
    """Its first characters."""
    settings: KeySettings
    made_at: float
    """Unix time."""


class KeyStore:
    """
    The keys in a file, which is made when the first key is.

    Raises:
        ConfigurationError: (from all methods) the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def new(self, name: str, settings: KeySettings) -> str:
        """
        Make a key. Return it: nobody can show it again.

        Raises:
            ConfigurationError: there is a key of this name, or the name or the settings cannot work.
        """
        name, key = checked_name(name), new_key()
        settings = msgspec.structs.replace(settings, hash=hash_of(key))
        (made,) = keys_of({name: settings})
        if made.expires_at is not None and made.expires_at <= time.time():
            raise ConfigurationError(f"[keys.{name}] expires is in the past: {settings.expires}")
        row = (name, key[:SHOWN], msgspec.json.encode(settings), time.time())
        with self._change() as file:
            try:
                file.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                message = (
                    f"there is a key {name!r} already; `g4f-lite gateway keys rotate {name}` gives it a new secret"
                )
                raise ConfigurationError(message) from None
        return key

    def rotate(self, name: str) -> str:
        """Give a key a new secret; the old one is not valid any more. Raises as `change`."""
        key = new_key()
        with self._change() as file:
            settings = msgspec.structs.replace(self._of(file, name).settings, hash=hash_of(key))
            row = (key[:SHOWN], msgspec.json.encode(settings), name)
            file.execute("UPDATE keys SET shown = ?, settings = ? WHERE name = ?", row)
        return key

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Let a key in no more, or again. Raises as `change`."""
        self.change(name, lambda known: msgspec.structs.replace(known, disabled=disabled))

    def change(self, name: str, change: Callable[[KeySettings], KeySettings]) -> StoredKey:
        """
        Give a key other limits; its secret stays. Return it as it is now.

        Args:
            change: returns what the key is to have, given what it has. Meanwhile nobody else changes keys.

        Raises:
            ConfigurationError: there is no key of this name, or its settings cannot work; nothing has changed.
        """
        with self._change() as file:
            known = self._of(file, name)
            settings = msgspec.structs.replace(change(known.settings), hash=known.settings.hash)
            keys_of({name: settings})  # for its errors
            file.execute("UPDATE keys SET settings = ? WHERE name = ?", (msgspec.json.encode(settings), name))
            return msgspec.structs.replace(known, settings=settings)

    def delete(self, name: str) -> None:
        """Forget a key. What it has used is not forgotten: a new key of the same name goes on with it."""
        with self._change() as file:
            self._of(file, name)
            file.execute("DELETE FROM keys WHERE name = ?", (name,))

    def all(self) -> list[StoredKey]:
        """Return all keys, by name."""
        if not self._is_there():
            return []
        with self._open() as file:
            return [_stored(row) for row in file.execute("SELECT * FROM keys ORDER BY name").fetchall()]

    def virtual(self) -> list[VirtualKey]:
        """Return all keys as the gateway uses them."""
        return keys_of({one.name: one.settings for one in self.all()})

    def check(self) -> None:
        """Find out whether the file can be used, or be made; it is not made yet."""
        if self._is_there():
            self.all()
            return
        try:
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be made: {error.strerror or error}") from None

    def changed_at(self) -> int:
        """Return when the file was changed last, in nanoseconds; 0 if there is none."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def _is_there(self) -> bool:
        """Return whether there is a file. A link that leads nowhere, or a folder that is closed to us, is a mistake."""
        try:
            self.path.stat()
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError) and not self.path.is_symlink():
                return False
            raise ConfigurationError(f"the keys in {self.path} cannot be used: {error.strerror or error}") from None
        return True

    def _of(self, file: sqlite3.Connection, name: str) -> StoredKey:
        if (row := file.execute("SELECT * FROM keys WHERE name = ?", (name,)).fetchone()) is None:
            names = [one for (one,) in file.execute("SELECT name FROM keys")]
            raise ConfigurationError(f"there is no key {name!r} in {self.path}{did_you_mean(name, names)}")
        return _stored(row)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Open it so that nobody else changes it between what is read and what is written."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            yield file

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._is_there():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            check_regular(self.path)
            file = sqlite3.connect(self.path, timeout=_LOCKED_S)
            try:
                with file:
                    file.execute(_TABLE)
                    yield file
            finally:
                file.close()
        except (OSError, sqlite3.Error, msgspec.MsgspecError) as error:
            raise ConfigurationError(f"the keys in {self.path} cannot be used: {error}") from None


def store_of(settings: Settings, config: Path | None) -> KeyStore:
    """
    Return the store of a configuration.

    Raises:
        ConfigurationError: `[server] store` names a file that can be neither used nor made: without its keys, everybody
            would be let in.
    """
    store = KeyStore(store_path(settings, config))
    if settings.server.store:
        try:
            store.check()
        except ConfigurationError as error:
            raise ConfigurationError(f"{config}: [server] store = {settings.server.store!r}: {error}") from None
    return store


def checked_name(name: object) -> str:
    """
    Return the name of a new key.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError("name must have 1 to 64 letters, digits or . _ @ + -, and not only dots")
    return name


def _stored(row: tuple[str, str, bytes, float]) -> StoredKey:
    name, shown, settings, made_at = row
    return StoredKey(name=name, shown=shown, settings=msgspec.json.decode(settings, type=KeySettings), made_at=made_at)
