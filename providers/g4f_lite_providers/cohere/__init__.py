"""
Cohere's chat, version 2. What is translated and what is refused: docs/protocols.md.

Model ids are those of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from g4f_lite import (
    ChatCompletion,
    ChatRequest,
    HTTPRequest,
    HTTPResponse,
    ModelUnavailableError,
    Provider,
    StreamParser,
    UnsupportedParameterError,
    hookimpl,
)

from ..translation.parameters import http_request
from .answer import CohereStream, completion
from .request import chat_body

if TYPE_CHECKING:
    from g4f_lite import Answer, EndpointRequest


class Cohere(Provider):
    """Command models, at `POST {api_base}/v2/chat`."""

    name = "cohere"
    label = "Cohere"
    url = "https://cohere.com"
    login_url = "https://dashboard.cohere.com/api-keys"
    api_base = "https://api.cohere.com"
    api_key_env = ("COHERE_API_KEY", "CO_API_KEY")
    default_model = "command-a-03-2025"
    fallback_models = ("command-a-plus-05-2026", "command-r7b-12-2024")
    default_models = {"embeddings": "embed-v4.0"}
    capabilities = frozenset({"streaming", "tools", "json_schema", "vision", "stream_usage", "embeddings"})

    # Source: docs.cohere.com/reference/errors.
    error_words = {
        "cannot specify both": UnsupportedParameterError,
        "maximum output for this model": UnsupportedParameterError,
        "' is not supported by the chat api": ModelUnavailableError,  # after the model's name
        "' is not supported by the embed api": ModelUnavailableError,
        "' is not supported by the generate api": ModelUnavailableError,
    }
    # Source: docs.cohere.com/docs/structured-outputs.
    schema_rules = {
        "applies": "always",
        "keywords": frozenset({"const", "default", "format", "pattern"}),
        "formats": frozenset({"date", "date-time", "time", "uuid"}),
        "refused_patterns": r"[$^]|\(\?[=!]",
        "one_required": True,
        "object_root": True,
    }

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        request = self.fit_schemas(request)
        body = {**chat_body(request, self.own_messages(request)), "stream": stream}
        bearer = None if key is None else f"Bearer {key}"
        return http_request(f"{self.api_base}/v2/chat", body, request, stream=stream, authorization=bearer)

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        return completion(response)

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return CohereStream()

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        from g4f_lite import EmbeddingRequest  # imported late: chats do not need it

        if not isinstance(request, EmbeddingRequest):
            return super().build_operation(request, key=key)
        from .embeddings import build_embeddings

        return build_embeddings(request, self.api_base, key)

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        from g4f_lite import EmbeddingRequest

        if not isinstance(request, EmbeddingRequest):
            return super().parse_operation(request, response)
        from .embeddings import read_embeddings

        return read_embeddings(request, response)


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Cohere)
