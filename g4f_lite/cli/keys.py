"""
`g4f-lite keys`: the stored keys.

Rule: a key is never an argument and never printed.
"""

from __future__ import annotations

import os
import sys

import click

from . import names
from .output import print_table

_SET_EXAMPLES = """\b
Examples:
  g4f-lite keys set groq
  pass show groq | g4f-lite keys set groq
"""


@click.group(epilog="\b\nExamples:\n  g4f-lite keys set groq\n  g4f-lite keys list")
def keys() -> None:
    """Store keys in a file that only you can read."""


@keys.command("set", epilog=_SET_EXAMPLES)
@click.argument("provider", shell_complete=names.providers)
@click.argument("surplus", nargs=-1, metavar="", type=click.UNPROCESSED)
def set_key(provider: str, surplus: tuple[str, ...]) -> None:
    """Store the key of PROVIDER. It is typed without an echo, or piped in."""
    if surplus:  # do not print it: it is likely to be the key
        raise click.UsageError(
            "The key is not an argument: it would stay in the shell's history. Omit it, then type it or pipe it in."
        )
    from ..plugins.registry import process_registry
    from ..provider.keys import store_key

    known = process_registry().get(provider)
    if not (known.needs_auth or known.api_key_env):
        raise click.UsageError(f"{provider} needs no key.")
    path = store_key(provider, _read_key(provider, known.login_url))
    click.echo(f"The key for {provider} is stored in {path}.", err=True)
    if first := next((variable for variable in known.api_key_env if os.environ.get(variable)), None):
        click.echo(f"Note: {first} is set in the environment and takes precedence.", err=True)


def _read_key(provider: str, login_url: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    from getpass import getpass

    if login_url:
        click.echo(f"Get a key at {login_url}", err=True)
    try:
        return getpass(f"Key for {provider} (not shown): ", sys.stderr)
    except EOFError:
        return ""


@keys.command("list", epilog="\b\nExample:\n  g4f-lite keys list")
def list_keys() -> None:
    """List the stored keys by provider, fingerprint and file."""
    from ..provider.keys import fingerprint, load_stored, stored_keys_path

    path = stored_keys_path()
    stored = load_stored()
    if not stored:
        click.echo(f"No key is stored{_place()}.", err=True)
        return
    print_table(
        ("provider", "fingerprint", "file"), [(name, fingerprint(key), str(path)) for name, key in stored.items()]
    )


@keys.command("remove", epilog="\b\nExample:\n  g4f-lite keys remove groq")
@click.argument("provider", shell_complete=names.providers)
def remove(provider: str) -> None:
    """Remove the stored key of PROVIDER."""
    from ..provider.keys import remove_key

    if not remove_key(provider):
        raise click.UsageError(f"No key is stored for {provider!r}{_place()}.")
    click.echo(f"The key for {provider} is removed.", err=True)


def _place() -> str:
    """Return where keys are stored, as the end of a sentence; or why nowhere."""
    from ..provider.keys import NO_HOME, stored_keys_path

    path = stored_keys_path()
    return f": {NO_HOME}" if path is None else f" in {path}"
