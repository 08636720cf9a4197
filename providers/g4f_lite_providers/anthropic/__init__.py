"""
Anthropic's Messages API. What is translated and what is refused: docs/protocols.md.

Model ids are those of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from g4f_lite import (
    ChatCompletion,
    ChatRequest,
    HTTPRequest,
    HTTPResponse,
    PermissionDeniedError,
    Provider,
    QuotaExceededError,
    RequestTooLargeError,
    ServerError,
    StreamParser,
    UnsupportedParameterError,
    hookimpl,
)

from ..catalogue.schemas import FORMATS, LOOKAROUND, UNIONS
from ..translation.parameters import http_request
from .answer import AnthropicStream, completion
from .models import traits
from .request import body_as_asked, messages_body

_TOLD = {"applies": "told", "json_object": False}


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
        "enforced_spend_limit_reached": QuotaExceededError,
    }
    error_words = {
        "only authorized for use with claude code": PermissionDeniedError,
        "draw from your extra usage": QuotaExceededError,
        "out of extra usage": QuotaExceededError,
        # A 429 with the wait of the subscription, which does not limit shorter requests.
        "extra usage is required": RequestTooLargeError,
        "long context beta": UnsupportedParameterError,  # the header of this request asks for it
        # Sizes that other services take.
        "mb maximum": RequestTooLargeError,
        "image dimensions exceed": RequestTooLargeError,
        "pdf pages may be provided": RequestTooLargeError,
        "too much media": RequestTooLargeError,
    }
    limit_headers = {
        limit: (f"anthropic-ratelimit-{limit}-remaining", f"anthropic-ratelimit-{limit}-reset")
        for limit in ("requests", "tokens")
    }

    # Source: platform.claude.com/docs/en/build-with-claude/structured-outputs.
    schema_rules = {
        "applies": "always",
        "json_object": False,
        "keywords": UNIONS | {"const", "default", "format", "minItems", "pattern"},
        "formats": FORMATS | {"uri"},
        "enums": frozenset({"string", "integer", "number", "boolean", "null"}),
        "refused_patterns": LOOKAROUND + r"|\\[bB1-9]",
        "max_min_items": 1,
        "closed": True,
        "object_root": True,
        "bare_refs": True,
        "recursion": "none",
        "max_optional": 24,
        "max_unions": 16,
    }

    def schema_rules_for(self, model: str) -> Mapping[str, Any]:
        return self.schema_rules if traits(model).keeps_schemas else _TOLD

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        if (body := body_as_asked(request, self.own_messages(request))) is None:
            fitted = self.fit_schemas(request)  # which may add to the messages
            body = messages_body(fitted, self.own_messages(fitted))
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
