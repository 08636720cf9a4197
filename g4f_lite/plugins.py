"""
The registry: which providers there are, and the plugins they come from.

Looked up in this order: the client's own plugins, what `g4f_lite.register` added, bundled, third
party. Names come from tables and metadata; a plugin's code is imported when its provider is asked
for. A plugin that fails is unregistered and remembered with its error; the others never notice.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from . import hookspecs
from .errors import PluginLoadError, ProviderError, UnknownProviderError
from .provider import NAME, Provider
from .types import Value

if TYPE_CHECKING:
    from .http import ErrorReply
    from .routing.strategies import Strategy
    from .types import Attempt, Trail

PROVIDERS_GROUP = "g4f_lite"
HOOKS_GROUP = "g4f_lite.hooks"
LOAD_PLUGINS = "G4F_LITE_LOAD_PLUGINS"

log = logging.getLogger("g4f_lite.plugins")


class PluginWarning(UserWarning):
    """A plugin is there but has no effect, such as one whose provider is shadowed by another."""


class PluginInfo(Value, frozen=True, kw_only=True):
    """One plugin as `g4f-lite plugins` shows it."""

    name: str
    source: str
    """`client`, `code`, `bundled` or `third-party`."""
    distribution: str = ""
    version: str = ""
    providers: tuple[str, ...] = ()
    loaded: bool = False
    error: str | None = None
    """Why it was switched off."""
    shadowed_by: str | None = None


class Source:
    """Where one plugin comes from, and what came of it."""

    def __init__(self, name: str, kind: str, load: Callable[[], object], point: EntryPoint | None = None) -> None:
        self.name = name
        self.kind = kind
        self.load = load
        self.distribution = point.dist.name if point and point.dist else "g4f_lite" if kind == "bundled" else ""
        self.version = point.dist.version if point and point.dist else ""
        self.providers: dict[str, Provider] = {}
        self.strategies: dict[str, Strategy] = {}
        self.loaded = False
        self.error: str | None = None
        self.shadowed_by: str | None = None

    def __str__(self) -> str:
        if self.distribution and self.kind == "third-party":
            return f"{self.name!r} of the distribution {self.distribution} {self.version}"
        return f"{self.name!r} ({self.kind})"

    def info(self) -> PluginInfo:
        return PluginInfo(
            name=self.name,
            source=self.kind,
            distribution=self.distribution,
            version=self.version,
            providers=tuple(self.providers),
            loaded=self.loaded,
            error=self.error,
            shadowed_by=self.shadowed_by,
        )


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
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._registered: dict[str, Provider] = {}
        self._strategies: dict[str, Strategy] = {}
        self._sources: dict[str, Source] = {}
        self._hook_sources: list[Source] = []
        self._scanned = False
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
            if _is_provider(plugin):
                provider = _as_provider(plugin)
                self._registered[provider.name] = provider
                return
            name = getattr(plugin, "__name__", type(plugin).__name__)
            source = Source(name, kind, lambda: plugin)
            self._hook_sources.append(source)
            if not self._activate(source):
                self._hook_sources.remove(source)
                raise PluginLoadError(f"the plugin {name!r} cannot be used: {source.error}")
            self._registered.update(source.providers)

    def scan(self) -> None:
        """Read the tables of bundled and third-party plugins, once, and load the hooks."""
        if self._scanned or self._parent is not None:
            return
        with self._lock:
            if self._scanned:
                return
            from g4f_lite_providers import BUNDLED

            for name, module in BUNDLED.items():
                self._sources[name] = Source(name, "bundled", partial(importlib.import_module, module))
            for point in _entry_points(PROVIDERS_GROUP):
                source = Source(point.name, "third-party", point.load, point)
                if not NAME.fullmatch(point.name):
                    source.error = f"its entry point {point.name!r} is no provider name ({NAME.pattern})"
                    self._hook_sources.append(source)
                elif (first := self._sources.get(point.name)) is not None:
                    source.shadowed_by = str(first)
                    self._hook_sources.append(source)
                    warnings.warn(f"the provider {source} is shadowed by {first}", PluginWarning, stacklevel=4)
                else:
                    self._sources[point.name] = source
            self._scanned = True
            for point in _entry_points(HOOKS_GROUP):
                source = Source(point.name, "third-party", point.load, point)
                self._hook_sources.append(source)
                self._activate(source)

    def _activate(self, source: Source) -> bool:
        """Import one plugin and call its registering hooks; False, and no trace of it, if that fails."""
        source.loaded = True
        plugin: object = None
        try:
            plugin = source.load()
            if not self._manager.is_registered(plugin):  # one module may stand behind two entry points
                self._manager.register(plugin, name=f"{source.kind}:{source.distribution}:{source.name}")
                self._manager.check_pending()
            for hook, register in (
                ("register_providers", _collector(source)),
                ("register_strategies", source.strategies.__setitem__),
            ):
                for impl in self._impls(hook):
                    if impl.plugin is plugin:
                        _call(impl, register=register)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the plugin border: even SystemExit must not take the host down
            source.error = _describe(error)
            log.debug("the plugin %s is switched off: %s", source, source.error)
            if plugin is not None and self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            source.providers.clear()
            source.strategies.clear()
            return False
        self._strategies.update(source.strategies)
        return True

    # -- asking ----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return all provider names, in the order of precedence; nothing is imported for it."""
        self.scan()
        inherited = self._parent.names() if self._parent else []
        return list(dict.fromkeys([*self._registered, *self._sources, *inherited]))

    def automatic_names(self) -> list[str]:
        """Return the names in the order for a call that names nothing: bundled, third party by name, `local`."""
        names = self.names()
        bundled = [name for name in names if (source := self._source(name)) is not None and source.kind == "bundled"]
        others = [name for name in names if name not in bundled]
        ordered = (
            bundled
            + [name for name in others if self._source(name) is None]
            + sorted(name for name in others if self._source(name) is not None)
        )
        return sorted(ordered, key=lambda name: name == "local")

    def knows(self, name: str) -> bool:
        """Tell whether this is a provider's name."""
        if name in self._registered:
            return True
        self.scan()
        return name in self._sources or (self._parent is not None and self._parent.knows(name))

    def get(self, name: str) -> Provider:
        """
        Return the provider of this name; its plugin is loaded if need be.

        Raises:
            UnknownProviderError: nobody has this name; says the nearest one.
            PluginLoadError: its plugin is broken.
        """
        if (provider := self._registered.get(name)) is not None:
            return provider
        self.scan()
        if (source := self._sources.get(name)) is not None:
            return self._provider_of(source)
        if self._parent is not None and self._parent.knows(name):
            return self._parent.get(name)
        raise UnknownProviderError(self._unknown(name))

    def _provider_of(self, source: Source) -> Provider:
        if (provider := source.providers.get(source.name)) is not None:
            return provider
        with self._lock:
            if not source.loaded and self._activate(source) and source.name not in source.providers:
                offered = ", ".join(source.providers) or "no provider"
                source.error = f"its entry point is named {source.name!r}, but it registers {offered}"
        if source.error is not None:
            switch = f"; to switch plugins off, set {LOAD_PLUGINS}" if source.kind == "third-party" else ""
            raise PluginLoadError(f"the provider {source} cannot be loaded: {source.error}{switch}")
        return source.providers[source.name]

    def _source(self, name: str) -> Source | None:
        if name in self._registered:
            return None
        own = self._sources.get(name)
        return own if own is not None or self._parent is None else self._parent._source(name)

    def _unknown(self, name: str) -> str:
        names = self.names()
        near = get_close_matches(name.lower(), names, 1, 0.5)
        if ":" in name and self.knows(name.partition(":")[0]):
            return f"{name!r} is a route, not a provider; write provider={name.partition(':')[0]!r} and model=…"
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"there is no provider {name!r}; {hint}Known: {', '.join(names)}"

    def strategy(self, name: str) -> Strategy | None:
        """Return a plugin's strategy."""
        self.scan()
        own = self._strategies.get(name)
        return own if own is not None or self._parent is None else self._parent.strategy(name)

    def strategy_names(self) -> list[str]:
        self.scan()
        return [*self._strategies, *(self._parent.strategy_names() if self._parent else ())]

    def plugins(self) -> list[PluginInfo]:
        """Return all plugins; those not asked for yet are not loaded for it."""
        self.scan()
        own = [source.info() for source in (*self._sources.values(), *self._hook_sources)]
        own += [PluginInfo(name=name, source="code", providers=(name,), loaded=True) for name in self._registered]
        return own + (self._parent.plugins() if self._parent else [])

    # -- calling hooks ---------------------------------------------------------------------

    def _impls(self, hook: str) -> Sequence[Any]:
        impls: list[Any] = getattr(self._manager.hook, hook).get_hookimpls()
        return impls

    def _all_impls(self, hook: str) -> Iterator[Any]:
        """Yield the implementations in pluggy's order, the last registered first."""
        yield from reversed(self._impls(hook))
        if self._parent is not None:
            yield from self._parent._all_impls(hook)

    def observe(self, hook: str, **arguments: Attempt | Trail) -> None:
        """Call each observer on its own; what one raises is logged and hurts nobody."""
        for impl in self._all_impls(hook):
            try:
                _call(impl, **arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the plugin border
                log.error("the observer %s of plugin %r failed: %s", hook, impl.plugin_name, _describe(error))

    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError:
        """Return the first better exception that a plugin has for this reply, or `error`."""
        for impl in self._all_impls("refine_error"):
            try:
                better = _call(impl, provider=provider, reply=reply, error=error)
            except KeyboardInterrupt:
                raise
            except BaseException as failure:  # the plugin border
                log.error("refine_error of plugin %r failed: %s", impl.plugin_name, _describe(failure))
                continue
            if isinstance(better, ProviderError):
                return better
            if better is not None:
                log.error("refine_error of plugin %r returned no ProviderError: %r", impl.plugin_name, type(better))
        return error

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


def _call(impl: Any, **arguments: Any) -> Any:
    return impl.function(*(arguments[name] for name in impl.argnames))


def _collector(source: Source) -> Callable[[type[Provider] | Provider], None]:
    def register(provider: type[Provider] | Provider) -> None:
        instance = _as_provider(provider)
        if instance.name in source.providers:
            raise PluginLoadError(f"it registers {instance.name!r} twice")
        source.providers[instance.name] = instance

    return register


def _is_provider(plugin: object) -> bool:
    return isinstance(plugin, Provider) or (isinstance(plugin, type) and issubclass(plugin, Provider))


def _as_provider(plugin: object) -> Provider:
    """
    Return a provider instance.

    Raises:
        PluginLoadError: it is none, or cannot be made.
    """
    if isinstance(plugin, Provider):
        return plugin
    if not (isinstance(plugin, type) and issubclass(plugin, Provider)):
        raise PluginLoadError(f"register() takes a Provider class or instance, not {plugin!r}")
    try:
        return plugin()
    except Exception as error:
        raise PluginLoadError(f"{plugin.__name__}() fails: {_describe(error)}") from error


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _entry_points(group: str) -> list[EntryPoint]:
    """Return the third-party entry points that may be used, sorted by name and distribution."""
    allowed = os.environ.get(LOAD_PLUGINS)
    if allowed is not None and not allowed.strip():
        return []
    chosen = None if allowed is None else {_normal(name) for name in allowed.split(",")}
    points = [
        point
        for point in entry_points(group=group)
        if chosen is None or (point.dist and _normal(point.dist.name) in chosen)
    ]
    return sorted(points, key=lambda point: (point.name, point.dist.name if point.dist else ""))


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


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
    if _process_registry is not None:
        _process_registry._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
