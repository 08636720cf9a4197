"""From what the caller named to the tiers of a plan. docs/routing.md has the table."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from ..errors.exceptions import (
    ConfigurationError,
    MissingKeyError,
    NoUsableRouteError,
    PluginLoadError,
    UnknownModelError,
    UnknownProviderError,
)
from ..provider.base import Provider
from ..provider.leg import Leg
from ..suggestions import closest
from ..trail import Skipped, Trail
from .leg_factory import MissingKey
from .tiers import Tiers

_TOLD = 3
"""So many reasons stand in an error's message; all of them in its trail."""
ProviderChoice: TypeAlias = "str | Provider | type[Provider]"


class Directory(Protocol):
    """What selection needs of the registry."""

    def knows(self, name: str) -> bool: ...
    def get(self, name: str) -> Provider: ...
    def names(self) -> list[str]: ...
    def automatic_names(self) -> list[str]: ...


class LegSource(Protocol):
    """What selection needs of the client's keys and addresses."""

    def legs(self, provider: Provider, model: str, operation: str = "chat") -> list[Leg] | str: ...


class Selection(NamedTuple):
    """Tiers of legs in the order of the caller's wishes, and what was left out."""

    tiers: Tiers
    skipped: list[Skipped]


def select(
    directory: Directory,
    maker: LegSource,
    *,
    provider: ProviderChoice | Sequence[ProviderChoice] | None = None,
    model: str | None = None,
    fallback_models: Sequence[str] | None = None,
    routes: Sequence[ProviderChoice] | None = None,
    operation: str = "chat",
) -> Selection:
    """
    Return the tiers for what the caller named.

    Args:
        operation: a provider that has not declared it is left out; its default and fallback models are
            those for it, and `routes` name providers alone but where a model in them is one for it.

    Raises:
        UnknownProviderError, UnknownModelError, PluginLoadError: a name leads nowhere.
        MissingKeyError, NoUsableRouteError: nothing is left.
        ConfigurationError: a name of the wrong type, or two names that contradict each other.
    """
    builder = _TierBuilder(directory, maker, operation)
    check_names(model, fallback_models)
    if provider is None and model is not None:
        name, model_id = builder.split(model)
        if name is not None:
            provider, model = name, model_id
        elif model_id is not None:
            model = model_id
    elif model is not None:
        model = builder.without_prefix(model, provider)
    if provider is not None:
        wanted = _as_list(provider)
        chosen = [one for choice in wanted if (one := builder.try_resolve(choice, alone=len(wanted) == 1))]
        builder.tier(((one, builder.model_of(one, model)) for one in chosen), named=model is not None)
        builder.fall_back(chosen, fallback_models)
    elif model is not None:
        builder.tier(((one, one.get_model_name(model)) for one in builder.serving(model, routes or ())), named=True)
        builder.fall_back([], fallback_models)
    elif routes is not None:
        builder.follow(routes, fallback_models)
    else:
        builder.take_automatic(fallback_models)
    if not builder.tiers:
        raise no_usable_route(builder.skipped)
    return Selection(Tiers(builder.tiers), builder.skipped)


