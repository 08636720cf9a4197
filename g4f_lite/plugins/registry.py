"""
The registry: the names of all providers and strategies, which plugin each comes from, and which takes precedence.

Providers are looked up in this order: the client's own plugins, those that `g4f_lite.register` added, bundled ones,
third-party ones. Names come from tables and metadata; a plugin is imported when its provider is asked for. A plugin
that fails is recorded with its error; other plugins are unaffected.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import attrgetter

from ..errors.exceptions import PluginLoadError, UnknownProviderError
from ..errors.quoted_values import quoted
from ..errors.signal_handlers import is_interruption
from ..errors.suggestions import did_you_mean
from ..forks import reset_in_child
from ..provider.base import Provider
from ..provider.self_description import declared
from ..routing.strategies import Strategy
from ..value import Unpicklable
from .checks import as_provider, is_provider
from .isolation import Loader
from .observers import Observers
from .sources import (
    HOOKS_GROUP,
    LOAD_PLUGINS,
    PluginInfo,
    PluginSource,
    bundled,
    discover,
    vain_choices,
    warn_broken,
    warn_shadowed,
)

log = logging.getLogger("g4f_lite.plugins")
KINDS = ("bundled", "client", "route", "code", "third-party")
"""In the order of `automatic_names`."""


class Registry(Unpicklable):
    """
    Providers, strategies and hooks, by name.

    The process has one. A client with plugins of its own has another one, whose parent is that of the process.

    Args:
        plugins: provider classes or instances, and modules or objects with hooks.
        routes: providers that are known by their names; of two with one name, the first.
        parent: asked for every name that is not found here.

    Raises:
        PluginLoadError: one of `plugins` cannot be used.
    """

    # An attrgetter, because each call reads it: a function would cost a frame.
    version: int = property(attrgetter("_observers.root.version"))  # type: ignore[assignment]  # an int to its readers
    """Rises whenever a provider, strategy or hook comes or goes, here or in a registry with the same root."""

    def __init__(
        self,
        plugins: Iterable[object] | None = None,
        routes: Sequence[Provider] = (),
        *,
        parent: Registry | None = None,
    ) -> None:
        self._parent = parent
        self._root: Registry = self if parent is None else parent._root
        self._lock = threading.RLock()
        reset_in_child(self)
        self._loader = Loader()
        self._observers: Observers = Observers(self._loader.manager, None if parent is None else parent._observers)
        self.observe = self._observers.observe
        self.observed = self._observers.observed
        self.wants = self._observers.wants
        self.request_headers = self._observers.request_headers
        self.refine_error = self._observers.refine_error
        self._all: list[PluginSource] = []
        self._added: dict[str, PluginSource] = {}
        """Added in code, by the name of each provider."""
        self._installed: dict[str, PluginSource] = {}
        """Bundled and third-party, by the name of the provider; loaded when it is asked for."""
        self._misnamed: dict[str, PluginSource] = {}
        self._strategies: dict[str, Strategy] = {}
        self._hooks: deque[PluginSource] = deque()
        """Those still to be loaded."""
        self._broken_hooks: deque[PluginSource] = deque()
        """Those of which no client has warned yet."""
        self._tables_read = self._hooks_loaded = False
        for plugin in () if plugins is None else plugins:
            self.register(plugin, kind="client")
        for provider in reversed(routes):
            self.register(provider, kind="route")

    # -- adding ----------------------------------------------------------------------------

    def register(self, plugin: object, *, kind: str = "code") -> None:
        """
        Add a provider (class or instance), or a module or object with hooks.

        Raises:
            PluginLoadError: it cannot be used; nothing of it is registered.
        """
        with self._lock:
            source = PluginSource(_name_of(plugin), kind, lambda: plugin)
            if is_provider(plugin):
                provider = as_provider(plugin)
                source.name, source.providers, source.loaded = provider.name, {provider.name: provider}, True
            elif not self._activate(source):
                raise PluginLoadError(f"the plugin {source.name!r} cannot be used: {source.error}")
            self._all.append(source)
            for name in source.providers:
                self._add(name, source)
            self._changed()

    def _add(self, name: str, source: PluginSource) -> None:
        """Make a provider known. Of two that were added in the same way, the later one takes precedence."""
        own = self._added.get(name) or self._installed.get(name)
        other = self._parent._source(name) if own is None and self._parent is not None else own
        self._added[name] = source
        if own is not None:
            own.shadowed_by = str(source)
        if other is not None and source.kind not in (other.kind, "route") and not _same(name, other, source):
            warn_shadowed(other, source)

    def scan(self) -> None:
        """Load the hooks of third-party plugins, unless that is done, and warn of broken ones; for new clients."""
        self._load_hooks()
        while broken := self._root._broken_hooks:
            with suppress(IndexError):  # another thread took it
                warn_broken(broken.popleft())

    def _load_hooks(self) -> None:
        root = self._root
        if root._hooks_loaded:
            return
        with root._lock:
            root._read_tables()
            while root._hooks:
                if not root._activate(source := root._hooks.popleft()):
                    root._broken_hooks.append(source)
            root._hooks_loaded = True

    def _read_tables(self) -> None:
        """Read which bundled and third-party plugins there are, once; none of them is imported."""
        if self._tables_read:
            return
        found = [*bundled(), *discover()]
        shadowed = []
        with self._lock:
            if self._tables_read:
                return
            for source in found:
                self._all.append(source)
                if source.group == HOOKS_GROUP:
                    self._hooks.append(source)
                elif source.error is not None:
                    self._misnamed[source.name] = source
                elif (first := self._added.get(source.name) or self._installed.get(source.name)) is not None:
                    source.shadowed_by = str(first)
                    shadowed.append((source, first))
                else:
                    self._installed[source.name] = source
            self._tables_read = True
            self._changed()
        for source, first in shadowed:
            warn_shadowed(source, first)

    def _activate(self, source: PluginSource) -> bool:
        """Load one plugin; False if it is broken."""
        try:
            usable = self._loader.load(source)
            for name, strategy in source.strategies.items():
                others = (one for one in self._all if one.distribution != source.distribution)
                first = next((one for one in others if name in one.strategies), None)
                if first is None or source.kind != "third-party":
                    self._strategies[name] = strategy
                else:
                    source.notes.append(f"its strategy {quoted(name)} is shadowed by that of {first}")
                    log.warning("the plugin %s: %s", source, source.notes[-1])
        finally:
            self._changed()
        return usable

    def _changed(self) -> None:
        self._observers.root.version += 1

    # -- looking up ------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return all provider names in the order of precedence, without importing a plugin."""
        self._root._read_tables()
        inherited = self._parent.names() if self._parent else []
        return list(dict.fromkeys([*self._added, *self._installed, *inherited]))

    def automatic_names(self) -> list[str]:
        """Return the names in the order for a call that names nothing: as `KINDS`, with `local` as the last one."""

        def rank(name: str) -> tuple[bool, int]:
            source = self._source(name)
            return (name == "local", KINDS.index(source.kind) if source is not None else len(KINDS))

        return sorted(self.names(), key=rank)

    def with_own_parameter(self, parameter: str) -> list[str]:
        """
        Return the names of the providers that declare a parameter as their service's own; those of third-party plugins
        that are not loaded are left out: nobody has asked for them.
        """
        found = []
        for name in self.names():
            if (source := self._source(name)) is None or (source.kind == "third-party" and not source.providers):
                continue
            with suppress(PluginLoadError):
                provider = self.get(name)
                if hasattr(type(provider), "own_parameters") and parameter in declared(provider, "own_parameters"):
                    found.append(name)
        return found

    def knows(self, name: str) -> bool:
        """Return whether a provider has this name."""
        return self._source(name) is not None

    def get(self, name: str) -> Provider:
        """
        Return the provider of this name, and load its plugin if necessary.

        Raises:
            UnknownProviderError: no provider has this name; the message suggests the closest one.
            PluginLoadError: its plugin is broken.
        """
        source = self._source(name) or self._root._misnamed.get(name)
        if source is None:
            raise UnknownProviderError(self._unknown(name))
        if name not in source.providers:
            self._root._load(source)
        return source.providers[name]

    def _source(self, name: str) -> PluginSource | None:
        if (added := self._added.get(name)) is not None:
            return added
        if self._parent is not None:
            return self._parent._source(name)
        self._read_tables()
        return self._installed.get(name)

    def _load(self, source: PluginSource) -> None:
        with self._lock:
            if not source.loaded and source.error is None:
                self._activate(source)
            error = source.error or ("" if source.providers else "it requests itself while it is being loaded")
        if error:
            switch = f"; to switch plugins off, set {LOAD_PLUGINS}" if source.kind == "third-party" else ""
            raise PluginLoadError(f"the provider {source} cannot be loaded: {error}{switch}")

    def _unknown(self, name: str) -> str:
        names = self.names()
        provider = name.partition(":")[0]
        if provider != name and self.knows(provider):
            return f"{quoted(name)} is a route, not a provider; write model={quoted(name)}"
        owner, slash, model = name.partition("/")
        if slash and self.knows(owner):
            return f"there is no provider {quoted(name)}; a route is written {quoted(f'{owner}:{model}')}"
        parts = [part.strip() for part in name.split(",")]
        if len(parts) > 1 and all(map(self.knows, parts)):
            return f"there is no provider {quoted(name)}; several are a list: provider={quoted(parts)}"
        hint = did_you_mean(name.lower(), names, ".", cutoff=0.5)
        return " ".join([f"there is no provider {quoted(name)}{hint}", *vain_choices(), f"Known: {', '.join(names)}"])

    def strategy(self, name: str) -> Strategy | None:
        """Return the strategy that a plugin registered under this name, or None."""
        self._load_hooks()
        own = self._strategies.get(name)
        return own if own is not None or self._parent is None else self._parent.strategy(name)

    def strategy_names(self) -> list[str]:
        self._load_hooks()
        return [*self._strategies, *(self._parent.strategy_names() if self._parent else ())]

    def plugins(self) -> list[PluginInfo]:
        """Return all plugins, without loading providers that have not been asked for yet."""
        self._load_hooks()
        return [source.info() for source in self.sources()]

    def sources(self) -> list[PluginSource]:
        """Return where all plugins come from, without importing any."""
        self._root._read_tables()
        return [*self._all, *(self._parent.sources() if self._parent else ())]

    def after_fork(self) -> None:
        self._lock = threading.RLock()


def _name_of(plugin: object) -> str:
    """Return the name of a plugin that is registered in code: of the module or class, or of the object's class."""
    try:
        name = plugin.__name__  # type: ignore[attr-defined]  # asked for
    except BaseException as error:  # the plugin border
        if is_interruption(error):
            raise
        name = None
    return name if isinstance(name, str) else type(plugin).__name__


def _same(name: str, one: PluginSource, other: PluginSource) -> bool:
    """Return whether both offer the same provider: a class that is given twice shadows nothing."""
    return type(one.providers.get(name)) is type(other.providers.get(name))


_process_registry: Registry | None = None
_process_lock = threading.Lock()


def process_registry() -> Registry:
    """Return the registry that all clients of this process share."""
    global _process_registry
    with _process_lock:
        if _process_registry is None:
            _process_registry = Registry()
        return _process_registry


def register(provider: type[Provider] | Provider | object) -> None:
    """
    Make a provider, or a plugin object with hooks, known to every client of this process.

    Raises:
        PluginLoadError: it cannot be used.
    """
    process_registry().register(provider)


def provider_names() -> list[str]:
    """Return the names of all known providers, without importing a plugin."""
    return process_registry().names()


def _after_fork() -> None:
    global _process_lock
    _process_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
