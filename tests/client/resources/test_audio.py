"""Transcriptions, translations and speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.endpoints import HEARD, MODES, WAV, call

import g4f_lite
from g4f_lite import Client
from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import answer, body


@pytest.mark.parametrize("mode", MODES)
def test_a_transcription_holds_all_that_the_service_reports(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(answer("guten Tag"))
    asked = {"language": "de", "prompt": "Grüße", "temperature": 0.2, "response_format": "verbose_json"}
    heard = call(mode, two, HEARD.method, {**HEARD.params, **asked, "timestamp_granularities": ("word", "segment")})
    assert (heard.text, heard.language, heard.duration) == ("guten Tag", "English", 1.0)
    assert [word.word for word in heard.words] == ["guten", "Tag"]
    assert heard.segments[0].text == "guten Tag"
    (request,) = server.received
    form = {name: [value.decode() for value in values] for name, values in request.form.items() if name != "file"}
    assert form == {
        "model": ["ears"],
        "language": ["de"],
        "prompt": ["Grüße"],
        "temperature": ["0.2"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
    }
    assert (request.form["file"], request.filename) == ([WAV], "talk.wav")
    for wanted, text in (("text", "guten Tag\n"), ("vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nguten Tag\n")):
        heard = call(mode, two, HEARD.method, {**HEARD.params, "response_format": wanted})
        assert heard.text == heard.raw == text


@pytest.mark.parametrize("mode", MODES)
def test_speech_is_bytes(mode: str, tmp_path: Path, two: dict[str, Any]) -> None:
    spoken = call(mode, two, "audio.speech.create", {"input": "Hello", "voice": "troy", "response_format": "wav"})
    assert spoken.content.startswith(b"RIFF")
    assert spoken.raw is spoken.content
    assert spoken.content_type == "audio/wav"
    spoken.write_to_file(tmp_path / "hello.wav")
    assert (tmp_path / "hello.wav").read_bytes() == spoken.content


BUSY = b'{"error": {"message": "Please try again in 30s", "code": "rate_limit_exceeded"}}'


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "before", [b"", b"\xef\xbb\xbf", b"\n\n", b"\xef\xbb\xbf\n["], ids=["", "mark", "blanks", "list"]
)
@pytest.mark.parametrize("kind", ["application/json", "application/problem+json", "audio/mpeg", "text/plain"])
def test_an_error_is_neither_a_text_nor_a_sound(
    kind: str, before: bytes, mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    sent = before + BUSY + b"]" * before.endswith(b"[")
    server.script(body(sent, content_type=kind), answer("ok"))
    for method, params in (
        (HEARD.method, {**HEARD.params, "response_format": "srt"}),
        ("audio.speech.create", {"input": "Hello", "voice": "troy"}),
    ):
        server.script(body(sent, content_type=kind), answer("ok"))
        with pytest.raises(g4f_lite.RateLimitError, match="30s"):
            call(
                mode,
                {**two, "retries": 0},
                method,
                {**params, "provider": "alpha", "fallback_models": [], "deadline": 5},
            )


@pytest.mark.parametrize("mode", MODES)
def test_a_number_among_the_words_is_one_of_them(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    asked = {**HEARD.params, "response_format": "verbose_json"}
    server.script(
        body(b'{"text": "5 a", "segments": [{"text": 5}, {"text": "a"}], "words": [{"word": 5, "start": 1}]}')
    )
    heard = call(mode, two, HEARD.method, asked)
    assert [one.text for one in heard.segments] == ["5", "a"]
    assert [(one.word, one.start) for one in heard.words] == [("5", 1.0)]
    server.script(body(b'{"text": "a b", "segments": [{"text": ["a"]}, {"text": "b"}]}'))
    with pytest.raises(g4f_lite.MalformedResponseError):
        call(mode, {**two, "retries": 0}, HEARD.method, {**asked, "provider": "alpha", "fallback_models": []})


@pytest.mark.parametrize("mode", MODES)
def test_a_mark_of_utf_8_is_no_part_of_a_text(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(body(b"\xef\xbb\xbf1\nguten Tag", content_type="text/plain"))
    assert call(mode, two, HEARD.method, {**HEARD.params, "response_format": "srt"}).text == "1\nguten Tag"


def test_groq_serves_transcription_translation_and_speech(groq: FaultServer) -> None:
    with Client() as client:
        heard = client.audio.transcriptions.create(file=("a.mp3", b"ID3"), provider="groq")
        english = client.audio.translations.create(file=("a.mp3", b"ID3"), provider="groq")
        spoken = client.audio.speech.create(input="Hello", voice="troy", provider="groq")
        assert [heard.model, english.model, spoken.model] == [
            "whisper-large-v3-turbo",
            "whisper-large-v3",
            "canopylabs/orpheus-v1-english",
        ]
        groq.received.clear()
        with pytest.raises(g4f_lite.UnsupportedParameterError, match="srt"):
            client.audio.transcriptions.create(
                file=b"ID3", provider="groq", model="whisper-large-v3", response_format="srt", fallback_models=[]
            )
        with pytest.raises(g4f_lite.NoUsableRouteError, match="offers no embeddings"):
            client.embeddings.create(input="a", provider="groq")
    assert not groq.received
