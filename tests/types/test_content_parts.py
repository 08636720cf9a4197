"""Images and audio as parts of a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import g4f_lite
from g4f_lite import audio_part, image_part


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_the_type_of_an_image_is_found_in_its_bytes(content: bytes, media_type: str, tmp_path: Path) -> None:
    file = tmp_path / "any.name"
    file.write_bytes(content)
    for source in (content, file, str(file)):
        url = image_part(source, detail="low")["image_url"]
        assert url["url"].startswith(f"data:{media_type};base64,")
        assert url["detail"] == "low"
    assert image_part("https://x.invalid/a.png") == {
        "type": "image_url",
        "image_url": {"url": "https://x.invalid/a.png"},
    }


@pytest.mark.parametrize(
    ("content", "kind"), [(b"RIFF\0\0\0\0WAVEfmt ", "wav"), (b"ID3\x04", "mp3"), (b"\xff\xfb\x90", "mp3")]
)
def test_the_format_of_audio_is_found_in_its_bytes(content: bytes, kind: str) -> None:
    assert audio_part(content)["input_audio"]["format"] == kind
    assert audio_part(content, format="flac")["input_audio"]["format"] == "flac"


@pytest.mark.parametrize("part", [image_part, audio_part])
@pytest.mark.parametrize(
    ("source", "message"),
    [("no-such-file", "cannot be read"), (b"text", "what was given as bytes is n"), (5, "int"), ("a\0b", "cannot")],
)
def test_data_that_is_neither_image_nor_audio_is_refused(part: Any, source: Any, message: str) -> None:
    with pytest.raises(g4f_lite.InvalidRequestError, match=message):
        part(source)
