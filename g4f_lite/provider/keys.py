"""
Finds a provider's key: in the caller's argument, the environment, the stored keys, or the provider's own function.

Stored keys are one JSON object in a file that only its owner can read. Nothing here shows a key.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Awaitable, Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MethodType
from typing import TypeAlias

from ..errors.exceptions import AuthenticationError, ConfigurationError
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted
from ..errors.signal_handlers import raise_interruption
from .base import KeyFunction, Provider
from .key_file import StoredKeysError, change_keys, read_keys

Keys: TypeAlias = Mapping[str, str | KeyFunction | Sequence[str | KeyFunction]]

NO_HOME = "this user has no home folder; set G4F_LITE_CONFIG_DIR"
"""Why there is no place for stored keys."""


_QUOTED = re.compile(r"(['\"`]).*\1").fullmatch
_PLACEHOLDER = re.compile(
    r"\$\{?\w+\}?|<.*>|[A-Z][A-Z0-9_]*_(?:KEY|TOKEN)=.*|.*\.\.\."
    r"|(?i:(?:(?:enter|insert|paste|put)[-_])?your[-_].*|(?:change|replace)[-_]?me|.*[-_]key[-_]here)",
    re.DOTALL,
).fullmatch
"""What stands in examples in place of a key, a variable that was not expanded, or an assignment."""


class NotAKeyError(ConfigurationError):
    """What stands in the place of a key is none: the provider is without a key."""


class FunctionIdentity:
    """Stands for a function of the caller's: it holds the function, so that no other one is taken for it."""

    __slots__ = ("_function", "_parts")

    def __init__(self, function: KeyFunction) -> None:
        self._function = function
        is_method = isinstance(function, MethodType)  # which is another object whenever it is looked up
        self._parts = (id(function.__self__), id(function.__func__)) if is_method else (id(function),)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionIdentity) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)


class Key:
    """
    A secret and where it was found. Its repr shows a fingerprint; it cannot be pickled.

    A key with a `function` has no value: each attempt asks the function for one. Its identity is the function's, so
    that health, limits and lists of models are kept although the value changes.

    Args:
        identity: what is known is known of all keys with the same one; by default the fingerprint.
    """

    __slots__ = ("fingerprint", "function", "identity", "source", "value")

    def __init__(
        self,
        value: str,
        source: str,
        *,
        known_as: str | None = None,
        function: KeyFunction | None = None,
        identity: Hashable = None,
    ) -> None:
        self.value = value
        self.source = source
        self.fingerprint = fingerprint(value) if known_as is None else known_as
        self.identity = self.fingerprint if identity is None else identity
        self.function = function

    def get(self) -> str:
        """
        Return the value; ask the function for it, if there is one.

        Raises:
            AuthenticationError: the function failed, or returned no key.
            ConfigurationError: the function is asynchronous, or returned what no key can be.
        """
        if self.function is None:
            return self.value
        try:
            value = self.function()
        except Exception as error:
            raise self.failure(error) from None
        if isinstance(value, Awaitable):
            if (close := getattr(value, "close", None)) is not None:
                close()  # else Python warns of a coroutine that was never awaited
            raise ConfigurationError(f"the function of {self.source} is asynchronous: only AsyncClient can await it")
        return self.checked(value)

    def checked(self, value: object) -> str:
        """Return what the function returned if it is a key; raises as `get`."""
        if value is None or not (key := clean(value, f"the function of {self.source}")):
            raise AuthenticationError(f"the function of {self.source} returned no key")
        return key

    def failure(self, error: Exception) -> AuthenticationError:
        """Return the error for what the function raised. What may be a token in its message is left out."""
        raise_interruption(error)
        text = re.sub(r"[-\w.~+=]{40,}", "[…]", describe(error))[:300]
        said = f"{' '.join(text.split())} (at {place_of(error, self.function)})"
        return AuthenticationError(f"the function of {self.source} failed: {said}")

    def __repr__(self) -> str:
        return f"Key({self.fingerprint}, from {self.source})"

    def __reduce__(self) -> tuple[type[Key], tuple[str, str]]:
        raise TypeError("a key is never pickled")

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, memo: object) -> Key:
        return self


