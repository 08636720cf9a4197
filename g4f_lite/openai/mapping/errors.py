"""
From an exception to a response: OpenAI's statuses and error objects.

Rule: what a service has answered goes on unchanged, status and error object. The table is for what no service said.
"""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import msgspec

from ...errors import exceptions as e
from ...value import JSONObject
from .answers import JSON, Response
from .trail_headers import header_text, trail_headers


class Row(NamedTuple):
    """A row of the table."""

    status: int
    type: str
    code: str | None


_INVALID, _UPSTREAM = "invalid_request_error", "upstream_error"

ROWS: dict[type[e.G4FLiteError], Row] = {
    e.RateLimitError: Row(429, "rate_limit_error", "rate_limit_exceeded"),
    e.QuotaExceededError: Row(429, "insufficient_quota", "insufficient_quota"),
    e.AuthenticationError: Row(401, _INVALID, "invalid_api_key"),
    e.PermissionDeniedError: Row(403, "permission_error", "permission_denied"),
    e.ModelUnavailableError: Row(404, _INVALID, "model_not_found"),
    e.ContextWindowError: Row(400, _INVALID, "context_length_exceeded"),
    e.RequestTooLargeError: Row(413, _INVALID, "request_too_large"),
    e.UnsupportedParameterError: Row(400, _INVALID, "unsupported_parameter"),
    e.InvalidRequestError: Row(400, _INVALID, None),
    e.ContentFilterError: Row(400, _INVALID, "content_filter"),
    e.NotReadyError: Row(503, "overloaded", "not_ready"),
    e.ServerError: Row(502, _UPSTREAM, "server_error"),
    e.ConnectionFailedError: Row(502, _UPSTREAM, "connection_failed"),
    e.ProviderTimeoutError: Row(504, _UPSTREAM, "timeout"),
    e.DeadlineExceededError: Row(504, _UPSTREAM, "timeout"),
    e.MalformedResponseError: Row(502, _UPSTREAM, "malformed_response"),
    e.ToolCallError: Row(502, _UPSTREAM, "tool_call_invalid"),
    e.StreamInterruptedError: Row(502, _UPSTREAM, "stream_interrupted"),
    e.ProviderError: Row(502, _UPSTREAM, None),
    e.MissingKeyError: Row(401, _INVALID, "invalid_api_key"),
    e.UnknownModelError: Row(404, _INVALID, "model_not_found"),
    e.UnknownProviderError: Row(404, _INVALID, "provider_not_found"),
    e.ConfigurationError: Row(400, _INVALID, "configuration_error"),
    e.G4FLiteError: Row(500, "server_error", None),
}


def row_of(error: e.G4FLiteError) -> Row:
    """Return the row of an error's class, or of its nearest ancestor."""
    return next(ROWS[kind] for kind in type(error).__mro__ if kind in ROWS)


def leading_error(error: e.G4FLiteError) -> e.G4FLiteError:
    """
    Return the error that stands for all: itself, or one of the errors of several legs.

    That is a rate limit, which passes; else the first one that a service has answered with; else the first one.
    """
    if not isinstance(error, e.RoutesExhaustedError):
        return error
    errors = error.exceptions
    limited = (one for one in errors if isinstance(one, e.RateLimitError))
    answered = (one for one in errors if isinstance(one, e.ProviderError) and one.status is not None)
    leading = next(limited, None) or next(answered, None) or errors[0]
    assert isinstance(leading, e.ProviderError)
    return leading


def error_response(error: e.G4FLiteError, *, request_id: str, retried: bool) -> Response:
    """
    Return the response for what a call has raised.

    Args:
        request_id: stands in for the id of a service that gave none.
        retried: whether the call has tried all that is worth trying: the caller's library is told not to try again.
    """
    leading = leading_error(error)
    status = getattr(leading, "status", None) or 0
    headers = {
        "content-type": JSON,
        "x-request-id": header_text(getattr(leading, "request_id", None) or request_id),
        **trail_headers(error.trail, getattr(leading, "provider", ""), getattr(leading, "model", "")),
        **_retry_after(error, leading),
    }
    if retried:
        headers["x-should-retry"] = "false"
    body = msgspec.json.encode({"error": error_object(error)})
    return Response(status if 400 <= status <= 599 else row_of(leading).status, headers, body)


def error_object(error: e.G4FLiteError) -> JSONObject:
    """Return OpenAI's error object: the service's own, if one leg alone has failed and its service sent one."""
    leading = leading_error(error)
    row, code = row_of(leading), getattr(leading, "code", None)
    made = {"message": str(error) or type(error).__name__, "type": row.type, "param": None, "code": row.code or code}
    own = getattr(leading, "body", None)
    if leading is not error or isinstance(leading, e.StreamInterruptedError) or not isinstance(own, dict):
        return made
    said: Any = own.get("error")
    if isinstance(said, str) and said:
        return {**made, "message": said}
    return {**made, **said} if isinstance(said, dict) and said else made


def _retry_after(error: e.G4FLiteError, leading: e.G4FLiteError) -> dict[str, str]:
    """Return the wait until another try may succeed: in seconds, and in milliseconds, which OpenAI reads first."""
    wait = getattr(leading, "retry_after", None)
    if wait is None and error.retry_at is not None and isinstance(leading, e.ProviderError):
        wait = error.retry_at - time.time()
    if wait is None or not 0 < wait < math.inf:
        return {}
    return {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}


def not_found(method: str, path: str, request_id: str) -> Response:
    """Return the response for what neither a client nor a service behind it answers."""
    message = f"{method} {path} is not answered here, and there is no service behind to pass it on to"
    body = {"error": {"message": message, "type": _INVALID, "param": None, "code": "not_found"}}
    headers = {"content-type": JSON, "x-request-id": request_id, "x-should-retry": "false"}
    return Response(404, headers, msgspec.json.encode(body))
