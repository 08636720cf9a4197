"""Audio: transcriptions, translations and speech, requests and results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from ..value import JSONObject
from .endpoint import Answer, EndpointRequest, MediaUsage
from .results import Result, SentField, shown
from .uploads import Progress, UploadFile


class TranslationRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Speech in any language to English text."""

    operation: ClassVar[str] = "translation"
    file: UploadFile
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    progress: Progress | None = None


class TranscriptionRequest(TranslationRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Speech to text in its own language."""

    operation = "transcription"
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] | None = None  # type: ignore[assignment]  # one more, of a frozen field
    language: str | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    chunking_strategy: str | JSONObject | None = None
    """How a long recording is divided: "auto", or OpenAI's `server_vad` object."""
    known_speaker_names: list[str] | None = None
    known_speaker_references: list[str] | None = None
    """A `data:` URL with some seconds of each known speaker's voice."""


class SpeechRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """What `audio.speech.create` asks for, checked; each attempt sets its model."""

    operation = "speech"
    input: str
    voice: str
    response_format: str | None = None
    speed: Annotated[float, Meta(gt=0)] | None = None
    instructions: str | None = None


class TranscriptionWord(Result, frozen=True, kw_only=True, gc=False):
    """A word of a transcription. Times are seconds from the start."""

    word: str = ""
    start: float = 0.0
    end: float = 0.0
    speaker: str | int | None = None


class TranscriptionSegment(Result, frozen=True, kw_only=True, gc=False):
    """A piece of a transcription. Times are seconds from the start."""

    id: int | str = 0
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    speaker: str | int | None = None
    """Who speaks, with `response_format="diarized_json"`."""
    seek: int | None = None
    tokens: tuple[int, ...] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


class Transcription(Answer, frozen=True, kw_only=True):
    """
    Transcribed speech; times are seconds.

    All fields but `text` need `response_format="verbose_json"`, or "diarized_json" for segments with speakers.
    """

    text: str
    """With `response_format` "srt" or "vtt", the subtitles as the service sent them."""
    language: str | None = None
    duration: float | None = None
    segments: tuple[TranscriptionSegment, ...] | None = None
    words: tuple[TranscriptionWord, ...] | None = None
    usage: MediaUsage | None = None
    languages = SentField()
    logprobs = SentField()

    def __repr__(self) -> str:
        return f"Transcription({self.provider}:{self.model}, text={shown(self.text)})"


class Speech(Answer, frozen=True, kw_only=True):
    """Spoken text."""

    content: bytes
    content_type: str = ""
    usage: MediaUsage | None = None

    @property
    def raw(self) -> bytes:
        """The bytes as they were received."""
        return self.content

    def write_to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the audio to a file."""
        Path(path).write_bytes(self.content)

    def __repr__(self) -> str:
        return f"Speech({self.provider}:{self.model}, {len(self.content)} bytes of {self.content_type or 'audio'})"
