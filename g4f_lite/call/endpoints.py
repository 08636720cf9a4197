"""Everything but chat, as operations; what their answers must hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..provider.base import Provider
from ..types.audio import Speech, Transcription
from ..types.embeddings import CreateEmbeddingResponse
from ..types.endpoint import Answer, EndpointRequest, OperationName
from ..types.http import HTTPRequest, HTTPResponse
from ..types.images import ImagesResponse
from ..types.models import ModelList
from .answer_checks import check_embeddings, check_images, check_nothing, check_speech
from .operations import Operation


def _build(provider: Provider, request: EndpointRequest, key: str | None, stream: bool) -> HTTPRequest:
    return provider.build_operation(request, key=key)


def _parse_models(provider: Provider, request: EndpointRequest, response: HTTPResponse) -> Answer:
    """Write the provider's name on each model: lists of several may be joined."""
    listed = provider.parse_operation(request, response)
    if not isinstance(listed, ModelList):
        return listed
    data = tuple(msgspec.structs.replace(model, provider=provider.name) for model in listed.data)
    return msgspec.structs.replace(listed, data=data)


def _parse(provider: Provider, request: EndpointRequest, response: HTTPResponse) -> Answer:
    return provider.parse_operation(request, response)


_ANSWERS: dict[OperationName, tuple[type[Answer], Callable[[Any, Any, int | None], None]]] = {
    "embeddings": (CreateEmbeddingResponse, check_embeddings),
    "transcription": (Transcription, check_nothing),
    "translation": (Transcription, check_nothing),
    "speech": (Speech, check_speech),
    "images": (ImagesResponse, check_images),
    "models": (ModelList, check_nothing),
}
OPERATIONS = {
    name: Operation(name, answers, _build, _parse_models if name == "models" else _parse, check)
    for name, (answers, check) in _ANSWERS.items()
}
"""But for chat."""
