"""The progress of a bulk job on standard error: a bar in a terminal, elsewhere a line of JSON each second."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from ..bulk.progress import Progress

_NARROW = 70
"""Columns below which the bar has a line of its own."""
_MOST_ROUTES = 5


@contextmanager
def shown(source: Path, out: Path) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":  # which cannot draw a bar
        yield _print_line
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(f"reading {source}", console=console, auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(_drawn(progress, console.width), refresh=True)


def _print_line(progress: Progress) -> None:
    import json

    click.echo(json.dumps(progress.to_dict()), err=True)


def duration(seconds: float | None) -> str:
    """Return a time in the two units that matter."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60:,} h {minutes % 60:02} min"


def money(usd: float | None) -> str:
    """Return USD with as many digits as say something."""
    if usd is None:
        return "cost unknown"
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}"


def _drawn(progress: Progress, width: int) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    ended, rows = progress.answered + progress.failed, progress.rows
    share = f"{ended / rows:4.0%}" if rows else ""
    count = f"{ended:,}/{rows:,}" if rows is not None else f"{ended:,} rows"
    left = f"{duration(progress.left_s)} left" if progress.left_s is not None else duration(progress.elapsed_s)
    bar = ProgressBar(total=rows or None, completed=ended, width=None, pulse=rows is None)
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1)
    for _ in range(3):
        head.add_column(no_wrap=True)
    lines: list[RenderableType] = [head]
    if width < _NARROW:
        head.add_row(bar, share, "", "")
        lines.append(Text(f"{count} · {left}", overflow="ellipsis", no_wrap=True))
    else:
        head.add_row(bar, share, count, left)
    speed = Text(overflow="ellipsis", no_wrap=True)
    if progress.failed:
        speed.append(f"{progress.failed:,} failed", "red").append(" · ")
    speed.append(f"{progress.rows_per_s:,.1f} rows/s · {progress.tokens_per_s:,.0f} tokens/s")
    lines.append(speed)
    calls = Text(f"{progress.at_once} at once", overflow="ellipsis", no_wrap=True)
    if progress.waiting:
        calls.append(" · ").append(f"{progress.waiting} wait", "yellow")
    if progress.cost is not None:
        calls.append(f" · {money(progress.cost)}")
        if progress.expected_cost is not None:
            calls.append(f" of about {money(progress.expected_cost)}", "dim")
    lines.append(calls)
    lines += _troubles(progress)
    if progress.stopping:
        lines.append(Text("calls under way end; Ctrl-C cuts them", "yellow", overflow="ellipsis", no_wrap=True))
    lines += [
        Text(f"{number:>9,}  {printable(route)}", "dim", overflow="ellipsis", no_wrap=True)
        for route, number in list(progress.routes.items())[:_MOST_ROUTES]
    ]
    return Group(*lines)


def _troubles(progress: Progress) -> Iterator[Text]:
    """Yield what rows wait for, if services fail."""
    from rich.text import Text

    if not progress.waiting or progress.last_error is None:
        return
    words = [f"last error: {progress.last_error.splitlines()[0]}"]
    for route, until in list(progress.resting.items())[:_MOST_ROUTES]:
        words.append(f"{route} rests for {duration(max(0.0, until - time.time()))}")
    for one in words:
        yield Text(printable(one), "yellow", overflow="ellipsis", no_wrap=True)
