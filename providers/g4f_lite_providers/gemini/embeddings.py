"""
Gemini's embeddings, at `POST {api_base}/models/{model}:batchEmbedContents`.

Source: ai.google.dev/api/embeddings.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from g4f_lite import CreateEmbeddingResponse, EmbeddingRequest, HTTPRequest, HTTPResponse, UnsupportedParameterError

from ..translation.answers import decode_body
from ..translation.embeddings import texts, vectors
from ..translation.parameters import http_request
from ..translation.paths import path_of

SERVICE = "gemini"
MOST_TEXTS = 100


class _Vector(Struct):
    values: list[float] = []


class _Usage(Struct, frozen=True, rename="camel"):
    prompt_token_count: int | None = None


class _Vectors(Struct, rename="camel"):
    embeddings: list[_Vector] = []
    usage_metadata: _Usage = _Usage()


_decoder = msgspec.json.Decoder(_Vectors)


def build_embeddings(request: EmbeddingRequest, api_base: str, key: str | None) -> HTTPRequest:
    """
    Raises:
        UnsupportedParameterError: the service does not support the request.
    """
    given = texts(request, SERVICE, MOST_TEXTS)
    if request.encoding_format == "base64":
        raise UnsupportedParameterError(f"{SERVICE} takes encoding_format='float' only")
    model = request.model if "/" in request.model else f"models/{request.model}"
    size = {} if request.dimensions is None else {"outputDimensionality": request.dimensions}
    body = {"requests": [{"model": model, "content": {"parts": [{"text": text}]}, **size} for text in given]}
    url = f"{api_base}/{path_of(model, SERVICE)}:batchEmbedContents"
    return http_request(url, body, request, stream=False, x_goog_api_key=key)


def read_embeddings(request: EmbeddingRequest, response: HTTPResponse) -> CreateEmbeddingResponse:
    answer = decode_body(response, _decoder)
    used = answer.usage_metadata
    return vectors([one.values for one in answer.embeddings], response, request.model, used.prompt_token_count)
