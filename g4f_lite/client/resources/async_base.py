"""`resources.py` with `await`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from ...errors.exceptions import G4FLiteError
from ...types.endpoint import CreateEmbeddingResponse, ImagesResponse, ModelList, OperationName, Speech, Transcription
from ...types.uploads import FileParam
from ..endpoint_calls import start_operation
from ..endpoint_requests import (
    EmbeddingParams,
    ImageParams,
    ModelsParams,
    SpeechParams,
    TranscriptionParams,
    TranslationParams,
)
from .models import listing

if TYPE_CHECKING:
    from ..async_client import AsyncClient


class AsyncResource:
    """All raise what `chat.completions.create` raises: docs/failover.md."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _ask(self, operation: OperationName, params: dict[str, Any]) -> Any:
        client = self._client
        return await client._answer(start_operation(client._core, operation, params))


class AsyncEmbeddings(AsyncResource):
    async def create(self, *, input: str | list[Any], **params: Unpack[EmbeddingParams]) -> CreateEmbeddingResponse:
        """As `Client`'s."""
        answer: CreateEmbeddingResponse = await self._ask("embeddings", {"input": input, **params})
        return answer


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


class AsyncImages(AsyncResource):
    async def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """As `Client`'s."""
        answer: ImagesResponse = await self._ask("images", {"prompt": prompt, **params})
        return answer


class AsyncModels(AsyncResource):
    async def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """As `Client`'s."""
        steps = listing(self._client._core, params)
        try:
            call = next(steps)
            while True:
                try:
                    answer = await self._client._answer(call)
                except G4FLiteError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            listed: ModelList = done.value
            return listed
