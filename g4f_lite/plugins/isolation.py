"""
Run the code of plugins while they are loaded.

Whatever a plugin raises is recorded in its source, and none of its hooks stays registered: the host and the other
plugins are unaffected.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any, TextIO, cast

import pluggy

from ..errors.exceptions import PluginLoadError
from ..errors.places import line_in, packages_of
from ..errors.signal_handlers import is_interruption
from ..provider.base import Provider
from ..routing.strategies import Strategy
from . import hookspecs
from .checks import hooks_of, is_provider, provider_collector, strategy_collector
from .sources import HOOKS_GROUP, PROVIDERS_GROUP, PluginSource, describe

SLOW_S = 1.0
"""A plugin that takes longer to load, in seconds, is reported in the log."""

_MOST_CAUSES = 4
"""Of an exception; a plugin may make a circle of them."""
_WRONG_GROUP = f"register_providers belongs in the group {PROVIDERS_GROUP}, not in {HOOKS_GROUP}"

log = logging.getLogger("g4f_lite.plugins")


class Loader:
    """Loads plugins and registers their hooks with pluggy."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)

    def load(self, source: PluginSource) -> bool:
        """
        Import one plugin and call its registering hooks.

        Returns:
            Whether it can be used. If it cannot, `source.error` says why.

        Raises:
            KeyboardInterrupt: the user interrupted it; the next call tries again.
        """
        source.loaded = True
        plugin: object = None
        is_new = False
        providers: dict[str, Provider] = {}
        strategies: dict[str, Strategy] = {}
        try:
            with capture_load(source):
                plugin = source.load()
                if isinstance(plugin, type) and not is_provider(plugin):
                    plugin = plugin()
                hooks = hooks_of(self.manager, plugin)
                if source.group == HOOKS_GROUP and not source.names and "register_providers" in hooks:
                    if hooks == ("register_providers",):
                        raise PluginLoadError(_WRONG_GROUP)
                    source.notes.append(_WRONG_GROUP)
                is_new = not self.manager.is_registered(plugin)  # two entry points may name one module
                if is_new:
                    self._register(plugin, str(source))
                if source.group != HOOKS_GROUP:
                    self._collect("register_providers", plugin, provider_collector(providers))
                self._collect("register_strategies", plugin, strategy_collector(strategies))
                if source.group == PROVIDERS_GROUP and (unknown := [*providers.keys() - {*source.names, source.name}]):
                    source.notes.append(f"registers {', '.join(sorted(unknown))}, which has no entry point")
            if source.group == PROVIDERS_GROUP and source.name not in providers:
                offered = ", ".join(providers) or "no provider"
                raise PluginLoadError(f"its entry point is named {source.name!r}, but it registers {offered}")
        except BaseException as error:  # the plugin border: even SystemExit must not end the host
            if is_new and self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            if is_interruption(error):
                source.loaded = False
                raise
            source.error = f"{describe(error)}{_place(error, source, plugin)}"
            log.debug("the plugin %s is switched off: %s", source, source.error, exc_info=True)
            return False
        source.providers, source.strategies, source.hooks = providers, strategies, hooks
        return True

    def _register(self, plugin: object, name: str) -> None:
        if self.manager.has_plugin(name):  # two objects of one class, or one name in both groups
            name = f"{name} at {id(plugin):#x}"
        self.manager.register(plugin, name=name)

    def _collect(self, hook: str, plugin: object, register: Callable[..., None]) -> None:
        """Call a registering hook of this plugin alone; pluggy's own call would run those of all plugins."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            if impl.plugin is plugin:
                impl.function(*[register for _ in impl.argnames])


def _place(error: BaseException, source: PluginSource, plugin: object) -> str:
    """Return ` (at plugin.py:12)`: where in the plugin an exception comes from; "" if no line of it was running."""
    packages = {source.package} if source.package else packages_of(plugin)
    place = ""
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):  # the last one is the plugin's own
        if cause is not None:
            place = line_in(packages, walk_tb(cause.__traceback__)) or place
            cause = cause.__cause__
    return f" (at {place})" if place else ""


@contextmanager
def capture_load(source: PluginSource) -> Iterator[None]:
    """
    Measure how long a plugin takes to load, and keep what it prints out of the program's output.

    What it prints, and a slow load, are added to the notes of `source` and logged.
    """
    started, captured, stdout = time.perf_counter(), _CapturedOutput(sys.stdout), sys.stdout
    if source.kind == "third-party":
        sys.stdout = cast("TextIO", captured)
    try:
        yield
    finally:
        captured.release()
        if sys.stdout is captured:
            sys.stdout = stdout
        source.load_time = time.perf_counter() - started
        if source.kind == "third-party":
            if text := " ".join(captured.text.split()):
                source.notes.append(f"prints while it is loaded: {text[:80]!r}")
            if source.load_time > SLOW_S:
                source.notes.append(f"takes {source.load_time:.1f} s to load")
            for note in source.notes:
                log.warning("the plugin %s: %s", source, note)


class _CapturedOutput:
    """
    Replaces the standard output, and collects what this thread writes until it is released.

    A plugin may keep it, for instance in a handler of `logging`: later writes go to the original output.
    """

    def __init__(self, original: TextIO) -> None:
        self.text = ""
        self._original = original
        self._thread: int | None = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._original.write(text)
        self.text += text
        return len(text)

    def release(self) -> None:
        self._thread = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
