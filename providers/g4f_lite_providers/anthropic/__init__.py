"""
Anthropic's Messages API. What is translated and what is refused: docs/protocols.md.

Model ids are those of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable

from g4f_lite import (
    ChatCompletion,
    ChatRequest,
    HTTPRequest,
    HTTPResponse,
    Provider,
    ServerError,
    StreamParser,
    hookimpl,
)

from ..translation.parameters import http_request
from .answer import AnthropicStream, completion
from .request import messages_body


class Anthropic(Provider):
    """Claude, at `POST {api_base}/messages`."""

    name = "anthropic"
    label = "Anthropic"
    url = "https://www.anthropic.com"
    login_url = "https://console.anthropic.com/settings/keys"
    api_base = "https://api.anthropic.com/v1"
    api_key_env = ("ANTHROPIC_API_KEY",)
    default_model = "claude-haiku-5-5"
    fallback_models = ("claude-sonnet-5-5", "claude-sonnet-5", "claude-haiku-4-5")
    capabilities = frozenset({"streaming", "tools", "json_schema", "vision", "stream_usage"})
    known_fields = frozenset({"anthropic"})
    error_codes = {
        "overloaded_error": ServerError,
        "timeout_error": ServerError,
    }
    limit_headers = {
        limit: (f"anthropic-ratelimit-{limit}-remaining", f"anthropic-ratelimit-{limit}-reset")
        for limit in ("requests", "tokens")
    }

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        body = messages_body(request, self.own_messages(request))
        if stream:
            body["stream"] = True
        return http_request(
            f"{self.api_base}/messages", body, request, stream=stream, x_api_key=key, anthropic_version="2023-06-01"
        )

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        return completion(response)

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return AnthropicStream()


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Anthropic)
