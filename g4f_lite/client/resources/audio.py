"""`client.audio`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ...types.audio import Speech, Transcription
from ...types.uploads import FileParam, Progress
from ..endpoint_requests import EndpointParams
from .base import AsyncResource, Resource

if TYPE_CHECKING:
    from ..async_driver import AsyncDriver
    from ..call_factory import CallFactory
    from ..driver import Driver


class TranslationParams(EndpointParams, total=False):
    """Keywords of `audio.translations.create` besides `file`."""

    prompt: str | None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] | None
    temperature: float | None
    progress: Progress | None


class TranscriptionParams(TranslationParams, total=False):
    """Keywords of `audio.transcriptions.create` besides `file`."""

    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] | None  # type: ignore[misc]  # one more than for translations
    language: str | None
    timestamp_granularities: Sequence[Literal["word", "segment"]] | None
    chunking_strategy: str | Mapping[str, Any] | None
    known_speaker_names: Sequence[str] | None
    known_speaker_references: Sequence[str] | None


class SpeechParams(EndpointParams, total=False):
    """Keywords of `audio.speech.create` besides `input` and `voice`."""

    response_format: str | None
    speed: float | None
    instructions: str | None


class Transcriptions(Resource):
    def create(self, *, file: FileParam, **params: Unpack[TranscriptionParams]) -> Transcription:
        """
        Write down what is said.

        Args:
            file: a path, bytes, a binary file, or (name, any of these). It is read from the disk while it is
                sent, and again for each attempt.
        """
        answer: Transcription = self._answer("transcription", {"file": file, **params})
        return answer


class Translations(Resource):
    def create(self, *, file: FileParam, **params: Unpack[TranslationParams]) -> Transcription:
        """Write down in English what is said in any language; `file` as for transcriptions."""
        answer: Transcription = self._answer("translation", {"file": file, **params})
        return answer


class SpeechResource(Resource):
    def create(self, *, input: str, voice: str, **params: Unpack[SpeechParams]) -> Speech:
        """Say a text; the audio is in `.content`."""
        answer: Speech = self._answer("speech", {"input": input, "voice": voice, **params})
        return answer


class Audio:
    def __init__(self, calls: CallFactory, driver: Driver) -> None:
        self.transcriptions = Transcriptions(calls, driver)
        self.translations = Translations(calls, driver)
        self.speech = SpeechResource(calls, driver)


class AsyncTranscriptions(AsyncResource):
    async def create(self, *, file: FileParam, **params: Unpack[TranscriptionParams]) -> Transcription:
        """As the method of `Client`."""
        answer: Transcription = await self._answer("transcription", {"file": file, **params})
        return answer


class AsyncTranslations(AsyncResource):
    async def create(self, *, file: FileParam, **params: Unpack[TranslationParams]) -> Transcription:
        """As the method of `Client`."""
        answer: Transcription = await self._answer("translation", {"file": file, **params})
        return answer


class AsyncSpeechResource(AsyncResource):
    async def create(self, *, input: str, voice: str, **params: Unpack[SpeechParams]) -> Speech:
        """As the method of `Client`."""
        answer: Speech = await self._answer("speech", {"input": input, "voice": voice, **params})
        return answer


class AsyncAudio:
    def __init__(self, calls: CallFactory, driver: AsyncDriver) -> None:
        self.transcriptions = AsyncTranscriptions(calls, driver)
        self.translations = AsyncTranslations(calls, driver)
        self.speech = AsyncSpeechResource(calls, driver)
