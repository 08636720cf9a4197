"""
The selection of each call, remembered: it costs more than all the rest of the routing.

It depends on what the caller names, the registry, the environment (keys, addresses), the stored keys,
and on what a provider's own `unavailable_reason` says; each of them is looked at in every call, so that a
change counts at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from ..plugins.registry import Registry
from ..provider.base import Provider
from ..provider.keys import may_be_stored, stored_keys_path, stored_version
from ..provider.leg import Leg
from .leg_factory import LegFactory
from .selection import ProviderChoice, Selection, select

_MOST = 256

_environment: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
"""What stands behind `os.environ`: compared as it is, it costs a twentieth of reading it decoded."""


class _Remembered(NamedTuple):
    selection: Selection
    reasons: Sequence[tuple[Callable[[], str | None], str | None]]
    """What providers with their own `unavailable_reason` have said."""
    looks_in_store: bool
    stored: object
    """The version of the stored keys, where they have been asked for one."""


class _Epoch:
    """As long as nothing changes, what was selected for each choice of names."""

    def __init__(self, registry: Registry) -> None:
        self.changes = registry.changes.version
        self.environment = dict(_environment)
        self.stored_at = str(stored_keys_path())
        self.selections: dict[Hashable, _Remembered] = {}

    def lasts(self, registry: Registry) -> bool:
        return self.changes == registry.changes.version and self.environment == _environment

    def find(self, names: Hashable | None) -> Selection | None:
        known = None if names is None else self.selections.get(names)
        if known is None or (known.looks_in_store and known.stored != stored_version(self.stored_at)):
            return None
        if known.reasons and any(ask() != reason for ask, reason in known.reasons):
            return None
        return known.selection


class SelectionCache:
    """
    Args:
        routes: the client's.
    """

    def __init__(self, registry: Registry, leg_factory: LegFactory, routes: Sequence[ProviderChoice] | None) -> None:
        self._registry = registry
        self._leg_factory = leg_factory
        self._routes = routes
        self._epoch = _Epoch(registry)

    def get(self, provider: Any, model: Any, fallback_models: Any, operation: str = "chat") -> Selection:
        """
        Return the tiers for what a call names; they are shared by calls, so leave them as they are.

        Raises: as `routing.selection.select`.
        """
        epoch = self._epoch
        if not epoch.lasts(self._registry):
            epoch = self._epoch = _Epoch(self._registry)
        names = _names(provider, model, fallback_models, operation)
        if (known := epoch.find(names)) is not None:
            return known
        stored = stored_version(epoch.stored_at)
        maker = _RecordingFactory(self._leg_factory)
        selection = select(
            self._registry,
            maker,
            provider=provider,
            model=model,
            fallback_models=fallback_models,
            routes=self._routes,
            operation=operation,
        )
        if names is not None and epoch.lasts(self._registry):
            if len(epoch.selections) >= _MOST:
                epoch.selections.clear()
            epoch.selections[names] = _Remembered(selection, maker.reasons, maker.looks_in_store, stored)
        return selection


class _RecordingFactory:
    """A leg maker that notes what may change its answers, besides environment and registry."""

    def __init__(self, leg_factory: LegFactory) -> None:
        self._leg_factory = leg_factory
        self.reasons: list[tuple[Callable[[], str | None], str | None]] = []
        self.looks_in_store = False

    def legs(self, provider: Provider, model: str, operation: str = "chat") -> list[Leg] | str:
        if type(provider).unavailable_reason is not Provider.unavailable_reason:
            self.reasons.append((provider.unavailable_reason, provider.unavailable_reason()))
        legs = self._leg_factory.legs(provider, model, operation)
        # The store is asked last: a key from elsewhere says that it was not.
        if isinstance(legs, str) or any(leg.key is None or leg.key.source == "stored" for leg in legs):
            self.looks_in_store |= may_be_stored(provider)
        return legs


def _names(provider: Any, model: Any, fallback_models: Any, operation: str) -> Hashable | None:
    """Return what to remember a selection by; None if it is not by names alone."""
    if provider is not None and type(provider) is not str:
        return None
    if model is not None and type(model) is not str:
        return None
    if fallback_models is None:
        return provider, model, operation
    if type(fallback_models) not in (list, tuple) or any(type(one) is not str for one in fallback_models):
        return None
    return provider, model, operation, tuple(fallback_models)
