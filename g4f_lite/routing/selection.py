"""
From what a call names to tiers of legs. docs/routing.md has the table.

Rule: what a name stands for is in names.py, what an endpoint offers in endpoint_rules.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from ..errors.exceptions import (
    ConfigurationError,
    MissingKeyError,
    NoUsableRouteError,
    PluginLoadError,
    UnknownModelError,
)
from ..errors.quoted_values import quoted
from ..provider.base import Provider
from ..provider.boundary import reason_to_skip
from ..provider.leg import Leg
from ..provider.self_description import CHOOSING, declared, obstacle_to
from ..records.trail import Skipped, Trail
from .endpoint_rules import EndpointRules, rules_of
from .leg_factory import Dependencies, LegFactory, Obstacle
from .names import (
    Directory,
    ProviderChoice,
    RouteChoice,
    as_list,
    check_names,
    resolve,
    route_or_id,
    split,
    takes_any_id,
    unknown_model,
    without_prefix,
)
from .tiers import Tiers

_MAX_REASONS = 3
"""How many reasons an error's message shows; its trail has all of them."""


class Selection(NamedTuple):
    """Tiers of legs in the order of the caller's wishes, and the legs that were left out."""

    tiers: Tiers
    skipped: list[Skipped]


def select(
    directory: Directory,
    leg_factory: LegFactory,
    *,
    provider: ProviderChoice | Sequence[ProviderChoice] | None = None,
    model: str | None = None,
    fallback_models: Sequence[str] | None = None,
    routes: Sequence[RouteChoice] | None = None,
    exact: bool = False,
    named: Container[object] | None = None,
    operation: str = "chat",
) -> tuple[Selection, Dependencies]:
    """
    Return the tiers for what the caller named, and what they depend on besides directory and environment.

    Args:
        operation: providers that do not offer it are left out. Default and fallback models are those for it;
            a model in `routes` counts only if it is one for it, or if they are `exact`.
        routes: each is a tier; a tuple is a tier of several.
        named: those of `routes` that may be seen in the labels of metrics; None for all.

    Raises:
        UnknownProviderError, UnknownModelError, PluginLoadError: a name cannot be resolved.
        MissingKeyError, NoUsableRouteError: no leg is left.
        ConfigurationError: a name has the wrong type, or two names contradict each other.
    """
    flat = [one for route in routes or () for one in (route if isinstance(route, tuple) else (route,))]
    builder = _TierBuilder(directory, leg_factory, rules_of(operation), flat if named is None else named)
    check_names(model, fallback_models)
    if model is not None:
        if provider is None:
            provider, model = builder.split_model(model, flat)
        else:
            model = without_prefix(directory, model, provider, builder.lists)
    if provider is not None:
        builder.add_named(as_list(provider), model, fallback_models)
    elif model is not None:
        builder.add_serving(model, flat)
        builder.add_fallbacks([], fallback_models, near=builder.of_routes(flat))
    elif routes is not None:
        builder.add_routes(routes, fallback_models, exact=exact)
    else:
        builder.add_automatic(fallback_models)
    if not builder.tiers:
        raise no_usable_route(builder.skipped)
    return Selection(Tiers(builder.tiers), builder.skipped), builder.dependencies()


