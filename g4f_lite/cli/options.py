"""The options that several commands share: of routing, and of a question."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import names
from .config import read_config
from .failures import AS_JSON, VERBOSE
from .output import note

if TYPE_CHECKING:
    from ..client.params import CreateParams

Command = TypeVar("Command", bound=Callable[..., Any])
_TYPO = 0.85
"""How similar to another parameter a typo is; `top_k`, which some services have, is less similar to `top_p`."""
REMINDED_S = 2.0
"""Who has given a prompt, and whose standard input has not ended after so many seconds, is told of the wait."""


def _addresses(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    addresses: dict[str, str] = {}
    for entry in given:
        name, equals, url = entry.partition("=")
        if not (name and equals and url):
            raise click.BadParameter(f"{entry!r} is not of the form PROVIDER=URL")
        addresses[name.lower()] = url
    return addresses


def _lower(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of providers have no capitals, but people write `Groq`; a route (`Groq:Model`) is refused later on."""
    return tuple(name.partition(":")[0].lower() + "".join(name.partition(":")[1:]) for name in given)


def _noted(name: str) -> Callable[[click.Context, click.Parameter, bool], bool]:
    """Return a callback that leaves a flag where the end of the command finds it, however the command ends."""

    def keep(ctx: click.Context, param: click.Parameter, given: bool) -> bool:
        ctx.meta[name] = given
        return given

    return keep


verbose_option = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    callback=_noted(VERBOSE),
    help="Print on stderr what was tried and what was skipped.",
)


def json_option(help: str = "Print OpenAI's JSON, with provider and trail.") -> Callable[[Command], Command]:
    """Return the option `--json`; with it, a failure is JSON, too."""
    return click.option("--json", "as_json", is_flag=True, callback=_noted(AS_JSON), help=help)


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
            shell_complete=names.models,
            help="Model, or provider:model, to try next instead of the provider's own list. Repeatable.",
        ),
        click.option("-m", "--model", shell_complete=names.models, help="Id, alias, or provider:model."),
        click.option(
            "-p",
            "--provider",
            "providers",
            metavar="NAME",
            multiple=True,
            callback=_lower,
            shell_complete=names.providers,
            help="Provider; repeatable. [default: all that have a key, then local]",
        ),
    ):
        command = option(command)
    return command


def question_options(*, prompt: bool) -> Callable[[Command], Command]:
    """
    Add the options of a question to a command, those of routing among them.

    Args:
        prompt: whether the command has the argument PROMPT, too, and attachments.
    """
    options = [
        click.option(
            "--on-interrupt",
            type=click.Choice(["raise", "restart", "continue"]),
            help="What to do if an answer is interrupted.  [default: raise]",
        ),
        click.option("--timeout", type=float, metavar="SECONDS", help="Time limit for the complete answer."),
        click.option(
            "-o",
            "--option",
            "others",
            metavar="NAME=VALUE",
            multiple=True,
            callback=_parameters,
            help="Any other parameter, such as top_p=0.9; the value is JSON or text. Repeatable.",
        ),
        click.option(
            "--schema",
            metavar="JSON",
            callback=_schema,
            shell_complete=names.files,
            help="JSON Schema of the answer: a file, or the JSON itself.",
        ),
        click.option("--max-tokens", type=int, help="The most tokens of the answer."),
        click.option("-t", "--temperature", type=float, help="How random the answer is; 0 is the least."),
        click.option("-s", "--system", metavar="TEXT", help="System message."),
        routing_options,
    ]
    if prompt:
        options.insert(
            4,
            click.option(
                "-a",
                "--attach",
                "attachments",
                metavar="FILE",
                multiple=True,
                shell_complete=names.files,
                help="Image, sound or text to send along, - for what is piped in, or the URL of an image. Repeatable.",
            ),
        )
        options.append(click.argument("prompt", required=False))

    def add(command: Command) -> Command:
        for one in options:
            command = one(command)
        return command

    return add


