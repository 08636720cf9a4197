"""A provider with the address and the keys that this client uses for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from ..errors.exceptions import ConfigurationError
from ..provider.address import VARIABLE, check_base_url
from ..provider.base import Provider
from ..provider.keys import Keys, StoredKeysError, clean, find_keys, missing_key
from ..provider.leg import Leg


class LegFactory:
    """
    Makes legs of providers.

    Args:
        keys: provider name to key, or to a pool of keys.
        base_urls: provider name to base URL.

    Raises:
        ConfigurationError: a key or an address that cannot work.
    """

    def __init__(self, keys: Keys | None = None, base_urls: Mapping[str, str] | None = None) -> None:
        self._keys = {name: _frozen(pool) for name, pool in (keys or {}).items() if pool is not None}
        for name, pool in self._keys.items():
            if not isinstance(pool, (str, Sequence)):
                raise ConfigurationError(f"keys[{name!r}] must be a key or a list of keys, not {type(pool).__name__}")
            for value in [pool] if isinstance(pool, str) else pool:
                clean(value, f"keys[{name!r}]")
        self._base_urls = {name: check_base_url(url, f"base_urls[{name!r}]") for name, url in (base_urls or {}).items()}
        self._moved: WeakKeyDictionary[Provider, dict[str, Provider]] = WeakKeyDictionary()

    def resolve_base_url(self, provider: Provider) -> Provider:
        """Return the provider at the address to use: `base_urls`, the environment, its own."""
        base = self._base_urls.get(provider.name)
        if base is None:
            variable = base_url_variable(provider)
            given = os.environ.get(variable)
            if given and given.strip():
                base = check_base_url(given, variable)
            elif VARIABLE.search(provider.api_base) and missing_address(provider) is None:
                filled = VARIABLE.sub(lambda found: _variable(found[1]), provider.api_base)
                base = check_base_url(filled, f"{provider.name}'s address, filled in from the environment,")
            else:
                return provider
        moved = self._moved.setdefault(provider, {})
        if base not in moved:
            moved[base] = provider.replace(api_base=base)
        return moved[base]

    def legs(self, provider: Provider, model: str, operation: str = "chat") -> list[Leg] | str:
        """Return a leg for each key, or the reason why there is none."""
        if (reason := provider.unavailable_reason()) is not None:
            return reason
        try:
            keys = find_keys(provider, self._keys.get(provider.name))
        except StoredKeysError as error:
            return MissingKey(f"{missing_key(provider)}; {error}" if provider.needs_auth else f"no key: {error}")
        if not keys and provider.needs_auth:
            return MissingKey(missing_key(provider))
        placed = self.resolve_base_url(provider)
        if (reason := missing_address(placed)) is not None:
            return reason
        return [Leg(placed, model, key, operation) for key in keys] or [Leg(placed, model, None, operation)]


class MissingKey(str):
    """The reason why a provider has no legs, if nothing but a key is missing."""

    __slots__ = ()


def _frozen(pool: str | Sequence[str]) -> str | Sequence[str]:
    """What the caller does to its list afterwards does not count."""
    return tuple(pool) if isinstance(pool, list) else pool


def missing_address(provider: Provider) -> str | None:
    """Return why a provider's address is not known yet, and what to do; None if it is."""
    missing = [variable for variable in VARIABLE.findall(provider.api_base) if not _variable(variable)]
    if not missing:
        return None
    return f"no address: set {' and '.join(missing)} (it is {provider.api_base}), or pass base_urls="


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip().rstrip("/")


def base_url_variable(provider: Provider) -> str:
    """Return the environment variable that overrides a provider's address, such as `GROQ_API_BASE`."""
    return f"{provider.name.upper().replace('-', '_')}_API_BASE"
