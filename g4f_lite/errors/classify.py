"""
Maps an error reply to an exception. No I/O.

Signs are read from the surest to the weakest: codes that the provider declares, codes that several
services share, the words of the message, the status. All tables are data. Codes of a single service
are declared by its provider (`Provider.error_codes`), not here.

Source of the signs: docs/providers.md names them per service.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from ..value import Value
from . import exceptions as e
from .reply import ErrorReply
from .reply_facts import KEY_LIKE, keep_reply
from .retry_after import asked_wait

_READ = 4000
"""Characters of a service's message that are searched."""
_ITEMS = 20
"""Items of a list in an error body that are read."""
_SHOWN = 300
"""Characters of the message that an exception shows."""

CODES: dict[str, type[e.ProviderError]] = {
    # OpenAI's protocol: OpenAI, Groq, and most services that copy it
    "model_not_found": e.ModelUnavailableError,
    "model_decommissioned": e.ModelUnavailableError,
    "model_not_available": e.ModelUnavailableError,
    "model_not_supported": e.ModelUnavailableError,
    "context_length_exceeded": e.ContextWindowError,
    "string_above_max_length": e.ContextWindowError,
    "insufficient_quota": e.QuotaExceededError,
    "billing_hard_limit_reached": e.QuotaExceededError,
    "invalid_api_key": e.AuthenticationError,
    "rate_limit_exceeded": e.RateLimitError,
    "tool_use_failed": e.ToolCallError,
    "json_validate_failed": e.ToolCallError,
    "content_policy_violation": e.ContentFilterError,
    "content_filter": e.ContentFilterError,
    "unsupported_parameter": e.UnsupportedParameterError,
    "unsupported_value": e.UnsupportedParameterError,
    "capacity_exceeded": e.ServerError,
    # Anthropic, llama.cpp, Ollama; gateways pass them on inside streams, where no status says the same
    "authentication_error": e.AuthenticationError,
    "billing_error": e.QuotaExceededError,
    "request_too_large": e.RequestTooLargeError,
    "permission_error": e.PermissionDeniedError,
    "not_found_error": e.ModelUnavailableError,
    "rate_limit_error": e.RateLimitError,
    "api_error": e.ServerError,
    # google.rpc.Code: Gemini, Google's OpenAI-compatible endpoint, Fireworks; the codes that the status does not imply
    "permission_denied": e.PermissionDeniedError,
    "not_found": e.ModelUnavailableError,
    "resource_exhausted": e.RateLimitError,
    "failed_precondition": e.PermissionDeniedError,
    # llama.cpp, Mistral, vLLM
    "exceed_context_size_error": e.ContextWindowError,
    "extra_forbidden": e.UnsupportedParameterError,
    "server_error": e.ServerError,
}

STATUSES: dict[int, type[e.ProviderError]] = {
    401: e.AuthenticationError,
    402: e.QuotaExceededError,
    403: e.PermissionDeniedError,
    404: e.ModelUnavailableError,
    408: e.ServerError,
    409: e.ServerError,
    410: e.ModelUnavailableError,
    413: e.RequestTooLargeError,
    424: e.ServerError,
    425: e.ServerError,
    429: e.RateLimitError,
    498: e.ServerError,
    499: e.ServerError,
}

_NO_MONEY = (
    r"insufficient (?:quota|balance|credit|fund)|exceeded your current quota|(?:no|any|out of) credits"
    r"|credit balance|purchase (?:more )?credits|spending limit|your specified (?:api )?usage limit"
)

