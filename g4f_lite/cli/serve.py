"""`g4f-lite serve`: the gateway."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import failures
from .output import printable

if TYPE_CHECKING:
    from ..gateway.settings import Settings

_EXAMPLES = """\b
Examples:
  g4f-lite serve
  g4f-lite serve gateway.toml
  g4f-lite serve gateway.toml --check
"""


@click.command(epilog=_EXAMPLES)
@click.argument("config", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--host", help="Listen here, instead of where the configuration says.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port; 0 for any that is free.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer; several need gunicorn.")
@click.option("--no-auth", is_flag=True, help="Let everybody in without a key.")
@click.option("--check", is_flag=True, help="Check the configuration, say what each key may ask for, and end.")
def serve(
    config: Path | None, host: str | None, port: int | None, *, workers: int | None, no_auth: bool, check: bool
) -> None:
    """
    Serve OpenAI's and Anthropic's protocols over HTTP.

    The routes are those of the file CONFIG, or all that have a key.
    """
    from ..errors.exceptions import ConfigurationError

    try:
        _serve(config, host, port, workers=workers, no_auth=no_auth, check=check)
    except ConfigurationError as error:
        if config is None or str(error).startswith(f"{config}: "):
            raise
        raise ConfigurationError(f"{config}: {error}") from None
    except ImportError as error:
        from ..errors.suggestions import install_hint

        missing = str(error).partition(";")[0]
        raise click.ClickException(f"{missing}; run: {install_hint('gateway')}") from None


def _serve(
    config: Path | None, host: str | None, port: int | None, *, workers: int | None, no_auth: bool, check: bool
) -> None:
    from ..gateway.garbage import begin_to_load

    if not check:
        begin_to_load()
    import asyncio

    from ..gateway.key_store import store_of
    from ..gateway.settings import Settings, read_settings

    def read() -> Settings:
        return _moved(Settings() if config is None else read_settings(config), host, port, workers)

    settings = read()
    store = store_of(settings, config)
    if check:
        from ..gateway.overview import overview

        click.echo(failures.in_files(overview(settings, store, no_auth=no_auth)), nl=False)
        return
    keys = not no_auth and (bool(settings.keys) or bool(store.virtual()))

    def started(host: str, port: int, admin: str | None) -> None:
        _say_where(host, port, admin, settings=settings, keys=keys)
        if config is None and (problem := _why_none_answers()):
            click.echo(printable(f"Warning: {problem}"), err=True)

    from ..gateway.log_lines import LineFormatter

    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for name in ("g4f_lite", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("g4f_lite.gateway").setLevel(logging.INFO)
    usage = store.path.with_name(f"{store.path.stem}-usage{store.path.suffix}")
    if settings.server.workers > 1:
        from ..gateway.workers import serve_workers

        serve_workers(read, store=store, usage=usage, no_auth=no_auth, started=started)
    from ..gateway.server import serve as run

    asyncio.run(run(settings, store=store, usage=usage, no_auth=no_auth, started=started))


def _moved(settings: Settings, host: str | None, port: int | None, workers: int | None) -> Settings:
    import msgspec

    own_host, own_port = settings.server.address
    listen = f"{own_host if host is None else host}:{own_port if port is None else port}"
    server = msgspec.structs.replace(settings.server, listen=listen, workers=workers or settings.server.workers)
    return msgspec.structs.replace(settings, server=server)


def _why_none_answers() -> str | None:
    """Return why a call that names nothing would fail, if it would."""
    from ..client.client import Client
    from ..errors.exceptions import G4FLiteError, NoUsableRouteError

    try:
        Client().explain()
    except NoUsableRouteError:
        return "no provider can be used: get a key, run `g4f-lite keys set PROVIDER`, and start it again."
    except G4FLiteError as error:
        return f"a call that names no provider fails: {failures.in_files(str(error))}"
    return None


def _say_where(host: str, port: int, admin: str | None, *, settings: Settings, keys: bool) -> None:
    at = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"g4f_lite answers at {at}/v1 (Ctrl-C ends it). Try:", err=True)
    key = ' -H "Authorization: Bearer $KEY"' if keys else ""
    named = [json.dumps(name) for name in settings.models if "*" not in name]
    if settings.models and not named:  # only patterns: which names fit is not known here
        click.echo(f"  curl {at}/v1/models{key}", err=True)
    else:
        model = f'"model": {named[0]}, ' if named else ""
        body = f'{{{model}"messages": [{{"role": "user", "content": "Capital of Italy?"}}]}}'
        click.echo(f"  curl {at}/v1/chat/completions{key} -d {shlex.quote(body)}", err=True)
    if not keys and settings.expects_keys:
        click.echo("Warning: there are no keys, so everybody who reaches it is let in.", err=True)
    if admin is not None:
        click.echo(f"  curl {at}/metrics -H 'Authorization: Bearer {admin}'", err=True)
        click.echo(f"The page is at {at}/; sign in with {admin}", err=True)
