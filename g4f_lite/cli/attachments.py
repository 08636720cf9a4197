"""Files and URLs that go with a prompt: images and sound as parts of the message, texts as text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


def content_of(prompt: str, attachments: Sequence[str]) -> str | list[dict[str, Any]]:
    """
    Return the content of a user's message.

    Args:
        attachments: paths, `-` for standard input, and URLs of images.

    Raises:
        click.UsageError: a file cannot be read, or is neither an image nor sound nor text.
    """
    if not attachments:
        return prompt
    return [{"type": "text", "text": prompt}, *map(_part, attachments)]


def _part(source: str) -> dict[str, Any]:
    from ..errors.exceptions import InvalidRequestError
    from ..types.content_parts import audio_part, image_part

    if source.startswith(("http://", "https://", "data:")):
        return image_part(source)
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}") from None
    for part in (image_part, audio_part):
        try:
            return part(content)
        except InvalidRequestError:
            continue
    name = "standard input" if source == "-" else Path(source).name
    return {"type": "text", "text": f"\n{name}:\n{_text(content, source)}"}


def _text(content: bytes, source: str) -> str:
    try:
        if not content.startswith(b"%PDF-") and b"\0" not in content:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise click.UsageError(f"{source} is no image (PNG, JPEG, GIF, WebP), sound (WAV, MP3) or text")
