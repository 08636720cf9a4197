"""The names that callers may ask for, and the routes behind them. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from operator import add
from typing import NamedTuple

from .keys import VirtualKey
from .settings import Model
from .star_patterns import star_pattern

AUTO = "auto"
"""The name for whatever the client's routes decide, if no names are configured."""
_MOST_KEPT = 1024


class Target(NamedTuple):
    """What a name stands for: routes, or a model of the client's own routes."""

    routes: tuple[str | tuple[str, ...], ...] = ()
    strategy: str | None = None
    model: str = ""
    exact: bool = False
    """Whether the configuration names the routes: then their providers' other models do not stand in for them."""
    max_tokens: int | None = None

    @property
    def each_route(self) -> list[str]:
        """Its routes, whatever tier they are in."""
        return each_of(self.routes)


def each_of(tiers: Iterable[str | Sequence[str]]) -> list[str]:
    """Return the routes of all tiers, in order."""
    return [route for tier in tiers for route in ((tier,) if isinstance(tier, str) else tier)]


class Names:
    """
    The names of `[models]`. Without any, callers ask for the models of the client's own routes.

    Args:
        listed: returns the names of the client's routes, as `provider:model`; asks no service.
        known: returns the models of a provider that are known here; asks no service.
        exact: whether the client's routes are configured.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        listed: Callable[[], Iterable[str]],
        known: Callable[[str], Iterable[str]] = lambda provider: (),
        *,
        exact: bool = False,
    ) -> None:
        self._models = models
        self._listed = listed
        self._known = known
        self._exact = exact
        self._found: dict[str, Target | None] = {}
        """By name: callers make up names that a pattern fits."""
        self.routes = frozenset(
            route for model in models.values() for route in each_of(model.routes) if "*" not in route
        )
        """Those of the configuration: of others, callers have made up the model."""

    def target(self, name: str, key: VirtualKey) -> Target | None:
        """Return what a name stands for; None if there is none, or the key may not ask for it."""
        if not self._models:
            if not key.allows(name or AUTO):
                return None
            return Target(model="" if name == AUTO else name, exact=self._exact and name in ("", AUTO))
        if not key.allows(name):
            return None
        if name not in self._found:
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
            self._found[name] = self._named(name)
        return self._found[name]

    def _named(self, name: str) -> Target | None:
        named = [own for own in (name,) if own in self._models and "*" not in own]  # before any with stars
        for own in named or self._models:
            if found := star_pattern(own).fullmatch(name):
                stars = found.groups()
                return _target(self._models[own], stars, name[len(_space(own)) :] if len(stars) == 1 else "")
        return None

    def __bool__(self) -> bool:
        """Whether there are any, with or without stars."""
        return bool(self._models)

    def targets(self) -> Iterator[tuple[str, Target]]:
        """Yield what each name stands for, but for patterns; without names, what the client's routes are."""
        for name, model in self._models.items():
            if "*" not in name:
                yield name, _target(model, ())
        if not self._models:
            yield AUTO, Target(exact=self._exact)

    def visible(self, key: VirtualKey) -> Iterator[str]:
        """Yield the names that a key may ask for; of a pattern, those of the models that are known here."""
        names = [name for name in self._models if "*" not in name] if self._models else [AUTO, *self._listed()]
        for name in dict.fromkeys(chain(names, self._fitting())):
            if key.allows(name):
                yield name

    def _fitting(self) -> Iterator[str]:
        """Yield the names that fit a pattern, and stand for a known model."""
        for name, model in self._models.items():
            for route in each_of(model.routes) if "*" in name else ():
                provider, _, pattern = route.partition(":")
                for known in self._known(provider) if "*" in pattern else ():
                    asked = f"{_space(name)}{known}"
                    if pattern != "*" and (found := star_pattern(pattern).fullmatch(known)):
                        asked = _filled(name, found.groups())
                    target = self._named(asked)
                    if target is not None and f"{provider}:{known}" in target.each_route:
                        yield asked


def tiers_of(model: Model, stars: tuple[str, ...] = (), whole: str = "") -> tuple[str | tuple[str, ...], ...]:
    """
    Return the routes of a model, with the texts that the stars of its name stand for.

    Args:
        whole: what a route gets whose model is a star alone, such as `anthropic:*`.
    """

    def filled(route: str) -> str:
        provider, _, own = route.partition(":")
        return f"{provider}:{whole}" if whole and own == "*" else _filled(route, stars)

    return tuple(filled(tier) if isinstance(tier, str) else tuple(map(filled, tier)) for tier in model.routes)


def _target(model: Model, stars: tuple[str, ...], whole: str = "") -> Target:
    return Target(tiers_of(model, stars, whole), model.strategy, exact=True, max_tokens=model.max_tokens)


def _space(pattern: str) -> str:
    """Return what a pattern puts before the names of models: of `groq/*` it is `groq/`, of `claude-*` nothing."""
    before = pattern.partition("*")[0]
    return before[: max(before.rfind("/"), before.rfind(":")) + 1]


def _filled(route: str, stars: tuple[str, ...]) -> str:
    """Return a route with the texts that the name's stars stand for in the place of its own, in order."""
    first, *rest = route.split("*")
    return first + "".join(map(add, chain(stars, repeat("*")), rest))
