"""
The endpoints other than chat: one row each, with its method, its request and its result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ..provider.base import Provider
from ..types.audio import Speech, SpeechRequest, Transcription, TranscriptionRequest, TranslationRequest
from ..types.embeddings import CreateEmbeddingResponse, EmbeddingRequest
from ..types.endpoint import Answer, EndpointRequest
from ..types.http import HTTPRequest, HTTPResponse
from ..types.images import ImageEditRequest, ImageRequest, ImagesResponse
from ..types.models import ModelList, ModelsRequest
from .answer_checks import check_embeddings, check_images, check_nothing, check_speech
from .operations import Operation


class Endpoint(NamedTuple):
    """A row of the table."""

    method: str
    """The method that callers use, for messages."""
    request: type[EndpointRequest]
    required: tuple[str, ...]
    """The keywords that the method cannot do without."""
    operation: Operation


def _build(provider: Provider, request: EndpointRequest, key: str | None, stream: bool) -> HTTPRequest:
    return provider.build_operation(request, key=key)


def _parse(provider: Provider, request: EndpointRequest, response: HTTPResponse) -> Answer:
    return provider.parse_operation(request, response)


def _parse_models(provider: Provider, request: EndpointRequest, response: HTTPResponse) -> Answer:
    """Write the provider's name on each model: lists of several providers may be joined."""
    listed = provider.parse_operation(request, response)
    if not isinstance(listed, ModelList):
        return listed
    data = tuple(msgspec.structs.replace(model, provider=provider.name) for model in listed.data)
    return msgspec.structs.replace(listed, data=data)


def _row(
    method: str,
    request: type[EndpointRequest],
    result: type[Answer],
    *required: str,
    check: Callable[[Any, Any, int | None], None] = check_nothing,
    parse: Callable[[Provider, Any, HTTPResponse], Answer] = _parse,
) -> Endpoint:
    return Endpoint(
        method, request, required, Operation(request.operation, result, "parse_operation", _build, parse, check)
    )


ENDPOINTS: dict[str, Endpoint] = {
    row.operation.name: row
    for row in (
        _row("embeddings.create", EmbeddingRequest, CreateEmbeddingResponse, "input", check=check_embeddings),
        _row("audio.transcriptions.create", TranscriptionRequest, Transcription, "file"),
        _row("audio.translations.create", TranslationRequest, Transcription, "file"),
        _row("audio.speech.create", SpeechRequest, Speech, "input", "voice", check=check_speech),
        _row("images.generate", ImageRequest, ImagesResponse, "prompt", check=check_images),
        _row("images.edit", ImageEditRequest, ImagesResponse, "image", "prompt", check=check_images),
        _row("models.list", ModelsRequest, ModelList, parse=_parse_models),
    )
}
