"""
Call the hooks of plugins while a call is under way: observers and error rules.

Each implementation is called on its own. What it raises is logged and ends neither the call nor the other plugins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from ..errors.exceptions import ProviderError
from ..errors.places import place_of
from ..errors.signal_handlers import is_interruption
from ..provider.boundary import is_header
from . import hookspecs
from .sources import describe

if TYPE_CHECKING:
    from ..errors.reply import ErrorReply
    from ..provider.base import Provider
    from ..records.trail import Attempt, Teller

log = logging.getLogger("g4f_lite.plugins")


class Observers:
    """
    The hook implementations of a registry and its parents.

    Args:
        manager: pluggy's records of this registry's plugins.
        parent: called after those of this registry.
    """

    def __init__(self, manager: pluggy.PluginManager, parent: Observers | None = None) -> None:
        self._manager = manager
        self._parent = parent
        self.root: Observers = self if parent is None else parent.root
        self.version = 0
        """The count of changes to the root's registry and to those on top of it; only the root's is kept."""
        self._cached: tuple[int, dict[str, Sequence[tuple[Any, Callable[..., object]]]]] = -1, {}
        """A version, and for each hook the implementations as of then, each with the function to call."""
        self._any = False
        """Whether there were any."""

    def _impls(self, hook: str) -> Iterator[Any]:
        """Yield the implementations in pluggy's order, the last registered first; one of a plugin given twice."""
        own = list(reversed(getattr(self._manager.hook, hook).get_hookimpls()))
        yield from own
        if self._parent is not None:
            plugins = {id(impl.plugin) for impl in own}
            yield from (impl for impl in self._parent._impls(hook) if id(impl.plugin) not in plugins)

    def _functions(self) -> dict[str, Sequence[tuple[Any, Callable[..., object]]]]:
        version, observers = self._cached
        if version != (now := self.root.version):
            observers = {name: [(impl, _observer(impl)) for impl in self._impls(name)] for name in hookspecs.OBSERVING}
            self._cached = now, observers
            self._any = any(observers.values())
        return observers

    def observed(self) -> bool:
        """Return whether a plugin has a hook that observes; if none does, a call need not tell anything."""
        if self._cached[0] != self.root.version:
            self._functions()
        return self._any

    def wants(self, hook: str) -> bool:
        """Return whether a plugin has this observing hook."""
        return bool(self._functions()[hook])

    def request_headers(self, attempt: Attempt) -> dict[str, str]:
        """Return the headers that plugins add to the request of an attempt, names in lower case."""
        headers: dict[str, str] = {}
        for impl, function in self._functions()["request_headers"]:
            try:
                added = function(attempt)
                if added is not None:
                    headers |= _checked_headers(added)
            except BaseException as failure:  # the plugin border
                if is_interruption(failure):
                    raise
                log.error("request_headers of the plugin %s failed: %s", impl.plugin_name, _said(failure, impl))
        return headers

    def observe(self, hook: str, record: Any, teller: Teller | None = None) -> None:
        """
        Pass a record to each observer. What a signal's handler raises meanwhile is raised when all have got it.

        Args:
            teller: notes the hook, so that it does not repeat it if a signal interrupts this.
        """
        version, observers = self._cached
        if version != self.root.version:
            observers = self._functions()
        interruption: BaseException | None = None
        if teller is not None:
            teller.last_hook = hook
        for impl, observer in observers[hook]:
            try:
                observer(record)
            except BaseException as error:  # the plugin border
                if is_interruption(error):
                    interruption = error
                else:
                    log.error("the observer %s of the plugin %s failed: %s", hook, impl.plugin_name, _said(error, impl))
        if interruption is not None:
            raise interruption

    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError:
        """Return the first exception that a plugin prefers for this reply, or `error`."""
        arguments = {"provider": provider, "reply": reply, "error": error}
        for impl in self._impls("refine_error"):
            try:
                refined = impl.function(*[arguments[name] for name in impl.argnames])
            except BaseException as failure:  # the plugin border
                if is_interruption(failure):
                    raise
                log.error("refine_error of the plugin %s failed: %s", impl.plugin_name, _said(failure, impl))
                continue
            if isinstance(refined, ProviderError):
                return refined
            if refined is not None:
                kind = type(refined).__name__
                log.error("refine_error of the plugin %s returned %s, not a ProviderError", impl.plugin_name, kind)
        return error


def _observer(impl: Any) -> Callable[..., object]:
    """Return what to call with the record; an implementation may leave its argument out."""
    function: Callable[..., object] = impl.function
    return function if impl.argnames else lambda record: function()


def _said(failure: BaseException, impl: Any) -> str:
    return f"{describe(failure)} (at {place_of(failure, impl.function)})"


def _checked_headers(headers: object) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise TypeError(f"it returned {type(headers).__name__}, not a mapping")
    checked = {}
    for name, value in headers.items():
        if not is_header(name, value):
            raise ValueError(f"it returned a header that cannot be sent: {name!r}")
        checked[name.lower()] = value
    return checked
