"""One error reply, and the exceptions in short."""

from __future__ import annotations

from typing import Any, NamedTuple

from g4f_lite import (
    AuthenticationError,
    ContentFilterError,
    ContextWindowError,
    InvalidRequestError,
    ModelUnavailableError,
    NotReadyError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    ToolCallError,
    UnsupportedParameterError,
)

KEY, QUOTA, DENIED, MODEL = AuthenticationError, QuotaExceededError, PermissionDeniedError, ModelUnavailableError
CONTEXT, LARGE, PARAMETER = ContextWindowError, RequestTooLargeError, UnsupportedParameterError
RATE, SERVER, LOADING, CONTENT, TOOL, INVALID = (
    RateLimitError,
    ServerError,
    NotReadyError,
    ContentFilterError,
    ToolCallError,
    InvalidRequestError,
)

LATER = 4_000_000_000
"""Unix time of a reset in the year 2096."""


class Told(NamedTuple):
    """A reply, and what it means."""

    status: int
    body: Any
    means: type[ProviderError]
    wait: float | None = None
    """Seconds that it asks us to wait."""
    until: float | None = None
    """Unix time until which it asks us to wait."""
    headers: dict[str, str] = {}


def openai(message: str, code: Any = None, type: str = "invalid_request_error", param: str | None = None) -> Any:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}
