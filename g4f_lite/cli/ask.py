"""
`g4f-lite ask`: one prompt, one answer.

Rule: only the answer goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .failures import VERBOSE
from .options import check_names, routing_options, routing_params
from .output import note, print_json, printable

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.params import CreateParams
    from ..client.stream import Stream
    from ..failover.policy import OnInterrupt
    from ..types.chat import ChatCompletion

_EXAMPLES = """\b
Examples:
  g4f-lite ask "Which day is it?"
  g4f-lite ask -p groq -m gpt-oss-20b --fallback qwen3.8-27b "Hello"
  cat report.txt | g4f-lite ask "Sum this up"
  g4f-lite ask --json "Hello" | jq .usage
"""


@click.command(epilog=_EXAMPLES)
@click.argument("prompt", required=False)
@routing_options
@click.option("-s", "--system", metavar="TEXT", help="System message.")
@click.option("-t", "--temperature", type=float)
@click.option("--max-tokens", type=int)
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit for the complete answer.")
@click.option(
    "--on-interrupt",
    type=click.Choice(["raise", "restart", "continue"]),
    help="What to do if an answer is interrupted.  [default: raise]",
)
@click.option("--no-stream", is_flag=True, help="Print the answer only when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print OpenAI's JSON, with provider and trail.")
@click.option("-v", "--verbose", is_flag=True, help="Print on stderr what was tried and what was skipped.")
@click.pass_context
def ask(
    ctx: click.Context,
    *,
    prompt: str | None,
    providers: tuple[str, ...],
    model: str | None,
    fallbacks: tuple[str, ...],
    no_fallback: bool,
    base_urls: dict[str, str],
    system: str | None,
    temperature: float | None,
    max_tokens: int | None,
    timeout: float | None,
    on_interrupt: OnInterrupt | None,
    no_stream: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """
    Send a prompt and print the answer.

    If text is piped in, it is the prompt; if PROMPT is given too, the piped text follows it after a blank line.
    """
    ctx.meta[VERBOSE] = verbose
    text = _read_prompt(prompt)
    check_names(base_urls)
    from ..client.client import Client
    from .wait_notes import WaitNotes

    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": text})
    params: CreateParams = {
        **routing_params(providers, model, fallbacks, no_fallback),
        "temperature": temperature,
        "max_tokens": max_tokens,
        "timeout": timeout,
        "on_interrupt": on_interrupt,
    }
    with Client(base_urls=base_urls, plugins=[WaitNotes()]) as client:
        if as_json:
            completion = client.chat.completions.create(messages=messages, **params)
            print_json({**completion.to_dict(), "provider": completion.provider, "trail": completion.trail.to_dict()})
        else:
            completion = _print_answer(client, messages, params, stream=not no_stream)
            _add_notes(completion)
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


def _print_answer(
    client: Client, messages: list[dict[str, str]], params: CreateParams, *, stream: bool
) -> ChatCompletion:
    with _answer() as write:
        if not stream:
            completion = client.chat.completions.create(messages=messages, **params)
            write(completion.text)
            return completion
        chunks: Stream = client.chat.completions.create(messages=messages, stream=True, **params)
        with chunks:
            for chunk in chunks:
                if chunk.restarted:
                    write(None)
                    note(f"the answer was interrupted; {chunks.provider} starts again from its beginning")
                write(chunk.text)
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


def _add_notes(completion: ChatCompletion) -> None:
    """Print notes on stderr: the answer is incomplete, was refused, or comes from the small local model."""
    choice = completion.choices[0]
    if choice.finish_reason in ("length", "content_filter"):
        note(f"the answer is incomplete (finish reason: {choice.finish_reason}).")
    if images := choice.message.images:
        note(f"{len(images)} {'image is' if len(images) == 1 else 'images are'} not shown.")
    if choice.message.refusal:
        note(f"the model refused: {choice.message.refusal}")
    if completion.provider == "local" and (failed := completion.attempts[0]).provider != "local":
        note(
            f"answered by the small local model because {failed.provider} failed ({failed.outcome}); -v shows details."
        )
