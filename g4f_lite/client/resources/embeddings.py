"""`client.embeddings`."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from ...types.embeddings import CreateEmbeddingResponse
from ..endpoint_requests import EndpointParams
from .base import AsyncResource, Resource


class EmbeddingParams(EndpointParams, total=False):
    """Keywords of `embeddings.create` besides `input`."""

    dimensions: int | None
    encoding_format: Literal["float", "base64"] | None
    user: str | None


class Embeddings(Resource):
    def create(self, *, input: str | list[Any], **params: Unpack[EmbeddingParams]) -> CreateEmbeddingResponse:
        """
        Turn texts into vectors. Only one model makes them, unless `fallback_models` names others.

        Args:
            input: a text, a list of texts, a list of tokens, or a list of such lists.
        """
        answer: CreateEmbeddingResponse = self._answer("embeddings", {"input": input, **params})
        return answer


class AsyncEmbeddings(AsyncResource):
    async def create(self, *, input: str | list[Any], **params: Unpack[EmbeddingParams]) -> CreateEmbeddingResponse:
        """As the method of `Client`."""
        answer: CreateEmbeddingResponse = await self._answer("embeddings", {"input": input, **params})
        return answer
