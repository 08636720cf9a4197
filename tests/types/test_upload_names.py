"""A file whose name does not end as services know it gets the ending of its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from g4f_lite.types.uploads import UploadFile

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("tmpm8utko9h", "tmpm8utko9h.wav"),
        ("x.tmp", "x.tmp.wav"),
        ("2026.11.29-rec", "2026.11.29-rec.wav"),
        ("talk.wav.part", "talk.wav.part.wav"),
        ("talk.WAV", "talk.WAV"),
        ("talk.mp3", "talk.mp3"),  # what its owner says counts
    ],
)
def test_the_name_ends_as_its_content(name: str, sent: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(WAV)
    for given in (tmp_path / name, str(tmp_path / name), (name, WAV)):
        file = UploadFile(given)
        assert file.name == sent
        assert file.content_type in ("audio/wav", "audio/mpeg")


def test_a_content_that_nobody_knows_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_bytes(b"hello")
    file = UploadFile(tmp_path / "notes.xyz")
    assert (file.name, file.content_type) == ("notes.xyz", "application/octet-stream")