def _parameters(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    from msgspec import json

    from ..value import NOT_JSON

    found: dict[str, Any] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{entry!r} is not of the form NAME=VALUE")
        try:
            found[name] = json.decode(value)
        except NOT_JSON:
            found[name] = value
    return found


def _schema(ctx: click.Context, param: click.Parameter, given: str | None) -> dict[str, Any] | None:
    """Return the parameter `response_format` for a schema."""
    if given is None:
        return None
    from msgspec import json

    from ..value import NOT_JSON

    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text("utf-8-sig")
        schema = json.decode(text, type=dict)
    except OSError as error:
        raise click.BadParameter(f"{given}: {error.strerror}") from None
    except (*NOT_JSON, ValueError) as error:
        raise click.BadParameter(f"it is no JSON Schema: {error}") from None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def schema_of(response_format: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that `--schema` was given."""
    schema: dict[str, Any] = response_format["json_schema"]["schema"]
    return schema


def question_params(
    prompt: str | None,
    *,
    providers: tuple[str, ...],
    model: str | None,
    fallbacks: tuple[str, ...],
    no_fallback: bool,
    system: str | None,
    schema: dict[str, Any] | None,
    others: dict[str, Any],
    attachments: tuple[str, ...] = (),
    **params: Any,
) -> dict[str, Any]:
    """
    Return the keywords of `create` for a prompt and the other options of a question.

    Args:
        prompt: None if it is not known yet.

    Raises:
        UsageError: two of them exclude each other, or a file cannot be read.
    """
    from ..client.params import UntypedParams
    from .attachments import content_of

    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    if prompt is not None:
        messages.append({"role": "user", "content": content_of(prompt, attachments)})
    own = {name: value for name, value in others.items() if name in UntypedParams.__annotations__}
    extra = {name: value for name, value in others.items() if name not in own}
    if extra:
        _note_typos(extra)
        if not isinstance(body := own.get("extra_body", {}), dict):
            raise click.BadParameter(f"extra_body must be a JSON object, not {body!r}", param_hint="-o")
        own["extra_body"] = {**body, **extra}
    return {
        "messages": messages,
        **routing_params(providers, model, fallbacks, no_fallback),
        **params,
        "response_format": schema,
        **own,
    }


def _note_typos(extra: Iterable[str]) -> None:
    """Note each parameter whose name is nearly one of OpenAI's, and no service's own: it may be ignored."""
    from ..client.params import UntypedParams
    from ..errors.suggestions import closest
    from ..plugins.registry import process_registry

    for name in extra:
        meant = next(iter(closest(name, UntypedParams.__annotations__, cutoff=_TYPO)), None)
        if meant is not None and not process_registry().with_own_parameter(name):
            note(f"{name!r} is no parameter of OpenAI's API, and is sent as it is; did you mean {meant!r}?")


def read_prompt(prompt: str | None, *, piped_too: bool = True, what: str = "prompt") -> str:
    """
    Return what is to be sent: the argument, what is piped in, or both.

    Raises:
        UsageError: there is neither, or what is piped in is no text.
    """
    piped = ""
    if piped_too and not sys.stdin.isatty():
        try:
            piped = _read_to_end(remind=prompt is not None).decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("Standard input is not UTF-8 text.") from None
    text = "\n\n".join(part for part in (prompt, piped) if part and not part.isspace())
    if not text:
        raise click.UsageError(f"There is no {what}: pass one as an argument, or pipe it in.")
    return text


def _read_to_end(*, remind: bool) -> bytes:
    if not remind:
        return sys.stdin.buffer.read()
    from threading import Timer

    reminder = Timer(REMINDED_S, note, ["waiting for the end of standard input; to pipe in nothing: </dev/null"])
    reminder.daemon = True
    reminder.start()
    try:
        return sys.stdin.buffer.read()
    finally:
        reminder.cancel()


def routing_params(
    providers: tuple[str, ...], model: str | None, fallbacks: tuple[str, ...], no_fallback: bool
) -> CreateParams:
    """
    Return the keywords of `create` for these options, with models in place of the user's aliases.

    Raises:
        UsageError: they exclude each other.
    """
    if no_fallback and fallbacks:
        raise click.UsageError("--fallback and --no-fallback exclude each other.")
    aliases = read_config().aliases
    return {
        "provider": providers or None,
        "model": model and aliases.get(model, model),
        "fallback_models": [] if no_fallback else [aliases.get(one, one) for one in fallbacks] or None,
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
