"""
`g4f-lite providers`, `models` and `plugins`.

Rule: only `models --live` sends requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import names
from .options import json_option
from .output import print_json, print_table, printable

if TYPE_CHECKING:
    from ..plugins.sources import PluginInfo
    from ..provider.base import Provider


@click.command(epilog="\b\nExamples:\n  g4f-lite providers\n  g4f-lite providers --json | jq '.[].name'")
@json_option("Print JSON.")
def providers(as_json: bool) -> None:
    """
    List the providers, in the order in which they are tried.

    Providers in the state `ready` can answer a call that names no provider. The column `key` says where the key was
    found, or which variable to set; `g4f-lite doctor` says where to get one.
    """
    from ..plugins.registry import process_registry
    from .status import provider_statuses

    statuses = provider_statuses(process_registry())
    if as_json:
        print_json([status.to_dict() for status in statuses])
        return
    print_table(
        ("name", "state", "key", "default model or notice"),
        [
            (one.name, one.state, one.key_from or one.key_variable, one.problem or one.default_model or one.notice)
            for one in statuses
        ],
    )


@click.command(epilog="\b\nExamples:\n  g4f-lite models\n  g4f-lite models groq --live")
@click.argument("provider", required=False, shell_complete=names.providers)
@click.option("--live", is_flag=True, help="Ask the services.")
@json_option("Print JSON.")
def models(provider: str | None, live: bool, as_json: bool) -> None:
    """
    List models and their aliases.

    Without --live the list comes from the providers' code. The services may have more models: any id that a service
    knows can be used. With --live the services are asked; if one does not answer, the list from its provider's code
    is shown, with a warning. PROVIDER limits the list to one provider.
    """
    if live:
        _print_live(provider, as_json)
        return
    from ..errors.exceptions import PluginLoadError
    from ..plugins.registry import process_registry
    from ..provider.self_description import listed_models

    registry = process_registry()
    listed: list[Provider] = []
    for name in registry.automatic_names() if provider is None else [provider]:
        try:
            listed.append(registry.get(name))
        except PluginLoadError as error:
            if provider is not None:
                raise
            click.echo(f"Warning: {error}", err=True)
    rows = [(one, model, _aliases(one, model)) for one in listed for model in listed_models(one)]
    if as_json:
        print_json(
            [
                {"provider": one.name, "id": model, "aliases": aliases, "default": model == one.default_model}
                for one, model, aliases in rows
            ]
        )
        return
    print_table(("provider", "id", "aliases"), [(one.name, model, ", ".join(aliases)) for one, model, aliases in rows])


def _print_live(provider: str | None, as_json: bool) -> None:
    from ..client.client import Client

    with Client() as client:
        listed = client.models.list(provider=provider)
    for failure in (entry for entry in listed.trail.attempts if entry.outcome != "ok"):
        click.echo(printable(f"Warning: {failure}"), err=True)
    if not listed.live:
        for skipped in listed.trail.skipped if provider is not None else ():
            click.echo(printable(f"Warning: {skipped}"), err=True)
    if as_json:
        print_json([{"provider": one.provider, "id": one.id, "live": one.live} for one in listed])
        return
    rows = [(one.provider, printable(one.id), "yes" if one.live else "no") for one in listed]
    print_table(("provider", "id", "live"), rows)


def _aliases(provider: Provider, model: str) -> list[str]:
    return [alias for alias, target in provider.model_aliases.items() if target == model]


@click.command(epilog="\b\nExamples:\n  g4f-lite plugins\n  g4f-lite plugins --load --json")
@click.option("--load", is_flag=True, help="Load each plugin in a process of its own, with a time limit.")
@json_option("Print JSON.")
def plugins(load: bool, as_json: bool) -> None:
    """
    List the plugins, and which are broken.

    With --load, plugins that hang or end their process are found too.
    """
    import msgspec

    from ..plugins.registry import process_registry
    from ..plugins.sources import vain_choices

    registry = process_registry()
    if load:
        from ..plugins.subprocess_load import load_isolated

        infos = load_isolated(registry)
    else:
        from .status import provider_statuses

        provider_statuses(registry)  # loads them
        infos = registry.plugins()
    if as_json:
        print_json(msgspec.to_builtins(infos))
    else:
        print_table(PLUGIN_COLUMNS, map(_row, infos))
    broken = [info for info in infos if info.error and info.source == "third-party"]
    for vain in vain_choices():
        click.echo(vain, err=True)
    if broken:
        click.echo(_how_to_switch_off(broken, infos), err=True)


PLUGIN_COLUMNS = (
    *("name", "source", "distribution", "version", "providers"),
    *("strategies", "hooks", "load time", "problem"),
)


def _row(info: PluginInfo) -> tuple[str, ...]:
    took = "" if info.load_time is None else f"{info.load_time:.2f} s"
    contents = (", ".join(names) for names in (info.providers, info.strategies, info.hooks))
    return (info.name, info.source, info.distribution, info.version, *contents, took, info.problem)


def _how_to_switch_off(broken: list[PluginInfo], infos: list[PluginInfo]) -> str:
    from ..plugins.sources import LOAD_PLUGINS

    culprits = list(dict.fromkeys(info.distribution for info in broken))
    others = dict.fromkeys(info.distribution for info in infos if info.source == "third-party")
    kept = ",".join(name for name in others if name not in culprits)
    return (
        f"Broken: {', '.join(culprits)}. To switch off: pip uninstall {' '.join(culprits)}, or list the ones to keep: "
        f"{LOAD_PLUGINS}={kept!r}"
    )
