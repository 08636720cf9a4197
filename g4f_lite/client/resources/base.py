"""What `Client` offers beside chats, named as in OpenAI's library."""

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
    from ..client import Client


class Resource:
    """All raise what `chat.completions.create` raises: docs/failover.md."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _ask(self, operation: OperationName, params: dict[str, Any]) -> Any:
        client = self._client
        return client._answer(start_operation(client._core, operation, params))


class Embeddings(Resource):
    def create(self, *, input: str | list[Any], **params: Unpack[EmbeddingParams]) -> CreateEmbeddingResponse:
        """
        Turn texts into vectors. Only one model makes them, unless `fallback_models` names others.

        Args:
            input: a text, a list of texts, a list of tokens, or a list of such lists.
        """
        answer: CreateEmbeddingResponse = self._ask("embeddings", {"input": input, **params})
        return answer


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


class Images(Resource):
    def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """Draw pictures; each has a `url`, or its bytes in `.content`."""
        answer: ImagesResponse = self._ask("images", {"prompt": prompt, **params})
        return answer


class Models(Resource):
    def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """
        Ask the services which models they have: one provider, or all that a call naming nobody would use.

        A list is kept for `max_age` seconds (300). When a service does not answer, its provider's own list stands
        in: then `live` is False and the trail says why.
        """
        steps = listing(self._client._core, params)
        try:
            call = next(steps)
            while True:
                try:
                    answer = self._client._answer(call)
                except G4FLiteError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            listed: ModelList = done.value
            return listed
