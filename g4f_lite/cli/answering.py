"""
An answer in a terminal or a pipe: its pieces as they arrive, and notes about it.

Rule: only the answer goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Any

import click

from ..types.finish_reasons import is_cut, is_withheld
from .output import note, printable

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.stream import Stream
    from ..records.trail import Trail
    from ..types.chat import ChatCompletion

_SOON_S = 0.4
"""Seconds; what begins sooner needs no word."""


def print_answer(client: Client, params: dict[str, Any], *, stream: bool) -> ChatCompletion:
    """Ask, print the answer, and return it."""
    # What has gone into a pipe cannot be taken back if the answer starts again.
    at_once = params["on_interrupt"] in (None, "raise") or sys.stdout.isatty()
    with _answer() as write:
        if not stream:
            with _waiting():
                completion: ChatCompletion = client.chat.completions.create(**params)
            write(completion.text)
            return completion
        with _waiting():
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
def _waiting() -> Iterator[None]:
    """Show a sign of activity if the answer does not begin soon; only in a terminal."""
    if not (sys.stderr.isatty() and sys.stdout.isatty()):
        yield
        return
    from rich.console import Console

    status = Console(stderr=True).status("waiting for the answer")
    timer = Timer(_SOON_S, status.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # or it might start after the stop
        status.stop()


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


def add_notes(completion: ChatCompletion, *, chosen: bool) -> None:
    """
    Print notes on stderr: the answer is incomplete, no text, was refused, or comes from the small local model.

    Args:
        chosen: the caller named a provider or a model.
    """
    choice = completion.choices[0]
    if is_cut(choice.finish_reason) or is_withheld(choice.finish_reason):
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
        why = _why_without_keys(completion.trail)
        note(f"answered by a very small model in this process, often wrong: {why} (see `g4f-lite doctor`).")


def _why_without_keys(trail: Trail) -> str:
    """Return what is wrong with the first key that was found but cannot be used, or that none was found."""
    from ..errors.exceptions import ConfigurationError
    from ..plugins.registry import process_registry
    from ..provider.keys import find_keys

    for entry in trail.skipped:
        if entry.lacks_key:
            try:
                find_keys(process_registry().get(entry.provider), None)
            except ConfigurationError as error:
                return str(error)
    return "no key was found"


def print_usage(completion: ChatCompletion) -> None:
    """Print on stderr how many tokens an answer took, and what it cost."""
    if (usage := completion.usage) is None:
        note("the service does not tell the usage.")
        return
    cost = "" if completion.cost is None else f", {completion.cost:.6f} USD"
    route = f"{completion.provider}:{completion.model}"
    click.echo(f"{route}: {usage.prompt_tokens} tokens in, {usage.completion_tokens} out{cost}", err=True)
