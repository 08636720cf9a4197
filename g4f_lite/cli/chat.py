"""`g4f-lite chat`: question and answer, until the end of the input."""

from __future__ import annotations

import sys
from typing import Any

import click

from .answering import add_notes, print_answer, print_usage
from .call_log import CallLog
from .config import read_config
from .failures import report, trail_text
from .options import check_names, question_options, question_params, verbose_option
from .output import note

_EXAMPLES = """\b
Examples:
  g4f-lite chat
  g4f-lite chat -p groq -s "Answer in one sentence."
  g4f-lite chat -c
"""
_PROMPT = "> "


@click.command(epilog=_EXAMPLES)
@question_options(prompt=False)
@click.option("-c", "--continue", "goes_on", is_flag=True, help="Go on with the latest conversation of the log.")
@click.option("--usage", is_flag=True, help="Print on stderr the tokens and the cost of each answer.")
@verbose_option
def chat(*, base_urls: dict[str, str], goes_on: bool, usage: bool, verbose: bool, **options: Any) -> None:
    """
    Talk to a model: one line, one answer.

    Ctrl-D or `exit` ends it. Ctrl-C stops an answer; the conversation goes on without it.
    """
    log = CallLog()
    latest = log.latest_conversation(options["system"]) if goes_on else None
    if latest is not None:
        options = latest.with_route(options)
    params = question_params(None, **read_config().fill(options))
    messages = params.pop("messages")
    conversation, added = None, 0
    if latest is not None:
        conversation, messages, added = latest.id, latest.messages, len(latest.messages)
    check_names(base_urls)
    from ..client.client import Client
    from ..errors.exceptions import G4FLiteError
    from .wait_notes import WaitNotes

    chosen = bool(params["provider"] or params["model"])
    with Client(base_urls=base_urls, plugins=[WaitNotes()]) as client:
        client.explain(
            **params, messages=[*messages, {"role": "user", "content": ""}]
        )  # raises what no line could mend
        if sys.stdin.isatty():
            click.echo("One line, one answer. Ctrl-C stops an answer, Ctrl-D ends the chat.", err=True)
        while (line := _read_line()) is not None:
            if not line:
                continue
            asked = [*messages, {"role": "user", "content": line}]
            try:
                completion = print_answer(client, {**params, "messages": asked}, stream=True)
            except KeyboardInterrupt:
                note("stopped.")
                continue
            except G4FLiteError as error:
                report(error, verbose=verbose)
                continue
            add_notes(completion, chosen=chosen)
            chosen = True  # that note is read once
            if usage:
                print_usage(completion)
            if verbose:
                click.echo(trail_text(completion.trail), err=True)
            if log.is_on:
                conversation = log.add(asked[added:], completion, conversation)
            messages = [*asked, completion.choices[0].message.to_dict()]
            added = len(messages)


def _read_line() -> str | None:
    """Return the next line without white space around it; None at the end."""
    if not sys.stdin.isatty():
        return None if (line := sys.stdin.readline()) == "" else line.strip()
    try:
        import readline  # noqa: F401  # gives `input` a history and keys to move
    except ImportError:  # on Windows the terminal has its own
        pass
    try:
        line = input(_PROMPT).strip()
    except (EOFError, KeyboardInterrupt) as end:
        click.echo()
        if isinstance(end, KeyboardInterrupt):
            raise
        return None
    return None if line in ("exit", "quit") else line
