"""
`g4f-lite explain`: the plan of a call.

Rule: nothing is sent.
"""

from __future__ import annotations

import click

from .options import check_names, routing_options, routing_params

_EXAMPLES = """\b
Examples:
  g4f-lite explain
  g4f-lite explain -p groq -m gpt-oss-20b --fallback qwen3.8-27b
"""


@click.command(epilog=_EXAMPLES)
@routing_options
def explain(
    providers: tuple[str, ...],
    model: str | None,
    fallbacks: tuple[str, ...],
    no_fallback: bool,
    base_urls: dict[str, str],
) -> None:
    """
    Print what `ask` would try, in order.

    Also what would be skipped, and why. Nothing is sent.
    """
    check_names(base_urls)
    from ..client.client import Client

    with Client(base_urls=base_urls) as client:
        click.echo(str(client.explain(**routing_params(providers, model, fallbacks, no_fallback))))
