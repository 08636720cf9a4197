"""`g4f-lite ask`: one prompt, one answer."""

from __future__ import annotations

from typing import Any

import click

from .answering import add_notes, print_answer, print_usage
from .call_log import CallLog
from .config import read_config
from .failures import trail_text
from .options import (
    check_names,
    json_option,
    question_options,
    question_params,
    read_prompt,
    schema_of,
    verbose_option,
)
from .output import print_json

_EXAMPLES = """\b
Examples:
  g4f-lite ask "Which day is it?"
  g4f-lite ask -p groq -m gpt-oss-20b --fallback qwen3.8-27b "Hello"
  cat report.txt | g4f-lite ask "Sum this up"
  g4f-lite ask -a photo.jpg --schema place.json "Where is this?"
  g4f-lite ask --json "Hello" | jq .usage
"""


@click.command(epilog=_EXAMPLES)
@question_options(prompt=True)
@click.option("-c", "--continue", "goes_on", is_flag=True, help="Go on with the latest conversation of the log.")
@click.option("--no-stream", is_flag=True, help="Print the answer only when it is complete.")
@json_option()
@click.option("--usage", is_flag=True, help="Print on stderr the tokens and the cost.")
@verbose_option
def ask(
    *,
    prompt: str | None,
    base_urls: dict[str, str],
    goes_on: bool,
    no_stream: bool,
    as_json: bool,
    usage: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """
    Send a prompt and print the answer.

    If text is piped in, it is the prompt; if PROMPT is given too, the piped text follows it after a blank line.
    """
    log = CallLog()
    asked_for = read_prompt(prompt, piped_too="-" not in options["attachments"])
    conversation = log.latest_conversation(options["system"]) if goes_on else None
    if conversation is not None:
        options = conversation.with_route(options)
    params = question_params(asked_for, **read_config().fill(options))
    asked = params["messages"]
    if conversation is not None:
        asked = asked[-1:]  # without the user's own default of a system message
        params["messages"] = [*conversation.messages, *asked]
    check_names(base_urls)
    from ..client.client import Client
    from .wait_notes import WaitNotes

    with Client(base_urls=base_urls, plugins=[WaitNotes()]) as client:
        if as_json:
            completion = client.chat.completions.create(**params)
            print_json({**completion.to_dict(), "provider": completion.provider, "trail": completion.trail.to_dict()})
        else:
            completion = print_answer(client, params, stream=not no_stream)
            add_notes(completion, chosen=bool(params["provider"] or params["model"]))
    if usage:
        print_usage(completion)
    if verbose:
        click.echo(trail_text(completion.trail), err=True)
    if log.is_on:
        log.add(asked, completion, conversation and conversation.id)
    if options["schema"] is not None:
        from .schema_fit import misfit

        if problem := misfit(completion.text, schema_of(options["schema"])):
            raise click.ClickException(f"the answer does not fit the schema: {problem}")
