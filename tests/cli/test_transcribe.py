"""`g4f-lite transcribe` prints the transcription of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

from helpers.commands import Cli

import g4f_lite
from g4f_lite.cli.transcribe import FORMATS
from g4f_lite.testing import FaultServer, replies


def test_transcribe_prints_the_transcription(cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(b"RIFF")
    groq.script(replies.answer("\x1b[31mhello\x07 there"))
    ran = cli("transcribe", str(file), "-l", "en", "-v")
    assert (ran.code, ran.out) == (0, "hello there\n")
    assert "groq:whisper-large-v3-turbo 200" in ran.err
    assert groq.received[0].form["language"] == [b"en"]
    result = json.loads(cli("transcribe", str(file), "--english", "--format", "verbose_json", "--json").out)
    assert (result["provider"], result["segments"][0]["start"]) == ("groq", 0.0)
    assert groq.received[1].path == "/v1/audio/translations"
    assert cli("transcribe", str(tmp_path / "missing.wav")).code == 2
    assert cli("transcribe", str(file), "--english", "-l", "de").code == 2
    ran = cli("transcribe", str(file), "--format", "xml")
    assert (ran.code, "'xml' is not one of 'json', 'text', 'srt', 'vtt', 'verbose_json'" in ran.err) == (2, True)
    taken, _ = get_args(get_type_hints(g4f_lite.TranscriptionRequest)["response_format"])
    assert set(get_args(taken)) == set(FORMATS)
