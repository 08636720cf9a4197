"""Everything but chat, as operations; what their answers must hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors.exceptions import MalformedResponseError, UnsupportedParameterError
from ..provider.base import Provider
from ..types.endpoint import (
    Answer,
    CreateEmbeddingResponse,
    EmbeddingRequest,
    EndpointRequest,
    ImagesResponse,
    ModelList,
    OperationName,
    Speech,
    Transcription,
)
from ..types.http import HTTPRequest, HTTPResponse
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


def _check_embeddings(answer: CreateEmbeddingResponse, request: EmbeddingRequest, status: int | None) -> None:
    if len(answer.data) != request.count:
        raise MalformedResponseError(f"{len(answer.data)} vectors for {request.count} inputs", status=status)
    if [one.index for one in answer.data] != list(range(request.count)):
        raise MalformedResponseError("the vectors are not in the order of the inputs", status=status)
    for one in answer.data:
        try:
            numbers = len(one.vector)
        except (ValueError, struct.error):
            raise MalformedResponseError("a vector is not base64 of numbers", status=status) from None
        if not numbers:
            raise MalformedResponseError("a vector is empty", status=status)
        if request.dimensions is not None and numbers != request.dimensions:
            raise UnsupportedParameterError(f"it gives vectors of {numbers} numbers, not {request.dimensions}")


def _check_speech(answer: Speech, request: object, status: int | None) -> None:
    if not answer.content:
        raise MalformedResponseError("the answer is empty", status=status)


def _check_images(answer: ImagesResponse, request: object, status: int | None) -> None:
    if not answer.data or not all(image.url or image.b64_json for image in answer.data):
        raise MalformedResponseError("the answer holds no image", status=status)


def _check_nothing(answer: Answer, request: object, status: int | None) -> None:
    """Silence has no text, and a server may have no models."""


_ANSWERS: dict[OperationName, tuple[type[Answer], Callable[[Any, Any, int | None], None]]] = {
    "embeddings": (CreateEmbeddingResponse, _check_embeddings),
    "transcription": (Transcription, _check_nothing),
    "translation": (Transcription, _check_nothing),
    "speech": (Speech, _check_speech),
    "images": (ImagesResponse, _check_images),
    "models": (ModelList, _check_nothing),
}
OPERATIONS = {
    name: Operation(name, answers, _build, _parse_models if name == "models" else _parse, check)
    for name, (answers, check) in _ANSWERS.items()
}
"""But for chat."""
