"""Keys as the administrator lists and changes them. Those of the configuration are only listed: the file has them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from ...errors.exceptions import ConfigurationError
from ...errors.suggestions import did_you_mean
from ...value import JSONObject
from ..failures import BAD_REQUEST, NO_SUCH_PATH, RefusedError
from ..key_store import KeyStore, StoredKey, checked_name
from ..keys import SHOWN, VirtualKey, keys_of
from ..settings import KeySettings, Quota, Settings, check_key_models, checked

_PLACE = re.compile(r"^(?:: )?(?:\[keys\.[^]]*\] )?")
"""Where a file would have the mistake."""
_FIELDS = KeySettings.__struct_fields__
_NO_HASH = f"sha256:{'0' * 64}"


class Keys:
    """
    Args:
        store: of the keys that can be changed; None if there is none.
        changed: lets the gateway follow; to be called after each change, in its thread.
    """

    def __init__(self, settings: Settings, store: KeyStore | None, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._own_store = store
        self.changed = changed

    def scopes(self) -> Iterator[tuple[str, Quota]]:
        """Yield who may have a budget, by the name under which it is counted. Reads the file."""
        stored = [] if self._own_store is None else self._own_store.all()
        for name, settings in [*self._settings.keys.items(), *((one.name, one.settings) for one in stored)]:
            yield f"key/{name}", settings
        for name, quota in self._settings.teams.items():
            yield f"team/{name}", quota

    def rows(self) -> list[JSONObject]:
        """Return all keys, without what they have used. Reads the file."""
        stored = [] if self._own_store is None else self._own_store.all()
        rows = [_row(key, None) for key in keys_of(self._settings.keys)]
        return rows + [_stored_row(one) for one in stored]

    def new(self, asked: Mapping[str, Any]) -> JSONObject:
        """
        Make a key. Return its name and `key`, the secret: nobody can show it again.

        Raises:
            RefusedError, ConfigurationError: the request is wrong; nothing has changed.
        """
        name, limits = checked_name(asked.get("name")), {**asked}
        del limits["name"]
        if name in self._settings.keys:
            raise RefusedError(BAD_REQUEST, f"there is a key {name!r} in the configuration already")
        store = self._store()
        if any(one.name == name for one in store.all()):
            hint = f"POST /admin/api/keys/{name}/rotate gives it a new secret"
            raise RefusedError(BAD_REQUEST, f"there is a key {name!r} already; {hint}")
        secret = store.new(name, self._checked(name, limits, asked))
        return {"name": name, "key": secret, "shown": secret[:SHOWN]}

    def change(self, name: str, asked: Mapping[str, Any]) -> JSONObject:
        """
        Change a key's limits, or disable or enable it; None removes a limit. Return its row.

        Raises: as `new`.
        """
        if not asked:
            raise RefusedError(BAD_REQUEST, "the body names nothing to change, such as disabled or rpm")
        wanted = {field: value for field, value in asked.items() if value is not None or field not in _FIELDS}

        def changed(known: KeySettings) -> KeySettings:
            kept = {field: value for field, value in _own_fields(known).items() if field not in asked}
            return self._checked(name, {**kept, **wanted}, asked)

        return _stored_row(self._stored(name).change(name, changed))

    def rotate(self, name: str) -> JSONObject:
        """Give a key a new secret. Return as `new`. Raises as `delete`."""
        secret = self._stored(name).rotate(name)
        return {"name": name, "key": secret, "shown": secret[:SHOWN]}

    def delete(self, name: str) -> JSONObject:
        """
        Forget a key.

        Raises:
            RefusedError: there is no such key, or it is in the configuration.
            ConfigurationError: the file cannot be used.
        """
        self._stored(name).delete(name)
        return {"name": name, "deleted": True}

    def _store(self) -> KeyStore:
        if self._own_store is None:
            raise RefusedError(BAD_REQUEST, "this gateway has no file for keys")
        return self._own_store

    def _stored(self, name: str) -> KeyStore:
        """Return the store, which has this key."""
        if name in self._settings.keys:
            raise RefusedError(BAD_REQUEST, f"the key {name!r} is in the configuration; change it there")
        store = self._store()
        known = [one.name for one in store.all()]
        if name not in known:
            raise RefusedError(NO_SUCH_PATH, f"there is no key {name[:80]!r}{did_you_mean(name, known)}")
        return store

    def _checked(self, name: str, limits: Mapping[str, Any], asked: Mapping[str, Any]) -> KeySettings:
        if "hash" in limits:
            raise RefusedError(BAD_REQUEST, "the gateway makes the secret; leave out hash")
        teams = msgspec.to_builtins(self._settings.teams)
        found = {"keys": {name: {**limits, "hash": _NO_HASH}}, "teams": teams}
        try:
            settings = checked(found, "").keys
            keys_of(settings)  # for its errors
            if "models" in asked:  # those of an old key may have gone since
                check_key_models(settings[name].models, self._settings.models)
        except ConfigurationError as error:
            raise RefusedError(BAD_REQUEST, _PLACE.sub("", str(error)).removeprefix(f"keys.{name}.")) from None
        return settings[name]


def _own_fields(settings: KeySettings) -> JSONObject:
    """Return what is set of a key, but its hash."""
    own, default = msgspec.to_builtins(settings), msgspec.to_builtins(KeySettings())
    return {field: value for field, value in own.items() if field != "hash" and value != default[field]}


def _stored_row(stored: StoredKey) -> JSONObject:
    (key,) = keys_of({stored.name: stored.settings})
    return _row(key, stored)


def _row(key: VirtualKey, stored: StoredKey | None) -> JSONObject:
    settings: JSONObject = msgspec.to_builtins(key.settings)
    digest = settings.pop("hash")
    return {
        "name": key.name,
        "shown": stored.shown if stored is not None else digest[: len("sha256:") + SHOWN],
        "source": "configuration" if stored is None else "store",
        "made_at": None if stored is None else stored.made_at,
        "expired": key.expires_at is not None and time.time() >= key.expires_at,
        **settings,
    }
