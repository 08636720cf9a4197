"""
From the names that a caller gives to providers and models, with suggestions for names that nobody has.

Rule: the only place that reads `provider:model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from ..errors.exceptions import ConfigurationError, PluginLoadError, UnknownModelError, UnknownProviderError
from ..errors.quoted_values import quoted
from ..errors.suggestions import closest
from ..provider.address import is_loopback
from ..provider.base import Provider
from ..provider.instances import instance_of
from ..provider.self_description import declared, listed_models

ProviderChoice: TypeAlias = "str | Provider | type[Provider]"
RouteChoice: TypeAlias = "ProviderChoice | tuple[str, ...]"
"""A route; or several, which are one tier."""


class Directory(Protocol):
    """The providers that names refer to."""

    @property
    def version(self) -> int:
        """A number that changes whenever a provider or a hook comes or goes."""

    def knows(self, name: str) -> bool:
        """Tell whether this is a provider's name."""

    def get(self, name: str) -> Provider:
        """
        Return the provider of this name.

        Raises:
            UnknownProviderError: there is none.
            PluginLoadError: its plugin is broken.
        """

    def names(self) -> list[str]:
        """Return all provider names."""

    def automatic_names(self) -> list[str]:
        """Return all provider names, in the order in which a call that names none tries them."""


def split(directory: Directory, entry: str) -> tuple[str | None, str | None]:
    """
    Split `provider:model`.

    The provider is None if the first part is no known provider. The model is None if the entry is only
    a provider. After a leading colon, everything is the model.
    """
    name, colon, model = entry.partition(":")
    if colon and not name:
        return None, model
    if directory.knows(name):
        return name, model or None
    return None, entry


def route_or_id(
    directory: Directory, entry: str, providers: Sequence[Provider], lists: Callable[[Provider, str], bool]
) -> tuple[str | None, str | None]:
    """
    As `split`, for an entry next to providers that the caller named, whose own ids may look like `provider:model`.

    A prompt for `mistral:7b` of an Ollama on the caller's machine must not go to Mistral. So the first part is a
    provider only if that provider lists the rest, or if the caller can mean nothing else.

    Args:
        lists: tells whether a provider lists a model, by its id or an alias.

    Raises:
        ConfigurationError: both may be meant.
    """
    name, model = split(directory, entry)
    if name is None or model is None or not providers or any(one.name == name for one in providers):
        return name, model
    try:
        prefixed = directory.get(name)
    except PluginLoadError:  # whoever resolves it says so
        return name, model
    is_route = lists(prefixed, model)
    owners = [one for one in providers if lists(one, entry)]
    if not is_route and not owners:
        # Between two servers here, no prompt goes elsewhere: only a server that lists no models is asked for any id.
        owners = [one for one in providers if takes_any_id(one) and not (listed_models(one) and _is_here(prefixed))]
        is_route = takes_any_id(prefixed)
    if not owners:
        return name, model
    if not is_route:
        return None, entry
    whole, rest = quoted(entry), quoted(model)
    raise ConfigurationError(
        f"{whole} may be a model of {owners[0].name}, or the model {rest} of {name}; write {quoted(':' + entry)} "
        f"for the first, provider={name!r} with model={rest} or routes=[…, {whole}] for the second"
    )


def takes_any_id(provider: Provider) -> bool:
    """Tell whether any id may be one of the provider's: it lists none, or it is a server on the caller's machine."""
    return not listed_models(provider) or _is_here(provider)


def _is_here(provider: Provider) -> bool:
    return not declared(provider, "needs_auth") and is_loopback(provider.api_base)


def without_prefix(directory: Directory, model: str, provider: object, lists: Callable[[Provider, str], bool]) -> str:
    """
    Return the model of a `provider:model` that is given together with `provider`.

    Raises:
        ConfigurationError: the two name different providers.
    """
    name, rest = split(directory, model)
    if name is None or rest is None:
        return rest or model
    choices = [resolve(directory, choice) for choice in as_list(provider)]
    named = [choice.name for choice in choices]
    if named == [name]:
        return rest
    if name not in named and route_or_id(directory, model, choices, lists)[0] is None:
        return model
    raise ConfigurationError(
        f"provider={quoted(named[0])} and model={quoted(model)} name two providers; "
        f"leave one out, or write model={quoted(':' + model)} if that is the model's id"
    )


def resolve(directory: Directory, choice: object) -> Provider:
    """
    Return the provider that a name, a class or an instance stands for.

    Raises:
        UnknownProviderError: there is no provider of this name.
        PluginLoadError: its plugin is broken.
        ConfigurationError: the choice is none of the three, or cannot be used.
    """
    if isinstance(choice, Provider) or (isinstance(choice, type) and issubclass(choice, Provider)):
        return instance_of(choice)
    if isinstance(choice, str):
        return directory.get(choice)
    raise ConfigurationError(f"a provider is a name, a Provider class or an instance, not {quoted(choice)}")


def as_list(provider: object) -> list[object]:
    """
    Return the choices in a `provider` argument.

    Raises:
        UnknownProviderError: the list is empty.
    """
    if isinstance(provider, Sequence) and not isinstance(provider, str):
        if not provider:
            raise UnknownProviderError("provider=[] is empty; leave it out to use every provider with a key")
        return list(provider)
    return [provider]


def check_names(model: object, fallback_models: object) -> None:
    """
    Check the types of the arguments that name models.

    Raises:
        ConfigurationError: one of them is no model name, or no list of model names.
    """
    if model is not None and not (isinstance(model, str) and model.strip(": ")):
        raise ConfigurationError(f"model must be a model's name, not {quoted(model)}")
    if fallback_models is None:
        return
    if isinstance(fallback_models, str) or not isinstance(fallback_models, Sequence):
        raise ConfigurationError(f"fallback_models must be a list of model names, not {quoted(fallback_models)}")
    for entry in fallback_models:
        if not isinstance(entry, str) or not entry.strip(": "):
            raise ConfigurationError(f"fallback_models holds {quoted(entry)}, which is not a model name")


def unknown_model(directory: Directory, entry: str, listed: Iterable[str]) -> UnknownModelError:
    """Return the error for a model that no provider lists, with the nearest routes and models."""
    name, colon, model = entry.partition(":")
    routes = [f"{one}:{model}" for one in closest(name, directory.names(), 1, 0.75) if colon]
    owner, slash, rest = entry.partition("/")  # as LiteLLM writes a route
    if slash and rest and directory.knows(owner.lower()):
        routes.insert(0, f"{owner.lower()}:{rest}")
    nearest = [*routes, *closest(entry, listed, 3, 0.5)][:3]
    hint = f"; did you mean {' or '.join(map(repr, nearest))}? " if nearest else ". "
    whole = f"PROVIDER:{entry}"
    return UnknownModelError(
        f"no provider lists the model {quoted(entry)}{hint}To send it as it is, name the provider too: {quoted(whole)}"
    )
