"""
Google's Gemini API. What is translated and what is refused: docs/protocols.md.

Model ids are those of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from g4f_lite import (
    AuthenticationError,
    ChatCompletion,
    ChatRequest,
    HTTPRequest,
    HTTPResponse,
    ModelUnavailableError,
    Provider,
    QuotaExceededError,
    RequestTooLargeError,
    StreamParser,
    ToolCallError,
    UnsupportedParameterError,
    hookimpl,
)

from ..catalogue.schemas import UNIONS
from ..translation.parameters import http_request
from ..translation.paths import path_of
from ..translation.turns import JSONObject
from .answer import GeminiStream, completion
from .request import generate_body

if TYPE_CHECKING:
    from g4f_lite import Answer, EndpointRequest


class Gemini(Provider):
    """Gemini, at `POST {api_base}/models/{model}:generateContent`; the key goes into a header, never into the URL."""

    name = "gemini"
    label = "Gemini"
    url = "https://aistudio.google.com"
    login_url = "https://aistudio.google.com/apikey"
    api_base = "https://generativelanguage.googleapis.com/v1beta"
    api_key_env: tuple[str, ...] = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_API_KEY")
    default_model = "gemini-3.8-flash"
    fallback_models = ("gemini-3.5-flash-lite", "gemini-3.1-flash-lite", "gemini-2.5-flash")
    default_models: Mapping[str, str] = {"embeddings": "gemini-embedding-001"}
    capabilities = frozenset({"streaming", "tools", "json_schema", "vision", "audio", "stream_usage", "embeddings"})
    thinking_models = r"(?:models/)?gemini-(?:2\.5|[3-9]|\d\d)(?!.*(?:flash-lite|image))"
    known_fields = frozenset({"google"})
    error_codes = {
        # finish reasons
        "malformed_function_call": ToolCallError,
        "too_many_tool_calls": ToolCallError,
        "unexpected_tool_call": ToolCallError,
        # google.rpc.ErrorInfo
        "billing_disabled": QuotaExceededError,
    }
    error_words = {
        "credits are depleted": QuotaExceededError,  # its code says rate limit
        "spending cap": QuotaExceededError,
        "limit: 0,": ModelUnavailableError,  # the free tier does not have the model
        "limit: 0 ": ModelUnavailableError,
        "reported as leaked": AuthenticationError,
        "unregistered callers": AuthenticationError,
        "generation_config": UnsupportedParameterError,
        "payload size exceeds": RequestTooLargeError,
        "too large to be read": RequestTooLargeError,  # the files of the request
        "grounding": UnsupportedParameterError,  # the quota of searches, which limits no other request
    }

    # Source: ai.google.dev/api/generate-content, `responseJsonSchema`.
    schema_rules = {
        "applies": "always",
        "tools": True,
        "keywords": UNIONS
        | {"format", "maxItems", "maximum", "minItems", "minimum", "prefixItems", "propertyOrdering"},
        "formats": frozenset({"date", "date-time", "time"}),
        "enums": frozenset({"string", "integer", "number"}),
        "bare_refs": True,
        "recursion": "optional",
    }

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        url = f"{self.api_base}/{path_of(request.model, self.name)}:{method}"
        return http_request(url, self._body(request), request, stream=stream, **self._key_header(key))

    def _body(self, request: ChatRequest) -> JSONObject:
        request = self.fit_schemas(request)
        return generate_body(request, self.own_messages(request))

    def _key_header(self, key: str | None) -> dict[str, str | None]:
        return {"x_goog_api_key": key}

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        return completion(response)

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return GeminiStream()

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
    register(Gemini)
