"""Where plugins come from, before anything of them is imported."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import distributions
from itertools import chain

from ..errors.exceptions import PluginLoadError
from ..provider.base import Provider
from ..value import Value

PROVIDERS_GROUP = "g4f_lite"
HOOKS_GROUP = "g4f_lite.hooks"
LOAD_PLUGINS = "G4F_LITE_LOAD_PLUGINS"
OURS = __name__.partition(".")[0]
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
    strategies: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    loaded: bool = False
    load_time: float | None = None
    """Seconds that importing and registering it took."""
    error: str | None = None
    """Why it was switched off."""
    notes: tuple[str, ...] = ()
    """What a plugin should not do, but which hurts nobody, such as printing."""
    shadowed_by: str | None = None

    @property
    def problem(self) -> str:
        """What is wrong with it, as one line; "" if nothing is."""
        return self.error or (f"shadowed by {self.shadowed_by}" if self.shadowed_by else "; ".join(self.notes))


class PluginSource:
    """Where one plugin comes from, and what came of it."""

    def __init__(
        self,
        name: str,
        kind: str,
        load: Callable[[], object],
        *,
        group: str = "",
        distribution: str = "",
        version: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.load = load
        self.group = group
        self.distribution = distribution
        self.version = version
        self.providers: dict[str, Provider] = {}
        self.strategies: tuple[str, ...] = ()
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
        """Sort key: providers before hooks, which may ask for them."""
        return (self.group, self.name, self.distribution)

    def info(self) -> PluginInfo:
        return PluginInfo(
            name=self.name,
            source=self.kind,
            distribution=self.distribution,
            version=self.version,
            providers=tuple(self.providers),
            strategies=self.strategies,
            hooks=self.hooks,
            loaded=self.loaded,
            load_time=self.load_time,
            error=self.error,
            notes=tuple(self.notes),
            shadowed_by=self.shadowed_by,
        )


def describe(error: BaseException) -> str:
    """Return an exception as one short line."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, PluginLoadError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def warn_shadowed(shadowed: PluginSource, first: PluginSource) -> None:
    """Warn at the line outside of this package that led here."""
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(f"the provider {shadowed} is shadowed by {first}", PluginWarning, stacklevel=level)


def discover() -> list[PluginSource]:
    """
    Return the third-party plugins that may be used: providers, then hooks, by name and distribution.

    The distributions are read one by one, so that the broken metadata of one does not hide the others.
    """
    allowed = os.environ.get(LOAD_PLUGINS)
    if allowed is not None and not allowed.strip():
        return []
    chosen = None if allowed is None else {_normal(name) for name in allowed.split(",")}
    found: dict[str, list[PluginSource]] = {}
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group in (PROVIDERS_GROUP, HOOKS_GROUP)]
            if not points:
                continue
            name, version = distribution.name, distribution.version
            key = _normal(name)
        except Exception as error:
            log.warning("the plugins of %s cannot be read: %s", distribution.locate_file("."), describe(error))
            continue
        if key not in found and (chosen is None or key in chosen):  # the first on sys.path is the one imported
            found[key] = [
                PluginSource(
                    point.name, "third-party", point.load, group=point.group, distribution=name, version=version
                )
                for point in points
            ]
    return sorted(chain.from_iterable(found.values()), key=PluginSource.place)


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()