# Words count only where the status leaves room for them: a 503 is a ServerError whatever its message.
_ROOM = (None, 400, 403, 404, 422)
# Strings, not compiled patterns: `re` caches what it compiles, and most processes never see an error.
_WORDS: tuple[tuple[type[e.ProviderError], tuple[int | None, ...], str], ...] = (
    (
        e.ContextWindowError,
        _ROOM,
        r"context (?:length|window|size|limit)|maximum context|prompt is too long|input is too long"
        r"|too many (?:input )?tokens|reduce the length of|token count .{0,40}exceeds",
    ),
    (
        e.AuthenticationError,
        _ROOM,
        r"(?:incorrect|invalid|wrong) api[ -]?key|api[ -]?key (?:is )?(?:not valid|invalid|expired|missing)"
        r"|invalid (?:access )?token|unauthori[sz]ed",
    ),
    (e.QuotaExceededError, _ROOM, _NO_MONEY),
    (
        e.ModelUnavailableError,
        _ROOM,
        r"(?:model|deployment)\b.{0,120}(?:does not exist|not found|not available|no longer (?:supported|available)"
        r"|decommissioned|deprecated|not deployed)|no such model|unknown model|invalid model"
        r"|not a valid model",
    ),
    (
        e.ContentFilterError,
        _ROOM,
        r"content (?:management )?policy|content[ _]filter|safety system|flagged (?:by|as|for)|moderation",
    ),
    (
        e.UnsupportedParameterError,
        (None, 400, 422),  # a country that is not supported is a 403
        r"not support(?:ed)?\b|unsupported|unrecogni[sz]ed|unknown (?:name|field|parameter|argument)"
        r"|extra inputs are not permitted|extra fields not permitted|is not allowed with"
        # Anthropic and Google: what this model cannot do, and others can
        r"|not (?:be )?enabled\b|only (?:be set|enabled|works)\b|deprecated for this|cannot both be"
        # what only some models of a service accept: images, JSON with tools, a level of effort
        r"|content must be a string|unknown variant|multimodal|cannot be combined with|must be one of"
        r"|maximum allowed number|output_config|thought[ _]signature|`(?:thinking|signature)`|cannot fetch content",
    ),
)
_PER_DAY = r"(?:per[ -]?|/ ?)(?:day|month)|\b(?:RPD|TPD)\b|daily|PerDay|monthly"


def _says(pattern: str, message: str) -> bool:
    return re.search(pattern, message, re.IGNORECASE) is not None


class ErrorFacts(Value, frozen=True, kw_only=True):
    """The fields of an error body, read from any of the known shapes."""

    message: str = ""
    codes: tuple[str, ...] = ()
    param: str | None = None
    status: int | None = None
    """A status inside the body, as Groq and OpenRouter send in streams."""


def classify(
    reply: ErrorReply,
    *,
    now: float | None = None,
    error_codes: Mapping[str, type[e.ProviderError]] = {},
    limit_headers: Mapping[str, tuple[str, str]] = {},
    wait: float | None = None,
) -> e.ProviderError:
    """
    Return the exception for an error reply, with message, code, status and the requested wait.

    Args:
        now: Unix time in seconds, for waits given as a date.
        error_codes, limit_headers: what the provider declares under these names.
        wait: seconds that the provider has read from the reply; None: the common rules decide.
    """
    facts = read_error(reply)
    status = facts.status if reply.status is None or 200 <= reply.status < 300 else reply.status
    if wait is None:
        now = time.time() if now is None else now
        wait = asked_wait(reply, facts.message, now=now, limit_headers=limit_headers)
    code = _shown(facts.codes[0]) if facts.codes else None
    if status is not None and 300 <= status < 400:
        return e.ConnectionFailedError(_redirect_message(reply), kind="redirect", status=status)
    kind = _kind(status, facts, reply, error_codes)
    message = _shown(facts.message) or "no explanation in the answer"
    if status in (404, 405) and not isinstance(reply.json(), (dict, list)):
        message += "; is the base URL right?"  # an API would have answered in JSON
    error = kind(message, status=status, code=code, retry_after=wait)
    keep_reply(error, reply)
    return error


