"""
Check what a plugin offers: its hooks, providers and strategies. Pure, but for the constructors of providers.

Each error says what to write instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pluggy

from ..errors.exceptions import ConfigurationError, PluginLoadError
from ..errors.quoted_values import quoted
from ..errors.suggestions import did_you_mean
from ..provider.base import Provider
from ..provider.instances import instance_of
from ..routing.strategies import STRATEGIES, Strategy


def hooks_of(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """
    Return the names of a plugin's hooks.

    Raises:
        PluginLoadError: it has no hook, or one that cannot work.
    """
    known: dict[str, Any] = {name: hook for name, hook in vars(manager.hook).items() if not name.startswith("_")}
    found = []
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in known:
            hint = did_you_mean(hook, known, f"; there are {', '.join(known)}")
            raise PluginLoadError(f"unknown hook {quoted(hook)}{hint}")
        arguments = known[hook].spec.argnames
        function = getattr(plugin, attribute)
        if unknown := [name for name in _arguments(function) if name not in arguments]:
            hint = did_you_mean(unknown[0], arguments, f"; there are {', '.join(arguments)}")
            raise PluginLoadError(f"its hook {hook} cannot have the argument {unknown[0]!r}{hint}")
        if by_keyword := _by_keyword(function):
            raise PluginLoadError(f"its hook {hook} takes {by_keyword[0]!r} by keyword only; leave out the *")
        if _is_lazy(function):
            raise PluginLoadError(f"its {hook} is a coroutine, generator or wrapper, no plain function")
        found.append(hook)
    if not found:
        raise PluginLoadError(_why_no_hooks(plugin))
    return tuple(found)


def _why_no_hooks(plugin: object) -> str:
    if isinstance(plugin, str):
        return f"it is the text {quoted(plugin)}; pass the module, class or object itself"
    if is_provider(plugin):
        kind = "class" if isinstance(plugin, type) else "instance"
        return f"it is a provider {kind}; name the module that registers it"
    return "it has no hooks; mark its functions with g4f_lite.hookimpl"


def _arguments(function: Callable[..., object]) -> list[str]:
    """Return the names of the required arguments, as pluggy counts them."""
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name != "self"
    ]


def _by_keyword(function: Callable[..., object]) -> list[str]:
    """Return the names of the required arguments that only a keyword gives, which pluggy never does."""
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]


def _is_lazy(function: object) -> bool:
    """Return whether a call of this only creates an object; pluggy's wrappers are generators too."""
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_of_kind(function) for is_of_kind in kinds)


def provider_collector(providers: dict[str, Provider]) -> Callable[[object], None]:
    """Return the `register` argument of the hook `register_providers`."""

    def register(provider: object) -> None:
        instance = as_provider(provider)
        if instance.name in providers:
            raise PluginLoadError(f"it registers {instance.name!r} twice")
        providers[instance.name] = instance

    return register


def strategy_collector(strategies: dict[str, Strategy]) -> Callable[[str, Strategy], None]:
    """Return the `register` argument of the hook `register_strategies`."""

    def register(name: str, strategy: Strategy) -> None:
        if not isinstance(name, str) or not callable(strategy):
            raise PluginLoadError(f"a strategy is a name and a function, not {quoted(name)} and {quoted(strategy)}")
        if name in STRATEGIES:
            raise PluginLoadError(f"there is a built-in strategy {quoted(name)}; give it another name")
        strategies[name] = strategy

    return register


def is_provider(plugin: object) -> bool:
    return isinstance(plugin, Provider) or (isinstance(plugin, type) and issubclass(plugin, Provider))


def as_provider(plugin: object) -> Provider:
    """
    Return a provider instance.

    Raises:
        PluginLoadError: it is not a provider, or cannot be used.
    """
    if not (isinstance(plugin, Provider) or (isinstance(plugin, type) and issubclass(plugin, Provider))):
        raise PluginLoadError(f"register() takes a Provider class or instance, not {quoted(plugin)}")
    try:
        return instance_of(plugin)
    except ConfigurationError as error:
        raise PluginLoadError(str(error)) from error.__cause__