@lru_cache(maxsize=1024)
def fingerprint(value: str) -> str:
    """Return 8 hexadecimal digits that identify a key without revealing it."""
    return hashlib.sha256(b"g4f_lite" + value.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def clean(value: object, source: str) -> str:
    """
    Return a key without surrounding white space, which may be "".

    Raises:
        ConfigurationError: it is not a string, or contains characters that a header cannot carry.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"the key from {source} must be a string, not {type(value).__name__}")
    value = value.strip()
    if _QUOTED(value):
        raise NotAKeyError(f"the key from {source} stands in quotation marks; remove them")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ConfigurationError(f"the key from {source} holds a blank or a character that no key has; copy it again")
    return value


def _is_placeholder(value: str, source: str, found: list[NotAKeyError] | None) -> bool:
    """Return whether it stands in place of a key, and add it to `found`; if that is None, any key is taken."""
    if found is None or not _PLACEHOLDER(value):
        return False
    found.append(NotAKeyError(f"what {source} holds is no key but a placeholder; put the key in its place"))
    return True


def own_keys(provider: Provider) -> list[Key]:
    """Return the keys of the provider's attribute and environment variables, all of them, valid or not."""
    given = vars(provider).get("api_key", getattr(type(provider), "api_key", None))
    try:
        values = [given, *map(os.environ.get, provider.api_key_env)]
    except Exception as error:  # of its code
        raise_interruption(error)
        values = [given]
    return [Key(value, "") for value in values if isinstance(value, str) and value]


def find_keys(provider: Provider, given: str | KeyFunction | Sequence[str | KeyFunction] | None) -> tuple[Key, ...]:
    """
    Return the keys to use for a provider, the preferred first; () if there is none.

    Args:
        given: what the caller passed for this provider; a sequence is a pool.

    Returns:
        A key with a `function` has the value "": who uses it calls the function.

    Raises:
        ConfigurationError: the first key found is invalid (a StoredKeysError if it is a stored one); there are only
            placeholders (a NotAKeyError); or the provider lost its key in a pickle.
    """
    name = provider.name
    placeholders: list[NotAKeyError] | None = [] if provider.needs_auth else None
    if provider.api_key is not None and (found := _pool([provider.api_key], f"{name}'s api_key", placeholders)):
        return found
    if given is not None:
        pool = [given] if isinstance(given, str) or callable(given) else list(given)
        if found := _pool(pool, f"keys[{quoted(name)}]", placeholders):
            return found
    if provider._key_left_out:  # a key from elsewhere may be another account's
        raise ConfigurationError(
            f"the api_key of {name} was left out when the provider was pickled, as a pickle never holds a key:"
            " give it again, with keys= or provider.replace(api_key=…)"
        )
    for variable in provider.api_key_env:
        value = clean(os.environ.get(variable, ""), variable)
        if value and not _is_placeholder(value, variable, placeholders):
            return (Key(value, variable),)
    stored = stored_key(name) if may_be_stored(provider) else ""
    if stored and not _is_placeholder(stored, "the stored key", placeholders):
        return (Key(stored, "stored"),)
    if (function := provider.key_function()) is not None:
        return _pool([function], credentials_of(provider), placeholders, own=True)
    if placeholders:
        raise placeholders[0]
    return ()


def credentials_of(provider: Provider) -> str:
    """Return the source of a key that the provider's own function gets."""
    return f"{provider.name}'s credentials"


def _pool(
    values: Sequence[str | KeyFunction], source: str, placeholders: list[NotAKeyError] | None, *, own: bool = False
) -> tuple[Key, ...]:
    """
    Return the keys of a pool, each once, none empty and none a placeholder.

    Args:
        own: a function is the provider's own, so that all processes get keys of one account.
    """
    keys: dict[str, Key] = {}
    for number, one in enumerate(values, 1):
        if callable(one):
            name = "function" if number == 1 else f"function {number}"
            key = Key("", source, known_as=name, function=one, identity=None if own else FunctionIdentity(one))
        elif (value := clean(one, source)) and not _is_placeholder(value, source, placeholders):
            key = Key(value, "argument")
        else:
            continue
        keys.setdefault(key.fingerprint, key)
    return tuple(keys.values())


def may_be_stored(provider: Provider) -> bool:
    """Return whether stored keys are consulted for a provider: only if it can use a key."""
    return provider.needs_auth or bool(provider.api_key_env)


# -- stored keys ---------------------------------------------------------------------------


def stored_keys_path() -> Path | None:
    """
    Return the file of stored keys: in `G4F_LITE_CONFIG_DIR`, or the user's configuration folder.

    None if the user has no home folder, as an unknown user in a container: see `NO_HOME`.
    """
    if own := os.environ.get("G4F_LITE_CONFIG_DIR"):
        folder = own
    elif sys.platform == "win32":
        folder = f"{os.environ.get('APPDATA') or '~/AppData/Roaming'}/g4f_lite"
    elif sys.platform == "darwin":
        folder = "~/Library/Application Support/g4f_lite"
    else:
        folder = f"{os.environ.get('XDG_CONFIG_HOME') or '~/.config'}/g4f_lite"
    try:
        return Path(folder).expanduser() / "keys.json"  # no shell has done it if a file for containers sets it
    except RuntimeError:
        return None


def stored_version(path: Path | str) -> tuple[int, int, int] | None:
    """Return a value that changes whenever the file at this path does; None if there is no file."""
    try:
        stat = os.stat(path)  # noqa: PTH116  # called in every call, with a path that was built once
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


_cache: tuple[object, dict[str, str]] | None = None


def load_stored() -> dict[str, str]:
    """
    Return the stored keys by provider name; read again only when the file has changed.

    Raises:
        StoredKeysError: the file exists but is not a JSON object of strings.
    """
    global _cache
    path = stored_keys_path()
    if path is None or (seen := stored_version(path)) is None:
        return {}
    cached = _cache  # once: another thread may replace it
    if cached is not None and cached[0] == (path, seen):
        return cached[1]
    stored = read_keys(path)
    _cache = (path, seen), stored
    return stored


def stored_key(name: str) -> str:
    """
    Return the stored key for a provider name; "" if there is none.

    Raises:
        StoredKeysError: the file cannot be read, or has an invalid key under this name.
    """
    stored = load_stored().get(name, "")
    try:
        return clean(stored, f"{stored_keys_path()} ({name})")
    except ConfigurationError as error:
        raise StoredKeysError(str(error)) from None


def store_key(name: str, value: str) -> Path:
    """
    Store a key for a provider name, in place of an earlier one, and return the file's path.

    Raises:
        ConfigurationError: the key is empty or invalid, or the user has no home folder.
        StoredKeysError: the file cannot be read.
        OSError: it cannot be written.
    """
    cleaned = clean(value, "the input")
    if not cleaned:
        raise ConfigurationError("the key is empty; nothing was stored")
    if _PLACEHOLDER(cleaned):
        raise NotAKeyError("the input is no key but a placeholder; nothing was stored")
    path = stored_keys_path()
    if path is None:
        raise ConfigurationError(f"the key cannot be stored: {NO_HOME}")

    def change(keys: dict[str, str]) -> bool:
        keys[name] = cleaned
        return True

    change_keys(path, change)
    return path


def remove_key(name: str) -> bool:
    """Remove a stored key; False if there was none. Raises as `store_key`."""
    path = stored_keys_path()
    if path is None or not path.exists():
        return False
    return change_keys(path, lambda keys: keys.pop(name, None) is not None)


def missing_key(provider: Provider) -> str:
    """Return why a provider without a key is skipped, and what to do."""
    ways = [f"set {provider.api_key_env[0]}"] if provider.api_key_env else []
    ways += [f"run `g4f-lite keys set {provider.name}`", "pass keys="]
    page = f"; get one at {provider.login_url}" if provider.login_url else ""
    return f"no key: {', or '.join(ways)}{page}{not_read(set_in_vain(provider.api_key_env))}"


def not_read(variable: str) -> str:
    """Return the end of a message about a missing key, for what `set_in_vain` returned."""
    return f"; {variable} is set, but is not read" if variable else ""


def set_in_vain(variables: Sequence[str]) -> str:
    """Return which variable is set whose name is nearly one of those that are read; "" if there is none."""
    begin = variables[0].partition("_")[0] if variables else ""
    for name in os.environ if begin else ():
        upper = name.upper()
        alike = upper.startswith(f"{begin}_") and ("KEY" in upper or "TOKEN" in upper) and name not in variables
        if alike and os.environ.get(name, "").strip():  # another thread may remove it
            return name
    return ""