class _TierBuilder:
    def __init__(self, directory: Directory, maker: LegSource, operation: str) -> None:
        self._directory = directory
        self._maker = maker
        self._operation = operation
        self._seen: set[object] = set()
        self._unusable: set[Provider] = set()
        """Left out already; the reason is the same for all models of one."""
        self._model = ""
        """The model that makes the vectors, where the caller named none."""
        self.tiers: list[list[Leg]] = []
        self.skipped: list[Skipped] = []

    # -- names -----------------------------------------------------------------------------

    def split(self, entry: str) -> tuple[str | None, str | None]:
        """
        Split `provider:model`.

        The provider is None where the first part is no known name, the model where there is
        no more than a provider. A leading colon says that all the rest is a model.
        """
        name, colon, model = entry.partition(":")
        if colon and not name:
            return None, model
        if self._directory.knows(name):
            return name, model or None
        return None, entry

    def without_prefix(self, model: str, provider: object) -> str | None:
        """Return the model of a `provider:model` given beside `provider=`."""
        name, rest = self.split(model)
        if name is None or rest is None:
            return rest or model
        named = [choice if isinstance(choice, str) else self.resolve(choice).name for choice in _as_list(provider)]
        if named == [name]:
            return rest
        raise ConfigurationError(
            f"provider={named[0]!r} and model={model!r} name two providers; "
            f"leave one out, or write model={':' + model!r} if that is the model's id"
        )

    def resolve(self, choice: object) -> Provider:
        if isinstance(choice, Provider):
            return choice
        if isinstance(choice, type) and issubclass(choice, Provider):
            try:
                return choice()
            except Exception as error:
                raise ConfigurationError(f"{choice.__name__}() fails: {type(error).__name__}: {error}") from error
        if isinstance(choice, str):
            return self._directory.get(choice)
        raise ConfigurationError(f"a provider is a name, a Provider class or an instance, not {choice!r}")

    def try_resolve(self, choice: object, *, alone: bool = False) -> Provider | None:
        """Return the provider; None, and a note, if its plugin is broken and the choice has company."""
        try:
            return self.resolve(choice)
        except PluginLoadError as error:
            if alone:
                raise
            self.skipped.append(Skipped(provider=str(choice), model="", reason=str(error)))
            return None

    def route(self, route: object) -> tuple[Provider, str] | None:
        """Return provider and model of an entry of `routes`, whose first part must be a provider."""
        name, _, model = route.partition(":") if isinstance(route, str) else (route, "", "")
        provider = self.try_resolve(name)
        if provider is None:
            return None
        if self._operation != "chat" and model not in self._listed(provider):
            model = ""
        return provider, self.model_of(provider, model or None)

    def model_of(self, provider: Provider, model: str | None) -> str:
        name = provider.get_model_name(model) if model else self.default_of(provider)
        usable = provider.unavailable_reason() is None and self._lacks(provider) is None
        if not name and usable and not self.names_itself(provider):
            wanted = "" if self._operation == "chat" else f" for {self._operation}"
            raise UnknownModelError(f"{provider.name} has no default model{wanted}; name one with model=…")
        return name

    def default_of(self, provider: Provider) -> str:
        if self._operation == "chat":
            return provider.get_model_name(None)
        return next(iter(provider.models_for(self._operation)), "")

    def names_itself(self, provider: Provider) -> bool:
        """
        Tell whether no model need be known before the call.

        A server that needs no key answers with the first model that it lists: it bills nobody.
        """
        if self._operation == "chat":
            return provider.lists_models and not provider.needs_auth
        return self._operation == "models"

    def _lacks(self, provider: Provider) -> str | None:
        """Return why a provider cannot be asked for this; None if it can."""
        if self._operation == "chat" or self._operation in provider.capabilities:
            return None
        if self._operation == "models":
            return None if provider.lists_models else "cannot be asked for its models"
        return f"offers no {self._operation}"

    def _listed(self, provider: Provider) -> tuple[str, ...]:
        if self._operation == "chat":
            return provider.models()
        return provider.models_for(self._operation)

    def serving(self, model: str, routes: Sequence[object]) -> list[Provider]:
        """Return the automatic providers that serve an id or alias."""
        extra = [route for route in routes if isinstance(route, Provider) and not self._directory.knows(route.name)]
        known = [*extra, *self._loadable(self._directory.names(), automatic_only=False)]
        serving = [one for one in known if self._serves(one, model)]
        if usable := [one for one in serving if one.automatic]:
            return usable
        if serving:
            names = " or ".join(repr(one.name) for one in serving)
            raise UnknownModelError(f"{model!r} is served only by providers that must be named: provider={names}")
        listed = dict.fromkeys(name for one in known for name in (*self._aliases(one), *self._listed(one)))
        meant = [*self._near_routes(model), *closest(model, listed, 3, 0.5)][:3]
        hint = f"; did you mean {' or '.join(map(repr, meant))}? " if meant else ". "
        raise UnknownModelError(
            f"no provider lists the model {model!r}{hint}To send it as it is, name the provider too: provider=…"
        )

    def _near_routes(self, entry: str) -> list[str]:
        """Return what `provider:model` may have been meant to be, such as `groq:x` for `grok:x`."""
        name, colon, model = entry.partition(":")
        return [f"{one}:{model}" for one in closest(name, self._directory.names(), 1, 0.75) if colon]

    def _serves(self, provider: Provider, model: str) -> bool:
        return model in self._listed(provider) or model in self._aliases(provider)

    def _aliases(self, provider: Provider) -> Iterable[str]:
        if self._operation == "chat":
            return provider.model_aliases
        return [alias for alias, model in provider.model_aliases.items() if model in self._listed(provider)]

    def _loadable(self, names: Iterable[str], automatic_only: bool = True) -> Iterable[Provider]:
        for name in names:
            try:
                provider = self._directory.get(name)
            except PluginLoadError as error:
                self.skipped.append(Skipped(provider=name, model="", reason=str(error)))
                continue
            if provider.automatic or not automatic_only:
                yield provider

    # -- tiers -----------------------------------------------------------------------------

    def follow(self, routes: Sequence[object], fallback_models: Sequence[str] | None) -> None:
        """A tier for each of the client's routes, then their fallbacks."""
        pairs = [pair for route in routes if (pair := self.route(route)) is not None]
        for pair in pairs:
            self.tier([pair])
        self.fall_back([provider for provider, _ in pairs], fallback_models)

    def take_automatic(self, fallback_models: Sequence[str] | None) -> None:
        """A tier for each provider that needs no naming, then their fallbacks; `local` is the last resort."""
        automatic = list(self._loadable(self._directory.automatic_names()))
        remote = [one for one in automatic if one.name != "local"]
        for one in remote:
            self.tier([(one, self.default_of(one))])
        self.fall_back(remote, fallback_models)
        for one in automatic:
            self.tier([(one, self.default_of(one))])

    def tier(self, pairs: Iterable[tuple[Provider, str]], *, named: bool = False) -> None:
        """
        Append one tier of all usable legs; those that stand in the plan already are left out.

        Args:
            named: the models are the caller's own choice.
        """
        legs: list[Leg] = []
        for provider, model in pairs:
            if provider in self._unusable:
                continue
            made = self._lacks(provider) or self._maker.legs(provider, model, self._operation)
            if not isinstance(made, str) and not model and not self.names_itself(provider):
                made = "has no default model for this"
            if isinstance(made, str):
                self._unusable.add(provider)
                lacks_key = isinstance(made, MissingKey)
                self.skipped.append(Skipped(provider=provider.name, model=model, reason=str(made), lacks_key=lacks_key))
                continue
            if not named and self._mixes_vectors(provider, model):
                continue
            for leg in made:
                if leg.identity not in self._seen:
                    self._seen.add(leg.identity)
                    legs.append(leg)
        if legs:
            self.tiers.append(legs)

    def _mixes_vectors(self, provider: Provider, model: str) -> bool:
        """Leave out, with a note, a second model that nobody has named: its vectors mean something else."""
        self._model = self._model or model
        if self._operation != "embeddings" or model == self._model:
            return False
        reason = f"its vectors do not compare with those of {self._model}; fallback_models may name it"
        self.skipped.append(Skipped(provider=provider.name, model=model, reason=reason))
        return True

    def fall_back(self, providers: list[Provider], fallback_models: Sequence[str] | None) -> None:
        """Append a tier for each fallback: of the call if given, else of each provider."""
        if fallback_models is None:
            for provider in providers:
                for listed in self._fallbacks(provider):
                    self.tier([(provider, provider.get_model_name(listed))])
            return
        for entry in fallback_models:
            name, model = self.split(entry)
            if name is not None and not (model is None and any(entry in self._listed(one) for one in providers)):
                if (named := self.try_resolve(name)) is not None:
                    self.tier([(named, self.model_of(named, model))], named=True)
            else:
                wanted = model or entry
                serving = providers or self.serving(wanted, ())
                self.tier(((one, one.get_model_name(wanted)) for one in serving), named=True)

    def _fallbacks(self, provider: Provider) -> Sequence[str]:
        if self._operation == "chat":
            return provider.fallback_models
        # Vectors of two models cannot be compared: nobody's data may be mixed up by a fallback.
        return () if self._operation == "embeddings" else provider.models_for(self._operation)[1:]


