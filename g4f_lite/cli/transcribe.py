"""`g4f-lite transcribe`: the text of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .failures import trail_text
from .options import check_names, json_option, routing_options, routing_params, verbose_option
from .output import print_json, printable

if TYPE_CHECKING:
    from ..client.client import Client

_EXAMPLES = """\b
Examples:
  g4f-lite transcribe meeting.m4a
  g4f-lite transcribe -p groq -l de --format verbose_json --json talk.wav | jq .segments
  g4f-lite transcribe --english talk.wav
"""
FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@routing_options
@click.option("-l", "--language", metavar="CODE", help="Language of the recording, such as `de`.")
@click.option("--prompt", metavar="TEXT", help="Names and spellings to expect.")
@click.option("--english", is_flag=True, help="Translate into English.")
@click.option("--format", "response_format", type=click.Choice(FORMATS), help="Format that the service is to return.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit for upload and answer together.")
@json_option()
@verbose_option
def transcribe(
    *,
    file: str,
    providers: tuple[str, ...],
    model: str | None,
    fallbacks: tuple[str, ...],
    no_fallback: bool,
    base_urls: dict[str, str],
    language: str | None,
    prompt: str | None,
    english: bool,
    response_format: str | None,
    timeout: float | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Transcribe the recording FILE."""
    if english and language:
        raise click.UsageError("--english detects the language: omit --language.")
    check_names(base_urls)
    from ..client.client import Client

    params: dict[str, Any] = {
        **routing_params(providers, model, fallbacks, no_fallback),
        "prompt": prompt,
        "response_format": response_format,
        "timeout": timeout,
    }
    with Client(base_urls=base_urls) as client:
        result = _ask(client, english)(file=file, **params, **({} if english else {"language": language}))
    if as_json:
        print_json({**result.to_dict(), "provider": result.provider, "trail": result.trail.to_dict()})
    else:
        click.echo(printable(result.text.strip()))
    if verbose:
        click.echo(trail_text(result.trail), err=True)


def _ask(client: Client, english: bool) -> Any:
    return client.audio.translations.create if english else client.audio.transcriptions.create
