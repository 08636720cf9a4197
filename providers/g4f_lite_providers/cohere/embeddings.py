"""
Cohere's embeddings, version 2, at `POST {api_base}/v2/embed`.

Source: docs.cohere.com/reference/embed.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from g4f_lite import CreateEmbeddingResponse, EmbeddingRequest, HTTPRequest, HTTPResponse

from ..translation.answers import decode_body
from ..translation.embeddings import texts, vectors
from ..translation.parameters import http_request
from ..translation.turns import JSONObject

SERVICE = "cohere"
MOST_TEXTS = 96


class _Vectors(Struct, frozen=True):
    floats: list[list[float]] = field(default=[], name="float")
    base64: list[str] = []


class _Billed(Struct, frozen=True):
    input_tokens: float | None = None


class _Meta(Struct, frozen=True):
    billed_units: _Billed = _Billed()


class _Answer(Struct):
    embeddings: _Vectors = _Vectors()
    meta: _Meta = _Meta()


_decoder = msgspec.json.Decoder(_Answer)


def build_embeddings(request: EmbeddingRequest, api_base: str, key: str | None) -> HTTPRequest:
    """
    Return what to send; `extra_body={"input_type": "search_query"}` is for texts to search with.

    Raises:
        UnsupportedParameterError: the service does not support the request.
    """
    body: JSONObject = {
        "model": request.model,
        "texts": texts(request, SERVICE, MOST_TEXTS),
        "input_type": "search_document",  # required
        "embedding_types": [request.encoding_format or "float"],
    }
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    bearer = None if key is None else f"Bearer {key}"
    return http_request(f"{api_base}/v2/embed", body, request, stream=False, authorization=bearer)


def read_embeddings(request: EmbeddingRequest, response: HTTPResponse) -> CreateEmbeddingResponse:
    answer = decode_body(response, _decoder)
    made, tokens = answer.embeddings, answer.meta.billed_units.input_tokens
    return vectors(made.floats or made.base64, response, request.model, None if tokens is None else int(tokens))
