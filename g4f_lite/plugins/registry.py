"""
The registry: which providers there are, and the plugins they come from.

Looked up in this order: the client's own plugins, what `g4f_lite.register` added, bundled, third
party. Names come from tables and metadata; a plugin's code is imported when its provider is asked
for. A plugin that fails is unregistered and remembered with its error; the others never notice.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy

from ..errors.exceptions import PluginLoadError, ProviderError, UnknownProviderError
from ..forks import reset_in_child
from ..provider.base import NAME, Provider
from ..routing.strategies import Strategy
from ..suggestions import did_you_mean
from . import hookspecs
from .checks import as_provider, hooks_of, is_provider, provider_collector, strategy_collector
from .loading import capture_load
from .sources import (
    HOOKS_GROUP,
    LOAD_PLUGINS,
    OURS,
    PROVIDERS_GROUP,
    PluginInfo,
    PluginSource,
    describe,
    discover,
    warn_shadowed,
)

if TYPE_CHECKING:
    from ..errors.reply import ErrorReply
    from ..trail import Attempt, Trail

KINDS = ("bundled", "client", "code", "third-party")
"""In the order of `automatic_names`."""

log = logging.getLogger("g4f_lite.plugins")


class Changes:
    """Counts whenever a provider or a hook comes or goes; a registry and those on top of it share one."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0