def _kind(
    status: int | None, facts: ErrorFacts, reply: ErrorReply, declared: Mapping[str, type[e.ProviderError]]
) -> type[e.ProviderError]:
    codes = [code.lower() for code in facts.codes]
    by_code = next((declared[code] for code in codes if code in declared), None)
    if by_code not in (None, e.RateLimitError):
        return by_code
    if status == 413 or facts.message.startswith("Request too large"):
        return e.RequestTooLargeError  # Groq and OpenAI say rate_limit_exceeded here, but waiting does not help
    by_code = by_code or next((CODES[code] for code in codes if code in CODES), None)
    by_status = STATUSES.get(status or 0, e.ServerError if status is None or status >= 500 else e.InvalidRequestError)
    if e.RateLimitError in (by_code, by_status) and by_code is not e.QuotaExceededError:
        spent = _says(_PER_DAY, facts.message) or b"PerDay" in reply.body
        # Google says "exceeded your current quota" also for a limit per minute: its code is the surer sign.
        quota = spent or (by_code is None and _says(_NO_MONEY, facts.message))
        return e.QuotaExceededError if quota else e.RateLimitError
    if by_code is not None and status is not None and status < 500:
        return by_code
    for kind, statuses, pattern in _WORDS:
        if status in statuses and _says(pattern, facts.message):
            return kind
    if by_code is not None:
        return by_code
    if status in (400, 422) and facts.param and not facts.param.startswith(("messages", "model")):
        return e.UnsupportedParameterError
    return by_status


def read_error(reply: ErrorReply) -> ErrorFacts:
    """Return the fields of an error body."""
    body = reply.json()
    if not isinstance(body, dict):
        return ErrorFacts(message=_first_words(reply))
    error = body.get("error", body.get("fault", body))
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):  # xAI, Together, Hugging Face, Ollama: {"error": "text", "code": …}
        error = {**body, "message": error}
    if isinstance(errors := body.get("errors"), list) and errors and isinstance(errors[0], dict):
        error = errors[0]  # Cloudflare
    message = _text(error.get("message")) or _text(error.get("faultstring")) or _text(body.get("message"))
    message = message or _text(error.get("detail") or error.get("title"))
    metadata = error.get("metadata")  # OpenRouter quotes the service behind it
    if isinstance(metadata, dict) and isinstance(raw := metadata.get("raw"), str):
        message = f"{message}: {raw}"
    codes = (error.get("code"), error.get("status"), error.get("type"))
    inside = next((n for n in (error.get("status_code"), *codes[:2]) if type(n) is int and 400 <= n < 600), None)
    param = error.get("param")
    return ErrorFacts(
        message=_line(message),
        codes=tuple(code for code in codes if isinstance(code, str) and code),
        param=param if isinstance(param, str) else None,
        status=inside,
    )


def _text(value: Any, depth: int = 4) -> str:
    """Flatten a message: a string, or Mistral's and FastAPI's `[{"loc": […], "msg": …}]`."""
    if not depth:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if "msg" in value:
            loc = value.get("loc")
            steps = loc[:_ITEMS] if isinstance(loc, list) else [loc]
            where = ".".join(str(step) for step in steps if isinstance(step, (str, int)))
            said = _text(value["msg"], depth - 1)
            return f"{where}: {said}" if where else said
        return _text(value.get("detail") or value.get("message") or value.get("error"), depth - 1)
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(one, depth - 1) for one in value[:_ITEMS])))
    return ""


def _first_words(reply: ErrorReply) -> str:
    text = reply.body[:_READ].decode("utf-8", "replace").strip()
    if text[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"a web page instead of an answer: {_line(title.group(1) if title else text[:80])}"
    return _line(text)


def _line(text: str) -> str:
    """Return the beginning of a text as one line without control characters."""
    text = text[:_READ]
    return " ".join((text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)).split())


def _shown(text: str) -> str:
    return re.sub(KEY_LIKE, "[key]", text)[:_SHOWN]


def _redirect_message(reply: ErrorReply) -> str:
    found = re.match(r"(?i)(https?://)(?:[^/?#\s]*@)?([^/?#@\s]{1,255})", reply.headers.get("location", ""))
    target = "".join(found.groups()) if found else "another address"
    return f"the service redirects to {target}; redirects are not followed: set base_urls to where it is now"
