"""
Google's Gemini API. What is translated and what is refused: docs/protocols.md.

Model ids are those of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from g4f_lite import (
    ChatCompletion,
    ChatRequest,
    HTTPRequest,
    HTTPResponse,
    Provider,
    StreamParser,
    ToolCallError,
    hookimpl,
)

from ..translation.parameters import http_request
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
    api_key_env = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_API_KEY")
    default_model = "gemini-3.8-flash"
    fallback_models = ("gemini-3.5-flash-lite", "gemini-3.1-flash-lite", "gemini-2.5-flash")
    default_models = {"embeddings": "gemini-embedding-001"}
    capabilities = frozenset({"streaming", "tools", "json_schema", "vision", "audio", "stream_usage", "embeddings"})
    error_codes = {  # finish reasons
        "malformed_function_call": ToolCallError,
        "too_many_tool_calls": ToolCallError,
        "unexpected_tool_call": ToolCallError,
    }

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        model = request.model if "/" in request.model else f"models/{request.model}"  # or tunedModels/…
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        url = f"{self.api_base}/{quote(model)}:{method}"
        return http_request(url, generate_body(request), request, stream=stream, x_goog_api_key=key)

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