class Registry:
    """
    Providers, strategies and hooks, by name.

    The process has one; a client with plugins of its own has another on top of it.

    Args:
        plugins: provider classes or instances, and modules or objects with hooks.
        parent: looked into for all that is not here.

    Raises:
        PluginLoadError: one of `plugins` cannot be used.
    """

    def __init__(self, plugins: Iterable[object] = (), *, parent: Registry | None = None) -> None:
        self._parent = parent
        self._lock = threading.RLock()
        reset_in_child(self)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._root: Registry = self if parent is None else parent._root
        self._all: list[PluginSource] = []
        self._added: dict[str, PluginSource] = {}
        """In code, by the name of each provider."""
        self._installed: dict[str, PluginSource] = {}
        """Bundled and third-party, by the name of the provider; loaded when it is asked for."""
        self._misnamed: dict[str, PluginSource] = {}
        self._strategies: dict[str, Strategy] = {}
        self._hooks: deque[PluginSource] = deque()
        """Those still to be loaded."""
        self._tables_read = self._hooks_loaded = False
        self.changes: Changes = Changes() if parent is None else parent.changes
        self._observers: tuple[int, dict[str, Sequence[tuple[Any, Callable[..., object]]]]] = -1, {}
        """By the name of the hook, as of that count of changes: who it is, and what to call."""
        for plugin in plugins:
            self.register(plugin, kind="client")

    # -- adding ----------------------------------------------------------------------------

    def register(self, plugin: object, *, kind: str = "code") -> None:
        """
        Add a provider (class or instance), or a module or object with hooks.

        Raises:
            PluginLoadError: it cannot be used; nothing of it stays.
        """
        with self._lock:
            source = PluginSource(getattr(plugin, "__name__", type(plugin).__name__), kind, lambda: plugin)
            if is_provider(plugin):
                provider = as_provider(plugin)
                source.name, source.providers, source.loaded = provider.name, {provider.name: provider}, True
            elif not self._activate(source):
                raise PluginLoadError(f"the plugin {source.name!r} cannot be used: {source.error}")
            self._all.append(source)
            for name in source.providers:
                self._add(name, source)
            self.changes.version += 1

    def _add(self, name: str, source: PluginSource) -> None:
        """Make a provider known; of two that were added in the same way, the later one counts."""
        own = self._added.get(name) or self._installed.get(name)
        other = self._parent._source(name) if own is None and self._parent is not None else own
        self._added[name] = source
        if own is not None:
            own.shadowed_by = str(source)
        if other is not None and other.kind != source.kind:
            warn_shadowed(other, source)

    def scan(self) -> None:
        """Load the hooks of third-party plugins, once; the first client does so."""
        root = self._root
        if root._hooks_loaded:
            return
        with root._lock:
            root._read_tables()
            while root._hooks:
                root._activate(root._hooks.popleft())
            root._hooks_loaded = True

    def _read_tables(self) -> None:
        """Read which bundled and third-party plugins there are, once; none is imported for it."""
        if self._tables_read:
            return
        from g4f_lite_providers import BUNDLED, load

        bundled = [
            PluginSource(name, "bundled", partial(load, name), group=PROVIDERS_GROUP, distribution=OURS)
            for name in BUNDLED
        ]
        with self._lock:
            if self._tables_read:
                return
            shadowed = []
            for source in (*bundled, *discover()):
                self._all.append(source)
                if source.group == HOOKS_GROUP:
                    self._hooks.append(source)
                elif not NAME.fullmatch(source.name):
                    source.error = f"its entry point {source.name!r} is no provider name ({NAME.pattern})"
                    self._misnamed[source.name] = source
                elif (first := self._added.get(source.name) or self._installed.get(source.name)) is not None:
                    source.shadowed_by = str(first)
                    shadowed.append((source, first))
                else:
                    self._installed[source.name] = source
            self._tables_read = True
            self.changes.version += 1
        for source, first in shadowed:
            warn_shadowed(source, first)

    def _activate(self, source: PluginSource) -> bool:
        """Import one plugin and call its registering hooks; False, and no trace of it, if that fails."""
        source.loaded = True
        plugin: object = None
        is_new = False
        providers: dict[str, Provider] = {}
        strategies: dict[str, Strategy] = {}
        try:
            with capture_load(source):
                plugin = source.load()
                hooks = hooks_of(self._manager, plugin)
                is_new = not self._manager.is_registered(plugin)  # one module may stand behind two entry points
                if is_new:
                    self._hook_up(plugin, str(source))
                if source.group != HOOKS_GROUP:
                    self._collect("register_providers", plugin, provider_collector(providers))
                self._collect("register_strategies", plugin, strategy_collector(strategies))
            if source.group == PROVIDERS_GROUP and source.name not in providers:
                offered = ", ".join(providers) or "no provider"
                raise PluginLoadError(f"its entry point is named {source.name!r}, but it registers {offered}")
        except BaseException as error:  # the plugin border: even SystemExit must not take the host down
            if is_new and self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            if isinstance(error, KeyboardInterrupt):
                source.loaded = False  # the next call tries again
                raise
            source.error = describe(error)
            log.debug("the plugin %s is switched off: %s", source, source.error, exc_info=True)
            return False
        finally:
            self.changes.version += 1
        source.providers, source.strategies, source.hooks = providers, tuple(strategies), hooks
        self._strategies.update(strategies)
        self.changes.version += 1
        return True

    def _hook_up(self, plugin: object, name: str) -> None:
        if self._manager.has_plugin(name):  # two objects of one class, or one name in both groups
            name = f"{name} at {id(plugin):#x}"
        self._manager.register(plugin, name=name)

    def _collect(self, hook: str, plugin: object, register: Callable[..., None]) -> None:
        for impl in self._impls(hook):
            if impl.plugin is plugin:
                _call(impl, register=register)

    # -- asking ----------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """A number that changes whenever a provider or a hook comes or goes."""
        return self.changes.version

    def names(self) -> list[str]:
        """Return all provider names, in the order of precedence; nothing is imported for it."""
        self._root._read_tables()
        inherited = self._parent.names() if self._parent else []
        return list(dict.fromkeys([*self._added, *self._installed, *inherited]))

    def automatic_names(self) -> list[str]:
        """Return the names in the order for a call that names nothing: bundled, third party by name, `local`."""

        def rank(name: str) -> tuple[bool, int]:
            source = self._source(name)
            return (name == "local", KINDS.index(source.kind) if source is not None else len(KINDS))

        return sorted(self.names(), key=rank)

    def knows(self, name: str) -> bool:
        """Tell whether this is a provider's name."""
        return self._source(name) is not None

    def get(self, name: str) -> Provider:
        """
        Return the provider of this name; its plugin is loaded if need be.

        Raises:
            UnknownProviderError: nobody has this name; says the nearest one.
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
            error = source.error or ("" if source.providers else "it asks for itself while it is loaded")
        if error:
            switch = f"; to switch plugins off, set {LOAD_PLUGINS}" if source.kind == "third-party" else ""
            raise PluginLoadError(f"the provider {source} cannot be loaded: {error}{switch}")

    def _unknown(self, name: str) -> str:
        names = self.names()
        if ":" in name and self.knows(name.partition(":")[0]):
            return f"{name!r} is a route, not a provider; write provider={name.partition(':')[0]!r} and model=…"
        hint = did_you_mean(name.lower(), names, ".", cutoff=0.5)
        return f"there is no provider {name!r}{hint} Known: {', '.join(names)}"

    def strategy(self, name: str) -> Strategy | None:
        """Return a plugin's strategy."""
        self.scan()
        own = self._strategies.get(name)
        return own if own is not None or self._parent is None else self._parent.strategy(name)

    def strategy_names(self) -> list[str]:
        self.scan()
        return [*self._strategies, *(self._parent.strategy_names() if self._parent else ())]

    def plugins(self) -> list[PluginInfo]:
        """Return all plugins; providers that nobody has asked for yet are not loaded for it."""
        self.scan()
        return [source.info() for source in self.sources()]

    def sources(self) -> list[PluginSource]:
        """Return where all plugins come from; nothing is imported for it."""
        self._root._read_tables()
        return [*self._all, *(self._parent.sources() if self._parent else ())]

    # -- calling hooks ---------------------------------------------------------------------

    def _impls(self, hook: str) -> Sequence[Any]:
        impls: list[Any] = getattr(self._manager.hook, hook).get_hookimpls()
        return impls

    def _all_impls(self, hook: str) -> Iterator[Any]:
        """Yield the implementations in pluggy's order, the last registered first."""
        yield from reversed(self._impls(hook))
        if self._parent is not None:
            yield from self._parent._all_impls(hook)

    def observe(self, hook: str, told: Attempt | Trail) -> None:
        """Call each observer on its own; what one raises is logged and hurts nobody."""
        version, observers = self._observers
        if version != (now := self.changes.version):
            observers = {
                name: [
                    (impl, impl.function if impl.argnames else _without(impl.function))
                    for impl in self._all_impls(name)
                ]
                for name in hookspecs.OBSERVING
            }
            self._observers = now, observers
        for impl, tell in observers[hook]:
            try:
                tell(told)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the plugin border
                log.error("the observer %s of the plugin %s failed: %s", hook, impl.plugin_name, describe(error))

    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError:
        """Return the first better exception that a plugin has for this reply, or `error`."""
        for impl in self._all_impls("refine_error"):
            try:
                better = _call(impl, provider=provider, reply=reply, error=error)
            except KeyboardInterrupt:
                raise
            except BaseException as failure:  # the plugin border
                log.error("refine_error of the plugin %s failed: %s", impl.plugin_name, describe(failure))
                continue
            if isinstance(better, ProviderError):
                return better
            if better is not None:
                kind = type(better).__name__
                log.error("refine_error of the plugin %s returned %s, no ProviderError", impl.plugin_name, kind)
        return error

    def after_fork(self) -> None:
        self._lock = threading.RLock()


def _call(impl: Any, **arguments: Any) -> Any:
    return impl.function(*[arguments[name] for name in impl.argnames])


def _without(function: Callable[[], object]) -> Callable[[object], object]:
    """An observer may do without its argument."""
    return lambda told: function()


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
    """Return the names of all known providers; nothing is imported for it."""
    return process_registry().names()


def _after_fork() -> None:
    global _process_lock
    _process_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
