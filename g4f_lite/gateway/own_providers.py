"""The providers that a configuration adds: services at addresses of its own, and further accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..client.own_service import CAPABILITIES
from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..errors.suggestions import did_you_mean
from ..plugins.registry import process_registry
from ..provider.address import check_base_url, check_is_base
from ..provider.base import Provider
from ..provider.openai_protocol.chat import OpenaiTemplate
from .settings import Settings


def own_providers(settings: Settings) -> Iterator[type[Provider]]:
    """
    Yield the class of each of `[providers]`.

    Raises:
        ConfigurationError: it is like none that there is, or its name or address cannot be used.
    """
    for name, one in settings.providers.items():
        fields: dict[str, Any] = {"name": name, "label": name, "automatic": False}
        try:
            base: type[Provider] = OpenaiTemplate
            if one.like is None:
                fields["capabilities"] = CAPABILITIES
            else:
                base = type(process_registry().get(one.like))
            if one.base_url is not None:
                check_is_base(check_base_url(one.base_url, "base_url"), "base_url", base.api_base)
                fields |= {"api_base": one.base_url, "needs_auth": one.key is not None, "api_key_env": ()}
            yield type(name, (base,), {"__module__": __name__, **fields})
        except G4FLiteError as error:
            raise ConfigurationError(f"[providers.{name}]: {error}") from None


def check_names(settings: Settings) -> None:
    """
    Check the names of providers in `[client]`.

    Raises:
        ConfigurationError: there is no such provider.
    """
    registry, client = process_registry(), settings.client
    for what, names in (("keys", client.keys), ("base_urls", client.base_urls), ("limits", client.limits)):
        for name in names:
            provider = name.partition(":")[0]
            if provider not in settings.providers and not registry.knows(provider):
                known = [*settings.providers, *registry.names()]
                raise ConfigurationError(f"[client] {what}: no provider {provider!r}{did_you_mean(provider, known)}")
