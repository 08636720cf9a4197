"""`g4f-lite gateway`: the keys of its callers, and the configuration of another one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import print_json

if TYPE_CHECKING:
    from ..gateway.key_store import KeyStore
    from ..gateway.settings import Settings

_SETTINGS, _WITHOUT_CONFIG = "g4f_lite.gateway", "g4f_lite.gateway.without"
_EXAMPLES = """\b
Examples:
  g4f-lite gateway keys --config gateway.toml new team-a --model 'claude-*' --usd 50 --per month
  g4f-lite gateway keys --config gateway.toml list
"""


@click.group()
def gateway() -> None:
    """Manage what `g4f-lite serve` serves."""


@gateway.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Write this file, which must not exist, not stdout.")
def import_file(file: Path, output: Path | None) -> None:
    """
    Turn a configuration of LiteLLM's proxy into one for `serve`.

    What could not be carried over, and what means something else here, is printed on stderr, by line. Keys that stand
    in the file are not written: put each into a variable.
    """
    from ..errors.exceptions import ConfigurationError
    from ..errors.suggestions import install_hint

    try:
        from ..gateway.litellm.importing import imported
    except ImportError as error:
        raise click.ClickException(f"{error}; run: {install_hint('gateway')}") from None
    try:
        found = imported(file.read_text("utf-8"))
    except (ConfigurationError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if output is None:
        click.echo(found.toml, nl=False)
    else:
        try:
            with output.open("x", encoding="utf-8") as written:
                written.write(found.toml)
        except OSError as error:
            raise ConfigurationError(f"{output} cannot be written: {error.strerror}") from None
    for one in found.remarks:
        verb = "carried over" if one.carried else "not carried over"
        click.echo(f"{file}:{one.line}: {one.setting}: {verb}: {one.text}", err=True)


@gateway.group(epilog=_EXAMPLES)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file given to `g4f-lite serve`; without it, the keys of a gateway without a configuration are meant.",
)
@click.pass_context
def keys(ctx: click.Context, config: Path | None) -> None:
    """Make and end the keys of callers. A running gateway follows within a second."""
    from ..gateway.key_store import KeyStore
    from ..gateway.settings import Settings, read_settings, store_path

    settings = Settings() if config is None else read_settings(config)
    ctx.obj = KeyStore(store_path(settings, config))
    ctx.meta[_SETTINGS], ctx.meta[_WITHOUT_CONFIG] = settings, config is None


@keys.command()
@click.argument("name")
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A name that it may ask for; * stands for any text. Repeatable. [default: all]",
)
@click.option("--rpm", type=click.IntRange(1), help="Requests a minute.")
@click.option("--tpm", type=click.IntRange(1), help="Tokens a minute.")
@click.option("--parallel", type=click.IntRange(1), help="Calls at once.")
@click.option("--usd", type=click.FloatRange(0, 1e6, min_open=True), help="What it may spend.")
@click.option(
    "--per",
    type=click.Choice(["day", "week", "month", "total"]),
    default="total",
    show_default=True,
    help="The window of --usd; total has no end.",
)
@click.option("--team", help="A team of the configuration; its limits hold, too.")
@click.option(
    "--unknown-price",
    type=click.Choice(["refuse", "allow"]),
    help="What happens to a model without a known price, if there is a budget. [default: refuse]",
)
@click.option("--expires", help="A date, such as 2027-01-31.")
@click.pass_obj
def new(store: KeyStore, /, name: str, models: tuple[str, ...], usd: float | None, per: str, **limits: Any) -> None:
    """Make a key, and print it: it is shown this once."""
    import msgspec

    from ..errors.exceptions import ConfigurationError
    from ..errors.suggestions import did_you_mean
    from ..gateway.settings import KeySettings, check_key_models

    settings: Settings = click.get_current_context().meta[_SETTINGS]
    if name in settings.keys:
        raise ConfigurationError(f"there is a key {name!r} in the configuration already")
    if (team := limits["team"]) is not None and team not in settings.teams:
        raise ConfigurationError(f"there is no [teams.{team}] in the configuration{did_you_mean(team, settings.teams)}")
    check_key_models(models, settings.models)
    found: dict[str, Any] = {option: value for option, value in limits.items() if value is not None}
    if models:
        found["models"] = models
    if usd is not None:
        found["budget"] = {"usd": usd, "per": per}
    click.echo(store.new(name, msgspec.convert(found, KeySettings)))
    click.echo(f"The key is in {store.path}.", err=True)
    if click.get_current_context().meta[_WITHOUT_CONFIG] and Path("gateway.toml").exists():
        click.echo("The gateway of ./gateway.toml does not know it: for that, give --config gateway.toml.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_keys(store: KeyStore, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from ..gateway.settings import limits_of

    found = store.all()
    if as_json:
        import msgspec

        print_json([{**msgspec.to_builtins(one), "settings": msgspec.to_builtins(one.settings)} for one in found])
        return
    for one in found:
        made = time.strftime("%Y-%m-%d", time.localtime(one.made_at))
        state = "disabled" if one.settings.disabled else ", ".join(one.settings.models)
        limits = ", ".join(limits_of(one.settings))
        team = f"team {one.settings.team}" if one.settings.team else ""
        ends = f"expires {one.settings.expires}" if one.settings.expires else ""
        click.echo("  ".join(filter(None, (one.name, f"{one.shown}…", made, state, limits, team, ends))))


@keys.command()
@click.argument("name")
@click.pass_obj
def disable(store: KeyStore, name: str) -> None:
    """Let a key in no more."""
    store.disable(name)


@keys.command()
@click.argument("name")
@click.pass_obj
def enable(store: KeyStore, name: str) -> None:
    """Let a disabled key in again."""
    store.disable(name, disabled=False)


@keys.command()
@click.argument("name")
@click.pass_obj
def rotate(store: KeyStore, name: str) -> None:
    """Give a key a new secret, and print it. The old one is let in no more."""
    click.echo(store.rotate(name))
