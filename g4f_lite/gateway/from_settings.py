"""What a gateway is made of, as its settings say: the client that answers, the link to the state, the tracing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.async_client import AsyncClient
from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..health.stores.local_link import Link
from ..health.stores.memory import MemoryState
from ..health.stores.opening import link_to, sqlite_url, state_from_url
from .models import tiers_of
from .own_providers import check_names, own_providers
from .settings import Settings, keys_of_services

if TYPE_CHECKING:
    from .tracing import GatewayTracing


def spend_path(usage: Path | None) -> Path | None:
    """Return the file for what was spent, beside that in which what keys use is counted."""
    return None if usage is None else usage.with_name(f"{usage.stem.removesuffix('-usage')}-spend{usage.suffix}")


def link_of(settings: Settings, usage: Path | None) -> Link:
    """
    Return the link to the state in which what keys use is counted.

    Raises:
        ConfigurationError: `[server] shared` names no state.
    """
    url = _state_url(settings, usage)
    return link_to(MemoryState()) if url is None else link_to(state_from_url(url), owned=True)


def _state_url(settings: Settings, usage: Path | None) -> str | None:
    return settings.server.shared or (None if usage is None else sqlite_url(usage))


def tracing_of(settings: Settings) -> GatewayTracing | None:
    """
    Return what traces requests, if `[server] tracing` says so.

    Raises:
        ConfigurationError: a package for it is not installed.
    """
    if not settings.server.tracing:
        return None
    try:
        from .tracing import GatewayTracing

        return GatewayTracing(propagate=settings.server.propagate)
    except ImportError as error:
        wanted = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        raise ConfigurationError(f"[server] tracing: {error}; run: pip install {wanted}") from None


def client_of(settings: Settings, plugins: Sequence[object], usage: Path | None) -> AsyncClient:
    """
    Return the client that answers. Its limits and its budget are counted where the keys' use is.

    Raises:
        ConfigurationError: a setting cannot work, or a key is not where it should be.
    """
    upstream = settings.client
    keys = keys_of_services(settings)
    check_names(settings)
    counts = bool(upstream.limits) or upstream.budget is not None
    added, shared = list(own_providers(settings)), settings.server.shared
    if shared is not None:
        try:
            state_from_url(shared)
        except ConfigurationError as error:
            raise ConfigurationError(f"[server] shared: {error}") from None
    try:
        policy = upstream.keywords()
        if policy["on_interrupt"] == "restart":  # no event tells callers to forget what they have
            policy["on_interrupt"] = "raise"
        client = AsyncClient(
            **policy,
            keys=keys,
            base_urls=upstream.base_urls,
            proxy=upstream.proxy,
            plugins=[*plugins, *added],
            state=_state_url(settings, usage) if shared or counts else None,
            join_events=True,
        )
    except G4FLiteError as error:
        raise ConfigurationError(f"[client] {error}") from None
    for name, model in settings.models.items():
        try:
            client.with_routes(tiers_of(model), model.strategy or upstream.strategy)  # for its errors
        except G4FLiteError as error:
            raise ConfigurationError(f"[models.{name}]: {error}") from None
    return client
