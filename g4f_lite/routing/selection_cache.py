"""
Remembers the selection of each choice of names: making it costs more than the rest of the routing.

Rule: a change counts at once. Every look-up compares all that a selection depends on: the directory, the
environment (keys, addresses), the stored keys, and each `unavailable_reason` that a provider defines itself.
"""

from __future__ import annotations

import os
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors.exceptions import G4FLiteError
from ..provider.keys import stored_keys_path, stored_version
from ..provider.redaction import hide_frames
from ..provider.self_description import obstacle_to
from .leg_factory import Dependencies, LegFactory
from .names import Directory, RouteChoice
from .selection import Selection, select

_MAX_SELECTIONS = 256

_environment: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
"""
The undecoded variables behind `os.environ`; where an interpreter has none, `os.environ` itself.

Private, because no public way is fast enough to be taken in every call: comparing 35 variables takes 2 µs this
way and 150 µs through `os.environ`, which decodes each of them. Reading only three by name takes 15 µs.
"""


class _Entry(NamedTuple):
    selection: Selection
    depends_on: Dependencies
    stored_keys: object
    """Their version when the selection was made."""


class _Epoch:
    """The selections made since the directory or the environment changed."""

    def __init__(self, directory: Directory) -> None:
        self.directory_version = directory.version
        self.environment = dict(_environment)
        self.stored_at = str(stored_keys_path() or "")
        self.entries: dict[Hashable, _Entry] = {}

    def is_current(self, directory: Directory) -> bool:
        return self.directory_version == directory.version and self.environment == _environment

    def find(self, names: Hashable | None) -> Selection | None:
        entry = None if names is None else self.entries.get(names)
        if entry is None:
            return None
        selection, (uses_stored, availability), version = entry
        if uses_stored and version != stored_version(self.stored_at):
            return None
        if availability and any(obstacle_to(provider) != reason for provider, reason in availability):
            return None
        return selection


class SelectionCache:
    """
    Selects legs for the names of a call, or returns what it selected for them before.

    Args:
        routes: those of the client.
        exact, named: as in `select`.
    """

    def __init__(
        self,
        directory: Directory,
        leg_factory: LegFactory,
        routes: Sequence[RouteChoice] | None,
        *,
        exact: bool = False,
        named: Container[object] | None = None,
    ) -> None:
        self._directory = directory
        self._leg_factory = leg_factory
        self._routes = routes
        self._exact = exact
        self._named = named
        self._epoch = _Epoch(directory)

    def get(self, provider: Any, model: Any, fallback_models: Any, operation: str = "chat") -> Selection:
        """
        Return the tiers for the names of a call. Calls share them: do not change them.

        Raises: as `routing.selection.select`.
        """
        epoch = self._epoch
        if not epoch.is_current(self._directory):
            epoch = self._epoch = _Epoch(self._directory)
        names = _names(provider, model, fallback_models, operation)
        if (known := epoch.find(names)) is not None:
            return known
        version = stored_version(epoch.stored_at)
        try:
            selection, depends_on = select(
                self._directory,
                self._leg_factory,
                provider=provider,
                model=model,
                fallback_models=fallback_models,
                routes=self._routes,
                exact=self._exact,
                named=self._named,
                operation=operation,
            )
        except G4FLiteError as error:
            hide_frames(error)  # those that look for keys
            raise
        if names is not None and epoch.is_current(self._directory):
            if len(epoch.entries) >= _MAX_SELECTIONS:
                epoch.entries.clear()
            epoch.entries[names] = _Entry(selection, depends_on, version)
        return selection


def _names(provider: Any, model: Any, fallback_models: Any, operation: str) -> Hashable | None:
    """Return the key of a choice of names; None if a class or an instance is among them."""
    if provider is not None and type(provider) is not str:
        return None
    if model is not None and type(model) is not str:
        return None
    if fallback_models is None:
        return provider, model, operation
    if type(fallback_models) not in (list, tuple):
        return None
    if fallback_models and any(type(one) is not str for one in fallback_models):
        return None
    return provider, model, operation, tuple(fallback_models)
