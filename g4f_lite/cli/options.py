"""The options that several commands share: of routing, and of a question."""

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
        addresses[name.lower()] = url
    return addresses


def _lower(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of providers have no capitals, but people write `Groq`."""
    return tuple(name.lower() for name in given)


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
            callback=_lower,
            help="Provider; repeatable. [default: all that have a key, then local]",
        ),
    ):
        command = option(command)
    return command


def question_options(command: Command) -> Command:
    """Add the argument PROMPT and the options of a question to a command, those of routing among them."""
    for add in (
        click.option(
            "--on-interrupt",
            type=click.Choice(["raise", "restart", "continue"]),
            help="What to do if an answer is interrupted.  [default: raise]",
        ),
        click.option("--timeout", type=float, metavar="SECONDS", help="Time limit for the complete answer."),
        click.option("--max-tokens", type=int),
        click.option("-t", "--temperature", type=float),
        click.option("-s", "--system", metavar="TEXT", help="System message."),
        routing_options,
        click.argument("prompt", required=False),
    ):
        command = add(command)
    return command


def question_params(
    prompt: str,
    *,
    providers: tuple[str, ...],
    model: str | None,
    fallbacks: tuple[str, ...],
    no_fallback: bool,
    system: str | None,
    **params: Any,
) -> dict[str, Any]:
    """
    Return the keywords of `create` for a prompt and the other options of a question.

    Raises:
        UsageError: two of them exclude each other.
    """
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    return {"messages": messages, **routing_params(providers, model, fallbacks, no_fallback), **params}


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
