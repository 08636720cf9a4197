"""
Virtual keys: their form, and whose key a request carries.

Rule: a key is known by its SHA-256 alone. Looking one up asks no database.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest

import msgspec

from ..errors.exceptions import ConfigurationError
from .settings import KeySettings
from .star_patterns import star_pattern

PREFIX = "g4f-"
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 43
SHOWN = 8
"""How many of its first characters are kept to tell keys apart."""
_LONGEST = 512


@lru_cache(maxsize=1024)
def _fits(patterns: tuple[str, ...], model: str) -> bool:
    return any(star_pattern(pattern).fullmatch(model) for pattern in patterns)


class VirtualKey(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it is, and what it may do."""

    name: str
    settings: KeySettings
    expires_at: float | None = None
    """Unix time."""

    def allows(self, model: str) -> bool:
        """Return whether it may ask for a model, by the name that callers use."""
        return _fits(self.settings.models, model)


ANYBODY = VirtualKey(name="anybody", settings=KeySettings())
"""Who asks a gateway that demands no keys."""
ADMIN = VirtualKey(name="admin", settings=KeySettings())
"""Who asks with the administrator's key."""


def new_key() -> str:
    """Return a new key: `g4f-` and 43 random letters and digits, 256 bits."""
    return PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def hash_of(key: str) -> str:
    """Return `sha256:` and the digest of a key."""
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()}"


def is_admin(headers: Mapping[str, str], admin: str) -> bool:
    """Return whether a request carries the administrator's key, as a bearer token; `admin` is its hash."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and len(key) <= _LONGEST and compare_digest(hash_of(key.strip()), admin)


class KeyRing:
    """
    The keys that are valid, by hash.

    Raises:
        ConfigurationError: two keys have the same hash, or an end that is no date.
    """

    def __init__(self, keys: Iterable[VirtualKey]) -> None:
        self._by_hash: dict[str, VirtualKey] = {}
        for key in keys:
            if (other := self._by_hash.setdefault(key.settings.hash, key)) is not key:
                raise ConfigurationError(f"the keys {other.name!r} and {key.name!r} are the same key")

    def __bool__(self) -> bool:
        return bool(self._by_hash)

    def find(self, headers: Mapping[str, str], now: float) -> VirtualKey | None:
        """
        Return whose key a request carries, as a bearer token or as `x-api-key`; None if it is not valid.

        Args:
            now: Unix time.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not token or len(token) > _LONGEST:
            return None
        key = self._by_hash.get(hash_of(token))
        if key is None or key.settings.disabled or (key.expires_at is not None and now >= key.expires_at):
            return None
        return key


def keys_of(settings: Mapping[str, KeySettings]) -> list[VirtualKey]:
    """
    Return the keys of a configuration.

    Raises:
        ConfigurationError: an end is no date.
    """
    return [
        VirtualKey(name=name, settings=one, expires_at=_moment(name, one.expires)) for name, one in settings.items()
    ]


def _moment(name: str, expires: str | None) -> float | None:
    if expires is None:
        return None
    try:
        moment = datetime.fromisoformat(expires)
    except ValueError:
        raise ConfigurationError(f"[keys.{name}] expires must be a date such as 2027-01-31, not {expires!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
