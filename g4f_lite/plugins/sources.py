"""
Where plugins come from: the catalogue of bundled providers, and the metadata of installed distributions.

Nothing of a plugin is imported here.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, distributions
from itertools import chain

from ..errors.caller_warnings import warn_caller
from ..errors.exceptions import PluginLoadError
from ..errors.signal_handlers import raise_interruption
from ..errors.suggestions import did_you_mean
from ..provider.base import NAME, Provider
from ..routing.strategies import Strategy
from ..value import Value

PROVIDERS_GROUP = "g4f_lite"
HOOKS_GROUP = "g4f_lite.hooks"
LOAD_PLUGINS = "G4F_LITE_LOAD_PLUGINS"
_BUNDLED = "g4f_lite_providers"
log = logging.getLogger("g4f_lite.plugins")


class PluginWarning(UserWarning):
    """A plugin is there but has no effect: a broken observer, or a provider that is shadowed by another."""


class PluginInfo(Value, frozen=True, kw_only=True):
    """One plugin as `g4f-lite plugins` shows it."""

    name: str
    source: str
    """`client`, `code`, `bundled` or `third-party`."""
    distribution: str = ""
    version: str = ""
    providers: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    loaded: bool = False
    load_time: float | None = None
    """Seconds that importing and registering it took."""
    error: str | None = None
    """Why it is switched off."""
    notes: tuple[str, ...] = ()
    """What a plugin should not do, but which does no harm, such as printing."""
    shadowed_by: str | None = None

    @property
    def problem(self) -> str:
        """Everything wrong with it, as one line; "" if nothing is."""
        return self.error or (f"shadowed by {self.shadowed_by}" if self.shadowed_by else "; ".join(self.notes))


class PluginSource:
    """Where one plugin comes from, and the result of loading it."""

    def __init__(
        self,
        name: str,
        kind: str,
        load: Callable[[], object],
        *,
        group: str = "",
        distribution: str = "",
        version: str = "",
        package: str = "",
        names: Collection[str] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.load = load
        self.group = group
        self.distribution = distribution
        self.version = version
        self.package = package
        """The outermost package of the module that its entry point names."""
        self.names = names
        """The names of all providers for which the distribution has an entry point."""
        self.providers: dict[str, Provider] = {}
        self.strategies: dict[str, Strategy] = {}
        self.hooks: tuple[str, ...] = ()
        self.loaded = False
        self.load_time: float | None = None
        self.error: str | None = None
        self.notes: list[str] = []
        self.shadowed_by: str | None = None

    def __str__(self) -> str:
        if self.distribution and self.kind == "third-party":
            return f"{self.name!r} of the distribution {self.distribution} {self.version}"
        return f"{self.name!r} ({self.kind})"

    def place(self) -> tuple[str, str, str]:
        """Return a sort key: providers before hooks, which may ask for them."""
        return (self.group, self.name, self.distribution)

    def info(self) -> PluginInfo:
        return PluginInfo(
            name=self.name,
            source=self.kind,
            distribution=self.distribution,
            version=self.version,
            providers=tuple(self.providers),
            strategies=tuple(self.strategies),
            hooks=self.hooks,
            loaded=self.loaded,
            load_time=self.load_time,
            error=self.error,
            notes=tuple(self.notes),
            shadowed_by=self.shadowed_by,
        )


def describe(error: BaseException) -> str:
    """Return an exception as one short line."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # of foreign code
        text = ""
    if isinstance(error, PluginLoadError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def warn_broken(source: PluginSource) -> None:
    warn_caller(f"the plugin {source} is switched off: {source.error}", PluginWarning)


def warn_shadowed(shadowed: PluginSource, by: PluginSource) -> None:
    warn_caller(f"the provider {shadowed} is shadowed by {by}", PluginWarning)


def bundled() -> list[PluginSource]:
    """Return the bundled plugins. They are imported by name, so that the library does not depend on them."""
    catalogue = import_module(_BUNDLED)
    return [
        PluginSource(name, "bundled", partial(catalogue.load, name), group=PROVIDERS_GROUP, distribution="g4f_lite")
        for name in catalogue.BUNDLED
    ]


def discover() -> list[PluginSource]:
    """
    Return the third-party plugins that `G4F_LITE_LOAD_PLUGINS` allows: providers, then hooks, by name and distribution.

    Distributions are read one by one, so that the broken metadata of one does not hide the others.
    """
    chosen = _chosen()
    return [] if chosen == {} else _discover(chosen)


def vain_choices() -> list[str]:
    """Return what is wrong with `G4F_LITE_LOAD_PLUGINS`: a sentence for each name there that selects no plugin."""
    return _vain(os.environ.get(LOAD_PLUGINS), tuple(sys.path))


@lru_cache(maxsize=1)  # each call for a provider that is not there asks, and all distributions are looked at
def _vain(allowed: str | None, places: tuple[str, ...]) -> list[str]:
    chosen = _chosen()
    if not chosen:
        return []
    vain = chosen.keys() - {_normal(source.distribution) for source in discover()}
    return [f"{LOAD_PLUGINS} names {chosen[key]}, which {_why_vain(chosen[key])}" for key in chosen if key in vain]


def _chosen() -> dict[str, str] | None:
    """Return the names that `G4F_LITE_LOAD_PLUGINS` lists, by their normal forms; None if it is not set."""
    allowed = os.environ.get(LOAD_PLUGINS)
    if allowed is None:
        return None
    return {_normal(name): " ".join(name.split())[:100] for name in allowed.split(",") if name.strip()}


def _why_vain(name: str) -> str:
    installed = _discover(None)
    if owners := [source.distribution for source in installed if source.name == name]:
        return f"is a plugin, not a distribution; write {owners[0]}."
    with suppress(PackageNotFoundError, ValueError):
        distribution(name)
        return "is installed, but has no plugin."
    return f"is not installed{did_you_mean(name, {source.distribution for source in installed}, '.')}"


def _discover(chosen: Collection[str] | None) -> list[PluginSource]:
    found: dict[str, list[PluginSource]] = {}
    for one in distributions():
        try:
            points = [point for point in one.entry_points if point.group in (PROVIDERS_GROUP, HOOKS_GROUP)]
            if not points:
                continue
            name, version = one.name, one.version
            key = _normal(name)
        except Exception as error:
            raise_interruption(error)
            log.warning("the plugins of %s cannot be read: %s", one.locate_file("."), describe(error))
            continue
        if key not in found and (chosen is None or key in chosen):  # the first on sys.path is the one imported
            names = [point.name for point in points if point.group == PROVIDERS_GROUP]
            found[key] = [_third_party(point, name, version, names) for point in points]
    return sorted(chain.from_iterable(found.values()), key=PluginSource.place)


def _third_party(point: EntryPoint, distribution: str, version: str, names: Collection[str]) -> PluginSource:
    source = PluginSource(
        point.name,
        "third-party",
        point.load,
        group=point.group,
        distribution=distribution,
        version=version,
        package=re.split("[.:]", point.value, maxsplit=1)[0].strip(),
        names=names,
    )
    if point.group == PROVIDERS_GROUP and not NAME.fullmatch(point.name):
        source.error = f"its entry point {point.name!r} is not a provider name ({NAME.pattern})"
    return source


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()
