"""`client.audio`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ...types.audio import Speech, Transcription
from ...types.uploads import FileParam

if TYPE_CHECKING:
    from ..client import Client
from typing import TYPE_CHECKING

from .base import Resource

if TYPE_CHECKING:
    from ..async_client import AsyncClient
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ...types.uploads import Progress
from ..endpoint_requests import EndpointParams
from .base import AsyncResource


class Transcriptions(Resource):
    def create(self, *, file: FileParam, **params: Unpack[TranscriptionParams]) -> Transcription:
        """
        Write down what is said.

        Args:
            file: a path, bytes, a binary file, or (name, any of these). It is read from the disk while it is
                sent, and again for each attempt.
        """
        answer: Transcription = self._ask("transcription", {"file": file, **params})
        return answer


class Translations(Resource):
    def create(self, *, file: FileParam, **params: Unpack[TranslationParams]) -> Transcription:
        """Write down in English what is said in any language; `file` as for transcriptions."""
        answer: Transcription = self._ask("translation", {"file": file, **params})
        return answer


class SpeechResource(Resource):
    def create(self, *, input: str, voice: str, **params: Unpack[SpeechParams]) -> Speech:
        """Say a text; the audio is in `.content`."""
        answer: Speech = self._ask("speech", {"input": input, "voice": voice, **params})
        return answer


class Audio:
    def __init__(self, client: Client) -> None:
        self.transcriptions = Transcriptions(client)
        self.translations = Translations(client)
        self.speech = SpeechResource(client)


class AsyncTranscriptions(AsyncResource):
    async def create(self, *, file: FileParam, **params: Unpack[TranscriptionParams]) -> Transcription:
        """As `Client`'s."""
        answer: Transcription = await self._ask("transcription", {"file": file, **params})
        return answer


class AsyncTranslations(AsyncResource):
    async def create(self, *, file: FileParam, **params: Unpack[TranslationParams]) -> Transcription:
        """As `Client`'s."""
        answer: Transcription = await self._ask("translation", {"file": file, **params})
        return answer


class AsyncSpeechResource(AsyncResource):
    async def create(self, *, input: str, voice: str, **params: Unpack[SpeechParams]) -> Speech:
        """As `Client`'s."""
        answer: Speech = await self._ask("speech", {"input": input, "voice": voice, **params})
        return answer


class AsyncAudio:
    def __init__(self, client: AsyncClient) -> None:
        self.transcriptions = AsyncTranscriptions(client)
        self.translations = AsyncTranslations(client)
        self.speech = AsyncSpeechResource(client)


class TranslationParams(EndpointParams, total=False):
    """Keywords of `audio.translations.create` besides `file`."""

    prompt: str | None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] | None
    temperature: float | None
    progress: Progress | None


class TranscriptionParams(TranslationParams, total=False):
    """Keywords of `audio.transcriptions.create` besides `file`."""

    language: str | None
    timestamp_granularities: Sequence[Literal["word", "segment"]] | None


class SpeechParams(EndpointParams, total=False):
    """Keywords of `audio.speech.create` besides `input` and `voice`."""

    response_format: str | None
    speed: float | None
    instructions: str | None
