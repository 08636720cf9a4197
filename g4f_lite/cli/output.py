"""
Tables and JSON on standard output, notes on standard error.

Rule: text from services passes through `printable` before it reaches a terminal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

import click

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return a text without control characters and escape sequences, which could control a terminal."""
    return _CONTROL.sub("", text)


def print_json(data: object) -> None:
    """Print JSON; characters beyond ASCII are escaped if the output's encoding is not a UTF."""
    import json

    plain = not sys.stdout.encoding.lower().startswith("utf")
    click.echo(json.dumps(data, indent=2, ensure_ascii=plain))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to a terminal; elsewhere one line per row, with cells separated by tabs and without a header."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False, emoji=False).print(table)


def note(text: str) -> None:
    """Print a note on stderr."""
    click.echo(printable(f"Note: {text}"), err=True)
