"""Files and URLs that go with a prompt: images and sound as parts of the message, texts as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


def content_of(prompt: str, attachments: Sequence[str]) -> str | list[dict[str, Any]]:
    """
    Return the content of a user's message.

    Args:
        attachments: paths, and URLs of images.

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
        content = Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}") from None
    for part in (image_part, audio_part):
        try:
            return part(content)
        except InvalidRequestError:
            continue
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{source} is no image (PNG, JPEG, GIF, WebP), sound (WAV, MP3) or text") from None
    return {"type": "text", "text": f"\n{Path(source).name}:\n{text}"}
