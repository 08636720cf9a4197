"""The options that choose providers and models, shared by `ask`, `transcribe` and `explain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..client.params import CreateParams

Command = TypeVar("Command", bound=Callable[..., Any])


def _addresses(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    addresses: dict[str, str] = {}
    for entry in given:
        name, equals, url = entry.partition("=")
        if not (name and equals and url):
            raise click.BadParameter(f"{entry!r} is not of the form PROVIDER=URL")
        addresses[name] = url
    return addresses


def routing_options(command: Command) -> Command:
    """Add `-p`, `-m`, `--fallback`, `--no-fallback` and `--base-url` to a command."""
    for option in (
        click.option(
            "--base-url",
            "base_urls",
            metavar="PROVIDER=URL",
            multiple=True,
            callback=_addresses,
            help="Base URL of a provider's API. Repeatable.",
        ),
        click.option(
            "--no-fallback", is_flag=True, help="Try only the model that is named, or the provider's default model."
        ),
        click.option(
            "--fallback",
            "fallbacks",
            metavar="MODEL",
            multiple=True,
            help="Model, or provider:model, to try next instead of the provider's own list. Repeatable.",
        ),
        click.option("-m", "--model", help="Id, alias, or provider:model."),
        click.option(
            "-p",
            "--provider",
            "providers",
            metavar="NAME",
            multiple=True,
            help="Provider; repeatable. [default: all that have a key, then local]",
        ),
    ):
        command = option(command)
    return command


def routing_params(
    providers: tuple[str, ...], model: str | None, fallbacks: tuple[str, ...], no_fallback: bool
) -> CreateParams:
    """
    Return the keywords of `create` for these options.

    Raises:
        UsageError: they exclude each other.
    """
    if no_fallback and fallbacks:
        raise click.UsageError("--fallback and --no-fallback exclude each other.")
    return {
        "provider": providers or None,
        "model": model,
        "fallback_models": [] if no_fallback else fallbacks or None,
    }


def check_names(base_urls: dict[str, str]) -> None:
    """
    Check that the provider of each base URL exists.

    Raises:
        UnknownProviderError: one does not.
    """
    from ..plugins.registry import process_registry

    registry = process_registry()
    for name in base_urls:
        if not registry.knows(name):
            registry.get(name)  # raises, and suggests the closest name
