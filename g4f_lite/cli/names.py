"""Names that the shell completes: of providers and models, without a request."""

from __future__ import annotations

from click import Context, Parameter
from click.shell_completion import CompletionItem


def providers(ctx: Context, param: Parameter, typed: str) -> list[CompletionItem]:
    """Return the providers whose names begin so."""
    from ..plugins.registry import process_registry

    return [CompletionItem(name) for name in process_registry().names() if name.startswith(typed.lower())]


def models(ctx: Context, param: Parameter, typed: str) -> list[CompletionItem]:
    """Return the models and aliases that begin so: of the providers that were named, else of all bundled ones."""
    from ..errors.exceptions import G4FLiteError
    from ..plugins.registry import process_registry

    registry = process_registry()
    found = {}
    for name in ctx.params.get("providers") or registry.names():
        try:
            provider = registry.get(name)
        except G4FLiteError:  # a broken plugin
            continue
        for model in (*provider.model_aliases, *provider.models()):
            if model.startswith(typed):
                found[model] = CompletionItem(model, help=provider.label or name)
    return list(found.values())
