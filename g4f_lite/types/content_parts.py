"""Images and audio as parts of a message, in OpenAI's form; providers with another protocol translate it."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

from ..errors.exceptions import InvalidRequestError
from ..errors.quoted_values import quoted
from ..value import JSONObject
from .regular_files import read_regular

_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""Media types by the first bytes; WebP has a rule of its own."""


def image_part(source: str | bytes | os.PathLike[str], *, detail: str | None = None) -> JSONObject:
    """
    Return an image as a part of a message's `content`.

        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image_part("photo.jpg")]}

    Args:
        source: an http(s) or data URL, a path, or the bytes of a PNG, JPEG, GIF or WebP file.
        detail: `low`, `high` or `auto`, for services that know it.

    Raises:
        InvalidRequestError: the file cannot be read, or is not such an image.
    """
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        url = source
    else:
        content, name = _read(source, "an image")
        url = f"data:{_image_type(content, name)};base64,{b64encode(content).decode()}"
    image: dict[str, Any] = {"url": url}
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def audio_part(source: bytes | str | os.PathLike[str], *, format: str | None = None) -> JSONObject:
    """
    Return audio as a part of a message's `content`.

    Args:
        source: a path, or the bytes of a WAV or MP3 file.
        format: `wav`, `mp3`, or another that the service accepts; detected if not given.

    Raises:
        InvalidRequestError: the file cannot be read, or its format is not known.
    """
    content, name = _read(source, "sound")
    found = format or _audio_format(content)
    if found is None:
        raise InvalidRequestError(f"{name} is neither WAV nor MP3; say what it is with format=")
    return {"type": "input_audio", "input_audio": {"data": b64encode(content).decode(), "format": found}}


def _read(source: Any, what: str) -> tuple[bytes, str]:
    """Return the bytes of a source, and its name for error messages."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "what was given as bytes"
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidRequestError(f"{what} is given as a path or as bytes, not as {type(source).__name__}")
    try:
        return read_regular(Path(source)), f"the file {quoted(os.fspath(source))}"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequestError(f"the file {quoted(os.fspath(source))} cannot be read: {reason}") from None


def _image_type(content: bytes, name: str) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for start, media_type in _IMAGES.items():
        if content.startswith(start):
            return media_type
    raise InvalidRequestError(f"{name} is not a PNG, JPEG, GIF or WebP image; a data: URL can hold any other")


def _audio_format(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return "wav"
    if content[:3] == b"ID3" or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0):
        return "mp3"
    return None
