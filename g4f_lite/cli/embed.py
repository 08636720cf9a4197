"""`g4f-lite embed`: the vector of a text."""

from __future__ import annotations

from typing import Any

import click

from .options import check_names, json_option, read_prompt, routing_options, routing_params
from .output import print_json

_EXAMPLES = """\b
Examples:
  g4f-lite embed -p openai "a text" > vector.json
  cat report.txt | g4f-lite embed -m openai:text-embedding-3-large --dimensions 256
"""


@click.command(epilog=_EXAMPLES)
@click.argument("text", required=False)
@routing_options
@click.option("--dimensions", type=click.IntRange(min=1), help="Length of the vector, if the model lets one choose.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit for the call.")
@json_option()
def embed(
    *,
    text: str | None,
    base_urls: dict[str, str],
    dimensions: int | None,
    timeout: float | None,
    as_json: bool,
    **routing: Any,
) -> None:
    """Print the vector of a text as a JSON list. The text is TEXT, or is piped in."""
    check_names(base_urls)
    from ..client.client import Client

    params: Any = {**routing_params(**routing), "dimensions": dimensions, "timeout": timeout}
    with Client(base_urls=base_urls) as client:
        made = client.embeddings.create(input=read_prompt(text, what="text"), **params)
    if as_json:
        print_json({**made.to_dict(), "provider": made.provider, "trail": made.trail.to_dict()})
    else:
        click.echo(f"[{', '.join(map(repr, made.data[0].vector))}]")