class _TierBuilder:
    """Appends tiers of usable legs, each leg once, and notes why others were left out."""

    def __init__(
        self, directory: Directory, leg_factory: LegFactory, rules: EndpointRules, named: Container[object]
    ) -> None:
        self.tiers: list[list[Leg]] = []
        self.skipped: list[Skipped] = []
        self._directory = directory
        self._leg_factory = leg_factory
        self._rules = rules
        self._named = named
        self._added: set[object] = set()
        self._unusable: set[Provider] = set()
        """Left out already; the reason is the same for all models of a provider."""
        self._depends_on: list[Dependencies] = []
        self._first_model = ""

    def dependencies(self) -> Dependencies:
        return Dependencies(
            any(one.stored_keys for one in self._depends_on),
            tuple(chain.from_iterable(one.availability for one in self._depends_on)),
        )

    # -- from names to tiers ---------------------------------------------------------------

    def split_model(self, model: str, routes: Sequence[object]) -> tuple[list[Provider] | str | None, str | None]:
        """As `names.split`; an id of a model at the client's own routes goes to them, whatever it looks like."""
        name, rest = split(self._directory, model)
        if name is None or rest is None or not routes:
            return name, rest
        near = self.of_routes(routes)
        name, rest = route_or_id(self._directory, model, near, self.lists)
        return (name, rest) if name is not None else (self._takers(near, model), model)

    def of_routes(self, routes: Sequence[object]) -> list[Provider]:
        """Return the providers of a client's routes."""
        names = (route.partition(":")[0] if isinstance(route, str) else route for route in routes)
        return [one for name in names if (one := self._resolve(name)) is not None]

    def lists(self, provider: Provider, model: str) -> bool:
        """Tell whether a provider lists a model, by its id or an alias."""
        return model in self._rules.listed(provider) or model in self._rules.aliases(provider)

    def _takers(self, providers: Sequence[Provider], model: str) -> list[Provider]:
        """Return the providers of which this may be a model, each once."""
        fitting = [one for one in providers if self.lists(one, model)]
        return list(dict.fromkeys(fitting or filter(takes_any_id, providers)))

    def add_named(self, choices: Sequence[object], model: str | None, fallback_models: Sequence[str] | None) -> None:
        """Add one tier of the providers that the call names, then their fallbacks."""
        found = (self._resolve(choice, alone=len(choices) == 1) for choice in choices)
        providers = [one for one in found if one is not None]
        self._add_tier(((one, self._model(one, model)) for one in providers), named=model is not None)
        self.add_fallbacks(providers, fallback_models, near=providers)

    def add_serving(self, model: str, routes: Sequence[object] = ()) -> None:
        """Add one tier of the providers that serve a model."""
        self._add_tier(((one, self._name(one, model)) for one in self._serving(model, routes)), named=True)

    def add_routes(self, routes: Sequence[object], fallback_models: Sequence[str] | None, *, exact: bool) -> None:
        """Add one tier for each of the client's routes, or for several that are a tuple, then their fallbacks."""
        tiers = []
        for tier in routes:
            pairs = []
            for route in tier if isinstance(tier, tuple) else (tier,):
                name, _, model = route.partition(":") if isinstance(route, str) else (route, "", "")
                if (provider := self._resolve(name)) is not None:
                    wanted = model if exact else self._rules.model_of_route(provider, model)
                    pairs.append((provider, self._model(provider, wanted)))
            tiers.append(pairs)
        for pairs in tiers:
            self._add_tier(pairs)
        providers = [provider for pairs in tiers for provider, _ in pairs]
        self.add_fallbacks(providers, fallback_models, near=providers)

    def add_automatic(self, fallback_models: Sequence[str] | None) -> None:
        """Add one tier for each provider that need not be named, then their fallbacks; `local` is the last resort."""
        automatic = [one for one in self._loadable(self._directory.automatic_names()) if declared(one, "automatic")]
        remote = [one for one in automatic if one.name != "local"]
        for one in remote:
            self._add_tier([(one, self._name(one, None))])
        self.add_fallbacks(remote, fallback_models)
        for one in automatic:
            self._add_tier([(one, self._name(one, None))])

    def add_fallbacks(
        self,
        providers: Sequence[Provider],
        fallback_models: Sequence[str] | None,
        *,
        near: Sequence[Provider] = (),
    ) -> None:
        """
        Add one tier for each fallback: of the call if given, else of each provider.

        Args:
            near: the providers that the caller named, whose ids may look like `provider:model`.
        """
        if fallback_models is None:
            for provider in providers:
                for listed in self._rules.fallbacks(provider):
                    self._add_tier([(provider, self._name(provider, listed))])
            return
        for entry in fallback_models:
            name, model = route_or_id(self._directory, entry, near, self.lists)
            if name is not None and (model or not any(entry in self._rules.listed(one) for one in providers)):
                if (named := self._resolve(name)) is not None:
                    self._add_tier([(named, self._model(named, model))], named=True)
            elif providers or (name is None and self._directory.knows(entry.partition(":")[0])):
                wanted = model or entry
                takers = providers or self._takers(near, wanted)
                self._add_tier(((one, self._name(one, wanted)) for one in takers), named=True)
            else:
                self.add_serving(model or entry)

    # -- providers and models --------------------------------------------------------------

    def _resolve(self, choice: object, *, alone: bool = False) -> Provider | None:
        """Return the provider. If its plugin is broken and the choice is not alone, skip it and return None."""
        try:
            return resolve(self._directory, choice)
        except PluginLoadError as error:
            if alone:
                raise
            self._skip(str(choice), "", str(error))
            return None

    def _loadable(self, names: Iterable[str]) -> Iterable[Provider]:
        """Yield the providers of these names; skip those whose plugins are broken."""
        return (one for name in names if (one := self._resolve(name)) is not None)

    def _name(self, provider: Provider, model: str | None) -> str:
        """Return the id of a model, or the provider's default; "" if its code fails: then it is skipped."""
        try:
            name: object = provider.get_model_name(model) if model else self._rules.default(provider)
            if isinstance(name, str):
                return name if type(name) is str else str.__str__(name)  # of an Enum
            raise TypeError(f"get_model_name returns {type(name).__name__}, not str")
        except ConfigurationError:
            raise
        except BaseException as error:  # the plugin border
            self._unusable.add(provider)
            self._skip(provider.name, model or "", reason_to_skip(error, CHOOSING, provider, "get_model_name"))
        return ""

    def _model(self, provider: Provider, model: str | None) -> str:
        """Return the id of a model, or the provider's default."""
        name = self._name(provider, model)
        if name or provider in self._unusable or not self._rules.needs_model(provider):
            return name
        if obstacle_to(provider) is None and self._rules.unsupported_reason(provider) is None:
            purpose = self._rules.purpose
            raise UnknownModelError(f"{provider.name} has no default model{purpose}; name one with model=…")
        return ""

    def _serving(self, model: str, routes: Sequence[object]) -> list[Provider]:
        """Return the providers that list an id or alias: of the client's routes if it has any, else automatic ones."""
        if routes:
            known = list(dict.fromkeys(self.of_routes(routes)))
            if serving := [one for one in known if self.lists(one, model) or f"{one.name}:{model}" in routes]:
                return serving
            if takers := known if len(known) == 1 else self._takers(known, model):  # the service knows best
                return takers
            raise self._unknown(model, known)
        known = list(self._loadable(self._directory.names()))
        serving = [one for one in known if self.lists(one, model)]
        if automatic := [one for one in serving if declared(one, "automatic")]:
            return automatic
        if serving:
            names = " or ".join(repr(f"{one.name}:{model}") for one in serving)
            raise UnknownModelError(f"{quoted(model)} is served only by providers that must be named: {names}")
        raise self._unknown(model, known)

    def _unknown(self, model: str, known: Sequence[Provider]) -> UnknownModelError:
        listed = dict.fromkeys(name for one in known for name in (*self._rules.aliases(one), *self._rules.listed(one)))
        return unknown_model(self._directory, model, listed)

    # -- from models to legs ---------------------------------------------------------------

    def _add_tier(self, pairs: Iterable[tuple[Provider, str]], *, named: bool = False) -> None:
        """
        Append one tier of all usable legs that no earlier tier has.

        Args:
            named: the caller named the models.
        """
        tier: list[Leg] = []
        for provider, model in pairs:
            if provider in self._unusable:
                continue
            legs, obstacle = self._legs(provider, model)
            if obstacle is not None:
                self._unusable.add(provider)
                self._skip(provider.name, model, *obstacle)
            elif named or self._is_comparable(provider, model):
                for leg in legs:
                    if leg.identity not in self._added:
                        self._added.add(leg.identity)
                        tier.append(leg)
        if tier:
            self.tiers.append(tier)

    def _legs(self, provider: Provider, model: str) -> tuple[Sequence[Leg], Obstacle | None]:
        if (reason := self._rules.unsupported_reason(provider)) is not None:
            return (), Obstacle(reason)
        legs, obstacle, depends_on = self._leg_factory.legs(provider, model, self._rules.operation)
        self._depends_on.append(depends_on)
        if obstacle is None and not model and self._rules.needs_model(provider):
            obstacle = Obstacle("has no default model for this")
        for leg in legs:
            leg.known_route = self._known_route(provider, model)
        return legs, obstacle

    def _known_route(self, provider: Provider, model: str) -> str:
        """Return `provider:model` with `other` for a part that only the caller has named."""
        if not self._directory.knows(provider.name):
            return "other:other"
        route = f"{provider.name}:{model}"
        is_known = not model or model in self._rules.listed(provider) or route in self._named
        return route if is_known else f"{provider.name}:other"

    def _is_comparable(self, provider: Provider, model: str) -> bool:
        """Tell whether results may come from this model, which the caller did not name; if not, skip it."""
        self._first_model = self._first_model or model
        if self._rules.models_are_comparable or model == self._first_model:
            return True
        reason = f"its vectors do not compare with those of {self._first_model}; fallback_models may name it"
        self._skip(provider.name, model, reason)
        return False

    def _skip(self, provider: str, model: str, reason: str, lacks_key: bool = False) -> None:
        self.skipped.append(Skipped(provider=provider, model=model, reason=reason, lacks_key=lacks_key))


def no_usable_route(skipped: Sequence[Skipped], *, keys_suffice: bool = False) -> NoUsableRouteError:
    """
    Return the error for a call that no leg can take.

    Args:
        keys_suffice: some legs have a key and were left out for other reasons; those reasons come first.
    """
    lacks_key = any(one.lacks_key for one in skipped)
    kind = MissingKeyError if lacks_key and not keys_suffice else NoUsableRouteError
    shown = sorted(skipped, key=lambda one: keys_suffice and one.lacks_key)
    counts = Counter((one.provider, one.reason) for one in shown)
    said = [f"{name}{f' ({n} models)' if n > 1 else ''}: {reason}" for (name, reason), n in counts.items()]
    reasons = "; ".join(said[:_MAX_REASONS]) or "no provider is available"
    if len(said) > _MAX_REASONS:
        reasons += f"; and {len(said) - _MAX_REASONS} more: `g4f-lite providers` lists them"
    error = kind(reasons if len(said) == 1 else f"nothing can answer this call: {reasons}")
    error.trail = Trail(entries=tuple(skipped))
    return error
