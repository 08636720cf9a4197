"""`g4f-lite plugin new`: the files of a new plugin."""

from __future__ import annotations

from pathlib import Path

import click

from .failures import USAGE

KINDS = ("openai", "protocol", "local", "hooks", "strategy")
_EXAMPLES = """\b
Examples:
  g4f-lite plugin new acme
  g4f-lite plugin new acme --kind protocol
"""


@click.group()
def plugin() -> None:
    """Create plugins."""


@plugin.command(epilog=_EXAMPLES)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="openai",
    show_default=True,
    help="OpenAI's protocol, another protocol, answers made in-process; or no provider.",
)
@click.pass_context
def new(ctx: click.Context, name: str, kind: str) -> None:
    """
    Write a small plugin NAME: a provider, hooks or a strategy.

    The new folder g4f-lite-NAME gets the code, its tests, README and CI. The tests pass as they are; adapt the
    code from there.
    """
    from .plugin_project import UnfitNameError, check_name, project_files

    try:
        check_name(name, kind)
    except UnfitNameError as error:
        raise click.BadParameter(str(error), ctx, param_hint="NAME") from None
    folder = Path(f"g4f-lite-{name.replace('_', '-')}")
    if folder.exists():
        click.echo(f"Error: {folder} exists already; nothing was written", err=True)
        ctx.exit(USAGE)
    for path, text in project_files(name, kind).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
        click.echo(folder / path)
    click.echo(f"Next: cd {folder} && pip install -e '.[dev]' && pytest", err=True)
