"""
`g4f-lite ask`: one prompt, one answer.

Rule: only the answer goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .failures import AS_JSON, VERBOSE
from .options import check_names, question_options, question_params
from .output import note, print_json, printable

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.stream import Stream
    from ..types.chat import ChatCompletion

_EXAMPLES = """\b
Examples:
  g4f-lite ask "Which day is it?"
  g4f-lite ask -p groq -m gpt-oss-20b --fallback qwen3.8-27b "Hello"
  cat report.txt | g4f-lite ask "Sum this up"
  g4f-lite ask --json "Hello" | jq .usage
"""


@click.command(epilog=_EXAMPLES)
@question_options
@click.option("--no-stream", is_flag=True, help="Print the answer only when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print OpenAI's JSON, with provider and trail.")
@click.option("-v", "--verbose", is_flag=True, help="Print on stderr what was tried and what was skipped.")
@click.pass_context
def ask(
    ctx: click.Context,
    /,
    *,
    prompt: str | None,
    base_urls: dict[str, str],
    no_stream: bool,
    as_json: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """
    Send a prompt and print the answer.

    If text is piped in, it is the prompt; if PROMPT is given too, the piped text follows it after a blank line.
    """
    ctx.meta.update({VERBOSE: verbose, AS_JSON: as_json})
    params = question_params(_read_prompt(prompt), **options)
    check_names(base_urls)
    from ..client.client import Client
    from .wait_notes import WaitNotes

    with Client(base_urls=base_urls, plugins=[WaitNotes()]) as client:
        if as_json:
            completion = client.chat.completions.create(**params)
            print_json({**completion.to_dict(), "provider": completion.provider, "trail": completion.trail.to_dict()})
        else:
            completion = _print_answer(client, params, stream=not no_stream)
            _add_notes(completion, chosen=bool(params["provider"] or params["model"]))
    if verbose:
        click.echo(printable(str(completion.trail)), err=True)


def _read_prompt(prompt: str | None) -> str:
    piped = ""
    if not sys.stdin.isatty():
        try:
            piped = sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("Standard input is not UTF-8 text.") from None
    text = "\n\n".join(part for part in (prompt, piped) if part and not part.isspace())
    if not text:
        raise click.UsageError("There is no prompt: pass one as an argument, or pipe it in.")
    return text


def _print_answer(client: Client, params: dict[str, Any], *, stream: bool) -> ChatCompletion:
    # What has gone into a pipe cannot be taken back if the answer starts again.
    at_once = params["on_interrupt"] in (None, "raise") or sys.stdout.isatty()
    with _answer() as write:
        if not stream:
            completion: ChatCompletion = client.chat.completions.create(**params)
            write(completion.text)
            return completion
        chunks: Stream = client.chat.completions.create(stream=True, **params)
        with chunks:
            for chunk in chunks:
                if chunk.restarted:
                    write(None)
                    note(f"the answer was interrupted; {chunks.provider} starts again from its beginning")
                if at_once:
                    write(chunk.text)
        if not at_once:
            write(chunks.completion.text)
        return chunks.completion


@contextmanager
def _answer() -> Iterator[Callable[[str | None], None]]:
    """Yield a function that writes a piece of the answer. None ends the line; so does the end of the context."""
    stdout = sys.stdout
    clean = printable if stdout.isatty() else str
    last = ""

    def write(piece: str | None) -> None:
        nonlocal last
        if piece is None:
            piece = "" if last in ("", "\n") else "\n"
        if piece:
            stdout.write(clean(piece))  # click.echo would remove escape sequences from a piped answer
            stdout.flush()
            last = piece[-1]

    try:
        yield write
    finally:
        write(None)


def _add_notes(completion: ChatCompletion, *, chosen: bool) -> None:
    """
    Print notes on stderr: the answer is incomplete, no text, was refused, or comes from the small local model.

    Args:
        chosen: the caller named a provider or a model.
    """
    choice = completion.choices[0]
    if choice.finish_reason in ("length", "content_filter"):
        note(f"the answer is incomplete (finish reason: {choice.finish_reason}).")
    for call in choice.message.tool_calls or ():
        note(f"the model calls the tool {call.function.name}({call.function.arguments})")
    if images := choice.message.images:
        note(f"{len(images)} {'image is' if len(images) == 1 else 'images are'} not shown.")
    if choice.message.refusal:
        note(f"the model refused: {choice.message.refusal}")
    if completion.provider != "local":
        return
    if (failed := completion.attempts[0]).provider != "local":
        note(
            f"answered by the small local model because {failed.provider} failed ({failed.outcome}); -v shows details."
        )
    elif not chosen:
        note("answered by a very small model in this process, often wrong: no key was found (see `g4f-lite doctor`).")
