"""`g4f-lite logs`: what was asked and answered."""

from __future__ import annotations

import click

from .call_log import CallLog, Logged
from .options import json_option
from .output import print_json, printable

_EXAMPLES = """\b
Examples:
  g4f-lite logs on
  g4f-lite logs -q lisbon
  g4f-lite logs -n 20 --json | jq '.[].cost'
"""


@click.group(invoke_without_command=True, epilog=_EXAMPLES)
@click.option("-n", "--count", type=click.IntRange(min=1), default=3, show_default=True, help="Calls to show.")
@click.option("-q", "--query", metavar="WORDS", default="", help="Only calls whose question or answer has all words.")
@click.option("-c", "--conversation", type=int, metavar="NUMBER", help="Only calls of this conversation.")
@json_option("Print JSON, with the trail of each call.")
@click.pass_context
def logs(ctx: click.Context, *, count: int, query: str, conversation: int | None, as_json: bool) -> None:
    """
    Show the latest calls of `ask` and `chat`.

    They are logged from `g4f-lite logs on`, in a file that only you can read, until `g4f-lite logs off`.
    """
    if ctx.invoked_subcommand is not None:
        return
    log = CallLog()
    found = log.search(query, conversation, count)
    if as_json:
        print_json([row._asdict() for row in found])
    elif found:
        click.echo("\n\n".join(map(_shown, found)))
    elif log.is_on:
        click.echo("No call is logged that fits.", err=True)
    else:
        click.echo("The log is off: `g4f-lite logs on` switches it on.", err=True)


@logs.command("on")
def switch_on() -> None:
    """Log what is asked and answered from now on."""
    log = CallLog()
    log.switch(on=True)
    click.echo(f"Calls of `ask` and `chat` are logged in {log.path}.", err=True)


@logs.command("off")
def switch_off() -> None:
    """Log no more; what is logged stays."""
    log = CallLog()
    if log.is_on:
        log.switch(on=False)
    click.echo(f"Nothing is logged any more; {log.path} stays as it is.", err=True)


def _shown(row: Logged) -> str:
    tokens = f", {row.prompt_tokens} + {row.completion_tokens} tokens" if row.prompt_tokens is not None else ""
    cost = "" if row.cost is None else f", {row.cost:.6f} USD"
    lines = [f"# {row.at} {row.provider}:{row.model}, conversation {row.conversation}{tokens}{cost}"]
    for message in row.asked:
        content = message.get("content")
        parts = [content] if isinstance(content, str) else [one.get("text", "(attachment)") for one in content or ()]
        lines += [f"> {line}" for part in parts for line in part.splitlines()]
    return printable("\n".join([*lines, row.text.strip()]))