def check_names(model: object, fallback_models: object) -> None:
    """
    Refuse what is no model name.

    Raises:
        ConfigurationError: of the wrong type.
    """
    if model is not None and not (isinstance(model, str) and model.strip(": ")):
        raise ConfigurationError(f"model must be a model's name, not {model!r}")
    if fallback_models is None:
        return
    if isinstance(fallback_models, str) or not isinstance(fallback_models, Sequence):
        raise ConfigurationError(f"fallback_models must be a list of model names, not {fallback_models!r}")
    for entry in fallback_models:
        if not isinstance(entry, str) or not entry.strip(": "):
            raise ConfigurationError(f"fallback_models holds {entry!r}, which is no model name")


def _as_list(provider: object) -> list[object]:
    if isinstance(provider, Sequence) and not isinstance(provider, str):
        if not provider:
            raise UnknownProviderError("provider=[] names nobody; leave it out to use every provider with a key")
        return list(provider)
    return [provider]


def no_usable_route(skipped: list[Skipped], first: Container[object] = ()) -> NoUsableRouteError:
    """
    Return the error for a call that nobody can take.

    Args:
        first: identities of legs that have a key, and were left out for the request's sake.
    """
    trail = Trail(entries=tuple(skipped))
    kind = MissingKeyError if not first and any(one.lacks_key for one in skipped) else NoUsableRouteError
    skipped = sorted(skipped, key=lambda one: bool(first) and one.lacks_key)
    told = "; ".join(f"{one.provider}: {one.reason}" for one in skipped[:_TOLD]) or "no provider is available"
    if len(skipped) > _TOLD:
        told += f"; and {len(skipped) - _TOLD} more: `g4f-lite providers` lists them"
    error = kind(f"nothing can answer this call: {told}" if len(skipped) != 1 else told)
    error.trail = trail
    return error
