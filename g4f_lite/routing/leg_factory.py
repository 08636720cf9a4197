"""
Makes the legs of a provider and model: finds the keys, and the address to use.

Rule: reads the environment and the stored keys, and nothing else. The result says what it depends on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..provider.address import VARIABLE, check_base_url, check_is_base
from ..provider.base import KeyFunction, Provider
from ..provider.boundary import reason_to_skip
from ..provider.key_file import StoredKeysError
from ..provider.keys import Keys, NotAKeyError, clean, credentials_of, find_keys, may_be_stored, missing_key
from ..provider.leg import Leg
from ..provider.self_description import CHOOSING, obstacle_to
from ..types.json_values import is_encodable


class Obstacle(NamedTuple):
    """Why a provider cannot be used."""

    reason: str
    lacks_key: bool = False
    """Whether nothing but a key is missing."""


class Dependencies(NamedTuple):
    """What a result depends on, besides its arguments and the environment."""

    stored_keys: bool = False
    availability: Sequence[tuple[Provider, str | None]] = ()
    """Providers that define `unavailable_reason` themselves, and what it returned."""


class LegResult(NamedTuple):
    """The legs of one provider and model, or the obstacle; and what that depends on."""

    legs: Sequence[Leg] = ()
    obstacle: Obstacle | None = None
    depends_on: Dependencies = Dependencies()


class LegFactory:
    """
    Makes legs with the keys and base URLs of one client.

    Args:
        keys: provider name to key, to a function that returns one, or to a pool of them.
        base_urls: provider name to base URL.

    Raises:
        ConfigurationError: a key or a base URL is malformed.
    """

    def __init__(self, keys: Keys | None = None, base_urls: Mapping[str, str] | None = None) -> None:
        self._keys = {name: _frozen(pool) for name, pool in (keys or {}).items() if pool is not None}
        for name, pool in self._keys.items():
            if isinstance(pool, (bytes, bytearray)) or not (callable(pool) or isinstance(pool, (str, Sequence))):
                raise ConfigurationError(
                    f"keys[{quoted(name)}] must be a key, a function that returns one, or a list of them,"
                    f" not {type(pool).__name__}"
                )
            for value in [pool] if isinstance(pool, str) or callable(pool) else pool:
                if not callable(value):
                    clean(value, f"keys[{quoted(name)}]")
        self._base_urls = {
            name: check_base_url(url, f"base_urls[{quoted(name)}]") for name, url in (base_urls or {}).items()
        }
        self._moved: WeakKeyDictionary[Provider, dict[str, Provider]] = WeakKeyDictionary()

    def resolve_base_url(self, provider: Provider) -> Provider:
        """
        Return the provider with the base URL to use: from `base_urls`, the environment, or its own.

        Raises:
            ConfigurationError: the environment holds a malformed base URL, or the base URL is that of a request.
        """
        source = f"base_urls[{quoted(provider.name)}]"
        base = self._base_urls.get(provider.name)
        if base is None:
            source = base_url_variable(provider)
            override = os.environ.get(source)
            if override and override.strip():
                base = check_base_url(override, source)
            elif VARIABLE.search(provider.api_base) and missing_address(provider) is None:
                filled = VARIABLE.sub(lambda found: _variable(found[1]), provider.api_base)
                source = f"{provider.name}'s address, filled in from the environment,"
                base = check_base_url(filled, source)
            else:
                return provider
        moved = self._moved.setdefault(provider, {})
        if base not in moved:
            check_is_base(base, source, provider.api_base)
            moved[base] = provider.replace(api_base=base)
        return moved[base]

    def legs(self, provider: Provider, model: str, operation: str = "chat") -> LegResult:
        """
        Return one leg per key, one without a key if there is none and none is needed, or the obstacle.

        Raises:
            ConfigurationError: a key, a base URL or the model's name is malformed.
        """
        if not is_encodable(model):
            raise ConfigurationError(f"the model {quoted(model)} holds half of a surrogate pair, which is no character")
        try:
            return self._legs(provider, model, operation)
        except ConfigurationError:
            raise
        except BaseException as error:  # the plugin border
            reason = reason_to_skip(error, CHOOSING, provider)
        return LegResult(obstacle=Obstacle(reason), depends_on=Dependencies(availability=((provider, reason),)))

    def _legs(self, provider: Provider, model: str, operation: str) -> LegResult:
        reason = obstacle_to(provider)
        has_own_reason = type(provider).unavailable_reason is not Provider.unavailable_reason
        availability = ((provider, reason),) if has_own_reason else ()
        if reason is not None:
            return LegResult(obstacle=Obstacle(reason), depends_on=Dependencies(False, availability))
        try:
            keys = find_keys(provider, self._keys.get(provider.name))
        except (StoredKeysError, NotAKeyError) as error:
            advice = f"{missing_key(provider)}; {error}" if provider.needs_auth else f"no key: {error}"
            return LegResult(obstacle=Obstacle(advice, lacks_key=True), depends_on=Dependencies(True, availability))
        # The stored keys are read last: a key from another source does not depend on them.
        uses_stored = may_be_stored(provider) and (not keys or keys[0].source in ("stored", credentials_of(provider)))
        depends_on = Dependencies(uses_stored, availability)
        if not keys and provider.needs_auth:
            return LegResult(obstacle=Obstacle(missing_key(provider), lacks_key=True), depends_on=depends_on)
        placed = self.resolve_base_url(provider)
        if (reason := missing_address(placed)) is not None:
            if lacks_key := bool(keys) and keys[0].source == credentials_of(provider):  # nobody set up this provider
                reason = f"{missing_key(provider)}; {reason}"
            return LegResult(obstacle=Obstacle(reason, lacks_key), depends_on=depends_on)
        legs = [Leg(placed, model, key, operation) for key in keys or (None,)]
        return LegResult(legs, depends_on=depends_on)


def _frozen(pool: str | KeyFunction | Sequence[str | KeyFunction]) -> str | KeyFunction | Sequence[str | KeyFunction]:
    """Copy a list, so that later changes by the caller have no effect."""
    return tuple(pool) if isinstance(pool, list) else pool


def missing_address(provider: Provider) -> str | None:
    """Return what the provider's base URL lacks, and what to do; None if it is complete."""
    if provider._needs_address and not provider.api_base:
        return f"no address: set the provider's api_base or {base_url_variable(provider)}, or pass base_urls="
    missing = [variable for variable in VARIABLE.findall(provider.api_base) if not _variable(variable)]
    if not missing:
        return None
    wanted = " and ".join(one.replace("|", " or ") for one in dict.fromkeys(missing))
    return f"no address: set {wanted} (it is {provider.api_base}), or pass base_urls="


def _variable(names: str) -> str:
    """Return the value of a placeholder of an address; "" if none of its variables is set."""
    found = (os.environ.get(name, "").strip().rstrip("/") for name in names.split("|"))
    return next(filter(None, found), "")


def base_url_variable(provider: Provider) -> str:
    """Return the environment variable that overrides a provider's base URL, such as `GROQ_API_BASE`."""
    return f"{provider.name.upper().replace('-', '_')}_API_BASE"
