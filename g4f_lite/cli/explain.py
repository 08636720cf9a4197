"""
`g4f-lite explain`: the plan of a call.

Rule: nothing is sent.
"""

from __future__ import annotations

from typing import Any

import click

from .config import read_config
from .failures import trail_text
from .options import check_names, json_option, question_options, question_params
from .output import print_json

_EXAMPLES = """\b
Examples:
  g4f-lite explain
  g4f-lite explain -p groq -m gpt-oss-20b --fallback qwen3.8-27b
"""


@click.command(epilog=_EXAMPLES)
@question_options(prompt=True)
@json_option("Print one JSON object.")
def explain(*, prompt: str | None, base_urls: dict[str, str], as_json: bool, **options: Any) -> None:
    """
    Print what `ask` would try with the same options, in order.

    Also what would be skipped, and why. Nothing is sent.
    """
    params = question_params(prompt or "", **read_config().fill(options))
    check_names(base_urls)
    from ..client.client import Client

    with Client(base_urls=base_urls) as client:
        plan = client.explain(**params)
    if as_json:
        from msgspec import to_builtins

        print_json(to_builtins(plan))
    else:
        click.echo(trail_text(plan))
