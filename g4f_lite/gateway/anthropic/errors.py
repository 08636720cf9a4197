"""From an exception to Anthropic's error object."""

from __future__ import annotations

import msgspec

from ..failures import Failure, failure_of, message_of

_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error",
    504: "timeout_error", 508: "invalid_request_error",
}  # fmt: skip
"""Source: docs.claude.com/en/api/errors."""


def status_of(failure: Failure) -> int:
    """Return the status of a failure: a budget that is spent is 402 here."""
    return 402 if failure.code == "insufficient_quota" else failure.status


def error_json(error: BaseException, request_id: str) -> bytes:
    """Return the error object."""
    kind = _TYPES.get(status_of(failure_of(error)), "api_error")
    said = {"type": kind, "message": message_of(error, request_id)}
    return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id})
