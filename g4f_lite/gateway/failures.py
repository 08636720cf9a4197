"""
The answer to each exception: status, error object, and whether the caller's library is to try again.

Rule: the message has a line a leg, no key and no prompt. What is wrong with *our* keys is never told as if it were the
caller's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ..errors import exceptions as e
from ..openai.mapping.errors import leading_error
from ..openai.mapping.trail_headers import header_text
from ..records.trail import EMPTY_TRAIL

_INVALID, _UPSTREAM, _OVERLOADED = "invalid_request_error", "upstream_error", "overloaded"


class Failure(NamedTuple):
    """What the answer says."""

    status: int
    type: str
    code: str | None
    retry: bool
    """Whether the same request may be answered later: OpenAI's and Anthropic's libraries obey `x-should-retry`."""


class RefusedError(Exception):
    """
    The gateway itself refuses a request.

    Args:
        wait: seconds after which it may be answered.
        headers: further ones of the answer.
    """

    def __init__(
        self, failure: Failure, message: str, wait: float | None = None, headers: Mapping[str, str] = {}
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.wait = wait
        self.headers = headers


BAD_KEY = Failure(401, _INVALID, "invalid_api_key", False)
NO_SUCH_MODEL = Failure(404, _INVALID, "model_not_found", False)
BAD_REQUEST = Failure(400, _INVALID, None, False)
NOT_HTTP = Failure(400, _INVALID, "malformed_http", False)
NO_SUCH_PATH = Failure(404, _INVALID, "not_found", False)
TOO_SLOW = Failure(408, _INVALID, "request_timeout", True)
TOO_LARGE = Failure(413, _INVALID, "request_too_large", False)
OVER_RATE = Failure(429, "rate_limit_error", "rate_limit_exceeded", True)
OVER_BUDGET = Failure(429, "insufficient_quota", "insufficient_quota", False)
NO_PRICE = Failure(400, _INVALID, "unknown_price", False)
BUSY = Failure(503, _OVERLOADED, "busy", True)
NO_STORE = Failure(503, _OVERLOADED, "store_unavailable", True)
STOPPING = Failure(503, _OVERLOADED, "stopping", True)
NO_SPACE = Failure(507, "server_error", "no_space", True)
LOOP = Failure(508, _INVALID, "gateway_loop", False)
RESTING = Failure(503, _OVERLOADED, "routes_resting", True)
OUR_FAULT = Failure(500, "server_error", None, True)
_OURS = Failure(502, _UPSTREAM, "upstream_auth", False)

FAILURES: dict[type[e.G4FLiteError], Failure] = {
    e.RateLimitError: OVER_RATE,
    e.QuotaExceededError: _OURS,
    e.BudgetExceededError: OVER_BUDGET,
    e.AuthenticationError: _OURS,
    e.PermissionDeniedError: _OURS,
    e.ModelUnavailableError: NO_SUCH_MODEL,
    e.ContextWindowError: Failure(400, _INVALID, "context_length_exceeded", False),
    e.RequestTooLargeError: TOO_LARGE,
    e.UnsupportedParameterError: Failure(400, _INVALID, "unsupported_parameter", False),
    e.InvalidRequestError: BAD_REQUEST,
    e.ContentFilterError: Failure(400, _INVALID, "content_filter", False),
    e.NotReadyError: Failure(503, _OVERLOADED, "not_ready", True),
    e.ProviderTimeoutError: Failure(504, _UPSTREAM, "timeout", False),
    e.DeadlineExceededError: Failure(504, _UPSTREAM, "timeout", False),
    e.StreamInterruptedError: Failure(502, _UPSTREAM, "stream_interrupted", False),
    e.ProviderError: Failure(502, _UPSTREAM, None, False),
    e.MissingKeyError: _OURS,
    e.UnknownModelError: NO_SUCH_MODEL,
    e.UnknownProviderError: NO_SUCH_MODEL,
    e.NoUsableRouteError: Failure(400, _INVALID, "no_usable_route", False),
    e.ConfigurationError: BAD_REQUEST,
    e.G4FLiteError: OUR_FAULT,
}


def failure_of(error: BaseException) -> Failure:
    """Return the row of an exception's class, or of its nearest ancestor; of several legs', that of the leading one."""
    if isinstance(error, RefusedError):
        return error.failure
    if not isinstance(error, e.G4FLiteError):
        return OUR_FAULT
    leading = leading_error(error)
    failure = _row_of(leading)
    if not failure.retry and _all_rest(error):
        return RESTING
    if getattr(leading, "code", None) == LOOP.code:
        return LOOP
    if failure.code is None and isinstance(leading, e.ProviderError) and leading.code:
        failure = failure._replace(code=header_text(leading.code)[:64])
    return failure


def code_of(error: BaseException) -> str:
    """Return the code of the answer to an exception, or what kind of error it is."""
    failure = failure_of(error)
    return failure.code or failure.type


def _row_of(error: BaseException) -> Failure:
    return next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)


def _all_rest(error: e.G4FLiteError) -> bool:
    """Return whether nobody was asked, and a route that has failed is tried again later, without anybody's help."""
    if error.trail.attempts or error.retry_at is None or isinstance(error, e.DeadlineExceededError):
        return False
    errors = error.exceptions if isinstance(error, e.RoutesExhaustedError) else (error,)
    return any((row := _row_of(one)).type == _UPSTREAM and row is not _OURS for one in errors)


def message_of(error: BaseException, request_id: str) -> str:
    """Return what the caller is told; not what a service has said to others, for which a route rests."""
    if failure_of(error) is OUR_FAULT:
        return f"the gateway has failed; its log has more about {request_id}"
    message = str(error)
    trail = error.trail if isinstance(error, e.G4FLiteError) else EMPTY_TRAIL
    own = {one.message for one in trail.attempts}  # a route may rest for what it has said to this caller
    for one in trail.skipped:
        if one.message and one.message not in own:
            message = message.replace(f" ({one.message})", "").replace(f": {one.message}", "")
    return message or type(error).__name__


def wait_of(error: BaseException) -> float | None:
    """Return the seconds after which the request may be answered; None if nobody knows."""
    if isinstance(error, RefusedError):
        return error.wait
    if not failure_of(error).retry:
        return None
    wait = getattr(error, "retry_after", None)
    retry_at = getattr(error, "retry_at", None)
    if wait is None and retry_at is not None:
        wait = retry_at - time.time()
    return wait if wait is not None and 0 < wait < math.inf else None


def error_headers(error: BaseException, request_id: str) -> dict[str, str]:
    """Return the headers of the answer to an exception."""
    headers = {"x-request-id": request_id, "x-should-retry": "true" if failure_of(error).retry else "false"}
    if (wait := wait_of(error)) is not None:
        headers |= {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
    if isinstance(error, e.G4FLiteError):
        headers["x-g4f-attempts"] = str(len(error.trail.attempts))
    elif isinstance(error, RefusedError):
        headers |= error.headers
    return headers


def error_json(error: BaseException, request_id: str) -> bytes:
    """Return the error object of OpenAI's protocol."""
    failure = failure_of(error)
    message = message_of(error, request_id)
    said = {"message": message, "type": failure.type, "param": None, "code": failure.code}
    return msgspec.json.encode({"error": said})
