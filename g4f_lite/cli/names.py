"""What the shell completes: names of providers, models and files, without a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from click import ClickException, Context, Parameter
from click.shell_completion import CompletionItem


def providers(ctx: Context, param: Parameter, typed: str) -> list[CompletionItem]:
    """Return the providers whose names begin so."""
    from ..plugins.registry import process_registry

    return [CompletionItem(name) for name in process_registry().names() if name.startswith(typed.lower())]


def files(ctx: Context, param: Parameter, typed: str) -> list[CompletionItem]:
    """Let the shell complete the name of a file."""
    return [CompletionItem(typed, type="file")]


def models(ctx: Context, param: Parameter, typed: str) -> list[CompletionItem]:
    """
    Return the models and aliases that begin so: of the providers that were named, else of all bundled ones, and those
    of the configuration file. After `provider:`, those of that provider.
    """
    owner, colon, begun = typed.rpartition(":")
    found = {} if colon else {name: CompletionItem(name, help=target) for name, target in _own_aliases(begun)}
    for name, model, label in _listed((owner,) if colon else ctx.params.get("providers") or ()):
        if model.startswith(begun):
            found[owner + colon + model] = CompletionItem(owner + colon + model, help=label or name)
    return list(found.values())


def _listed(names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each provider, and its models with its label."""
    from ..errors.exceptions import G4FLiteError
    from ..plugins.registry import process_registry
    from ..provider.self_description import listed_models

    registry = process_registry()
    for name in names or registry.names():
        try:
            provider = registry.get(name)
        except G4FLiteError:  # a broken plugin, or a name that is not finished
            continue
        yield from ((name, model, provider.label) for model in (*provider.model_aliases, *listed_models(provider)))


def _own_aliases(begun: str) -> list[tuple[str, str]]:
    from .config import read_config

    try:
        aliases = read_config().aliases
    except ClickException:  # a broken file: a call says what is wrong
        return []
    return [(name, target) for name, target in aliases.items() if name.startswith(begun)]
