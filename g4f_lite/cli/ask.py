"""`g4f-lite ask`: one prompt, one answer."""

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
@click.option("--timeout", type=float, metavar="SECONDS", help="For the whole answer.")
@click.option(
    "--on-interrupt",
    type=click.Choice(["raise", "restart", "continue"]),
    help="What happens to an answer that breaks off midway.  [default: raise]",
)
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option("--json", "as_json", is_flag=True, help="Print OpenAI's JSON, with provider and trail.")
@click.option("-v", "--verbose", is_flag=True, help="Tell on stderr what was tried and what was skipped.")
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

    PROMPT is read from standard input if that is piped; with both, the piped text comes after a blank line.
    """
    ctx.meta[VERBOSE] = verbose
    text = _whole_prompt(prompt)
    check_names(base_urls)
    from ..client.client import Client
    from .narrator import Narrator

    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": text})
    params: CreateParams = {
        **routing_params(providers, model, fallbacks, no_fallback),
        "temperature": temperature,
        "max_tokens": max_tokens,
        "timeout": timeout,
        "on_interrupt": on_interrupt,
    }
    with Client(base_urls=base_urls, plugins=[Narrator()]) as client:
        if as_json:
            reply = client.chat.completions.create(messages=messages, **params)
            print_json({**reply.to_dict(), "provider": reply.provider, "trail": reply.trail.to_dict()})
        else:
            reply = _print_answer(client, messages, params, stream=not no_stream)
            _remark(reply)
    if verbose:
        click.echo(printable(str(reply.trail)), err=True)


def _whole_prompt(prompt: str | None) -> str:
    piped = ""
    if not sys.stdin.isatty():
        try:
            piped = sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("Standard input is not UTF-8 text.") from None
    text = "\n\n".join(part for part in (prompt, piped) if part and not part.isspace())
    if not text:
        raise click.UsageError("There is no prompt: give one as argument, or pipe it in.")
    return text


def _print_answer(
    client: Client, messages: list[dict[str, str]], params: CreateParams, *, stream: bool
) -> ChatCompletion:
    with _answer() as write:
        if not stream:
            reply = client.chat.completions.create(messages=messages, **params)
            write(reply.text)
            return reply
        chunks: Stream = client.chat.completions.create(messages=messages, stream=True, **params)
        with chunks:
            for chunk in chunks:
                if chunk.restarted:
                    write(None)
                    note(f"the answer broke off; {chunks.provider} starts it over")
                write(chunk.text)
        return chunks.completion


@contextmanager
def _answer() -> Iterator[Callable[[str | None], None]]:
    """Yield what writes a piece of the answer, or with None ends its line; that is done also when it is cut."""
    stdout = sys.stdout
    shown = printable if stdout.isatty() else str
    last = ""

    def write(piece: str | None) -> None:
        nonlocal last
        if piece is None:
            piece = "" if last in ("", "\n") else "\n"
        if piece:
            stdout.write(shown(piece))  # click.echo would take escape sequences out of a piped answer
            stdout.flush()
            last = piece[-1]

    try:
        yield write
    finally:
        write(None)


def _remark(reply: ChatCompletion) -> None:
    """Say on stderr what the text alone does not show."""
    choice = reply.choices[0]
    if choice.finish_reason in ("length", "content_filter"):
        note(f"the answer is not whole (finish reason: {choice.finish_reason}).")
    if choice.message.refusal:
        note(f"the model refused: {choice.message.refusal}")
    if reply.provider == "local" and (failed := reply.attempts[0]).provider != "local":
        note(f"answered by the small local model, as {failed.provider} failed ({failed.outcome}); -v tells more.")
