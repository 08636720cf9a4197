"""
Maps an error reply to an exception. No I/O.

Signs are read from the surest to the weakest: codes and words that the provider declares, codes that several
services share, the words of the message, the status. All tables are data. Codes and words of a single service
are declared by its provider (`Provider.error_codes`, `error_words`), not here.

Source of the signs: docs/providers.md names them per service.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from . import exceptions as e
from .error_body import ErrorFacts, quoted, read_error
from .reply import ErrorReply
from .reply_facts import KEY_LIKE, keep_reply
from .retry_after import asked_wait

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
    "array_above_max_length": e.RequestTooLargeError,
    "insufficient_quota": e.QuotaExceededError,
    "billing_hard_limit_reached": e.QuotaExceededError,
    # gateways that anybody may run: LiteLLM's proxy; one-api and new-api
    "budget_exceeded": e.QuotaExceededError,
    "insufficient_user_quota": e.QuotaExceededError,
    "pre_consume_token_quota_failed": e.QuotaExceededError,
    "invalid_api_key": e.AuthenticationError,
    "rate_limit_exceeded": e.RateLimitError,
    "tool_use_failed": e.ToolCallError,
    "json_validate_failed": e.ToolCallError,
    "content_policy_violation": e.ContentFilterError,
    "content_filter": e.ContentFilterError,
    "data_inspection_failed": e.ContentFilterError,
    "unsupported_country_region_territory": e.PermissionDeniedError,
    "unsupported_parameter": e.UnsupportedParameterError,
    "unsupported_value": e.UnsupportedParameterError,
    "gateway_loop": e.InvalidRequestError,  # our own gateway, with 508: each of a circle would try again
    "capacity_exceeded": e.ServerError,
    "engine_overloaded": e.ServerError,
    "overloaded_error": e.ServerError,
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
    "api_key_invalid": e.AuthenticationError,
    # llama.cpp, Mistral, vLLM
    "exceed_context_size_error": e.ContextWindowError,
    "extra_forbidden": e.UnsupportedParameterError,
    "server_error": e.ServerError,
}

_VAGUE = frozenset(("api_error", "server_error"))
"""Codes that gateways also send with a status 4xx, which says more, as does the message (claude-code-router)."""

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
    451: e.PermissionDeniedError,
    498: e.ServerError,
    499: e.ServerError,
    501: e.UnsupportedParameterError,  # llama.cpp: what the server was not started for
}

_REFUSED = (401, 402, 403, 413)
"""Statuses that say more than the message does."""

_NO_MONEY = (
    r"(?:insufficient|not enough) (?:account )?(?:quota|balance|credit|fund)|exceeded your current (?:token )?quota"
    r"|(?:no|any|out of) (?:available )?(?:credits|funds)(?! were)|credit[ _]balance|credits are depleted"
    r"|insufficient_quota|balance is (?:insufficient|too low|used up)|purchase (?:more )?credits|top up your"
    r"|payment method|spend(?:ing)? limit|your specified (?:workspace )?(?:api )?usage limit"
    r"|quota (?:has been |is )?exhausted|(?:daily|weekly|monthly) (?:token |usage |spending )?(?:limit|quota)"
)
_OVERLOADED = (
    r"overloaded|(?:at|over|out of) capacity|capacity (?:has been |is )?(?:temporarily )?exceeded|model (?:is )?busy"
)

# Words count only where the status leaves room for them: a 503 is a ServerError whatever its message.
_ROOM = (None, 400, 403, 404, 412, 422, 501)
# Strings, not compiled patterns: `re` caches what it compiles, and most processes never see an error.
_WORDS: tuple[tuple[type[e.ProviderError], tuple[int | None, ...], str], ...] = (
    (
        e.ContextWindowError,
        _ROOM,
        r"context[ _]length|context (?:window|size|limit)|maximum context"
        r"|too many (?:input )?tokens(?!,? (?:please|per))"
        r"|reduce the length of|token count.{0,60}supports up to"
        r"|(?:prompt|input)(?: tokens?)?(?: length)? (?:is )?too long|prompt exceeds max|input tokens exceed"
        r"|tokens? (?:count|limit).{0,40}exceed"
        r"|exceed.{0,40}(?<!output)(?<!completion)(?<!daily)(?<!weekly)(?<!monthly) token limit"
        r"|maximum (?:supported )?(?:prompt|input|model|sequence) length"
        r"|`inputs` (?:tokens|must have less)|range of input length",
    ),
    (
        e.AuthenticationError,
        _ROOM,
        r"(?:incorrect|invalid|wrong) api[ -]?key|api[ -]?key (?:is |was |has been )?(?:not (?:valid|found)|invalid"
        r"|expired|missing|revoked|disabled|suspended)"
        r"|invalid (?:access )?token\b(?! (?:at|ids?|in the)\b)|unauthori[sz]ed",
    ),
    (e.QuotaExceededError, _ROOM, _NO_MONEY),
    (
        e.ModelUnavailableError,
        _ROOM,
        r"(?:model|deployment)\b.{0,120}(?:does not exist|not exist\b|not found|not (?:yet )?available|discontinued"
        r"|no longer (?:supported|available)|decommissioned|deprecated(?! for this)|not (?:active|deployed)|end of life"
        r"|been removed|been retired|not a chat model|only available .{0,40}\b(?:plan|tier|users|customers|subscri)"
        r"|requires? (?:a |an )?(?:paid|pro|enterprise|subscription|higher (?:plan|tier))\b)"
        r"|no such model|(?:unknown|invalid|unavailable|non-serverless) model|not found the model|not a valid model"
        r"|(?:(?:not|n.t) have|no) access to .{0,20}model|terms acceptance"
        r"|(?:must|not|please|need to) (?:first )?(?:accept|agree)\w*.{0,60}\b(?:terms|license)"
        # it does not chat, or not embed: Ollama, vLLM, LM Studio, OpenRouter, Azure
        r"|do(?:es)? not support (?:the )?(?:chat|(?:chat )?completions?|generate|embeddings?)\b(?! ?template)"
        r"|is not an? (?:chat|llm|embedding)|is an? (?:embedding|rerank\w*) model|model is not (?:llm|embedding)"
        r"|operation does not work with the specified model|no models? (?:is |are )?loaded",
    ),
    (
        e.PermissionDeniedError,
        (*_ROOM, 401),
        r"\b(?:account|organi[sz]ation|project|workspace|team|user|consumer|resource)\b"
        r"(?! (?:input|prompt|message|content|request)).{0,60}"
        r"\b(?:is|been|be) (?:not |temporarily )?(?:disabled|suspended|deactivated|restricted|banned|blocked|terminated"
        r"|denied|verified|closed|locked|frozen)\b"
        r"|\b(?:account|organi[sz]ation|workspace)\b.{0,20} not have (?:access|permission)"
        r"|(?:country|region|location|territory)\b.{0,60}\b(?:not |un)(?:supported|available)"
        r"|not available in your (?:country|region|location)|requires? verification|verify your (?:account|identity)",
    ),
    (
        e.ContentFilterError,
        _ROOM,
        r"content (?:management )?policy|content[ _]filter|safety system|flagged (?:by|as|for)|moderation"
        r"|usage (?:guidelines|polic)|(?:inappropriate|prohibited|sensitive) content",
    ),
    (
        e.UnsupportedParameterError,
        (None, 400, 422, 501),  # a country that is not supported is a 403
        r"not support(?:ed)?\b|unsupported|unrecogni[sz]ed|unknown (?:name|field|parameter|argument)"
        r"|extra inputs are not permitted|extra fields not permitted|is not allowed with"
        # Anthropic and Google: what this model cannot do, and others can
        r"|not (?:be )?enabled\b|only (?:be set|enabled|works)\b|\benabled only\b|deprecated for this|cannot both be"
        r"|only .{1,40} (?:is|are) allowed\b|only supported (?:by|for|in|with)|incompatible with|cannot be disabled"
        r"|supported values are|valid range of|choose a value between|too many states"
        # a range that another service may not have
        r"|\b(?:temperature|top_[pk]|penalty|max_\w*tokens|logprobs|logit_bias|seed|tool_choice|response_format"
        r"|reasoning_effort|service_tier)[`'\"]*:? (?:must|should|has to|can(?:not| only)|is (?:too|out|not))\b"
        # what only some models of a service accept: images, JSON with tools, a level of effort
        r"|content must be a string|unknown variant|multimodal|cannot be combined with|must be one of"
        r"|maximum allowed number|output_config|thought[ _]signature|`(?:thinking|signature)`|cannot fetch content"
        # a server on one's own machine: vLLM, SGLang, LM Studio, DeepSeek, TGI
        r"|response_format\b.{0,40}(?:must be|unavailable)|supported (?:string )?values|not an? (?:multimodal|vision)"
        r"|at most \d+ \w+(?:\(s\))? may be provided|vision add-on|chat[ _-]?template|^template error|\bjinja\b"
        r"|roles must alternate|grammar (?:error|is not)|only .{1,40} (?:is|are) supported"
        r"|(?:set|with|without|use|using) [`'\"]?--[a-z]",
    ),
    (
        # llama.cpp, Ollama: what the server was not started for, or its model lacks, is a 500 there
        e.UnsupportedParameterError,
        (None, 400, 422, 500, 501),
        r"requires? [`'\"]?--[a-z]|unsupported param\b|provide the mmproj|missing data required for image",
    ),
)
_RATE = (
    r"(?<![\w/#-])(?:rate|request|qps|concurrency)[ _-]?limit|too[ _]?many[ _]?requests|\bthrottl"
    r"|resource (?:has been )?exhausted|resource_exhausted"
)
"""Of an error without a status, in a 200 or in a stream. A link to a page about rate limits says nothing."""
# Services say rate_limit_exceeded here, too, but waiting does not help this request, and others are not limited.
_TOO_LARGE = r"(?:request|payload)(?: body| entity| payload)? (?:is |was )?too large|too many images"
_OF_MODEL = r"\b(?:for|of|on|per|the|this) model\b|^model\b|\breached for \S+ (?:in|on) "
"""Of a quota that is the model's: Groq ("for model `x`"), OpenAI ("reached for gpt-5 in organization …")."""
_NO_PATH = (
    r"^(?:(?:404 )?(?:page|file|path|resource|url|route|endpoint)? ?not found\.?$|invalid url|unknown request url"
    r"|no route matched|unexpected endpoint|cannot (?:get|post) /|the requested resource was not found\. please check)"
)
"""Of an address below which there is no such service: FastAPI, Express, Kong, OpenAI, Groq, Azure, LM Studio, xAI."""
_SOON = r"(?:try again|retry|wait)\D{0,20}\d+(?:\.\d+)?\s*(?:ms|s|sec\w*)\b"
_PER_DAY = r"(?:per[ _-]?|/ ?)(?:day|week|month)|\b(?:RPD|TPD)\b|daily|PerDay|weekly|monthly"


def _says(pattern: str, message: str) -> bool:
    return re.search(pattern, message, re.IGNORECASE) is not None


def classify(
    reply: ErrorReply,
    *,
    now: float | None = None,
    error_codes: Mapping[str, type[e.ProviderError]] = {},
    error_words: Mapping[str, type[e.ProviderError]] = {},
    error_fields: Mapping[str, str] = {},
    limit_headers: Mapping[str, tuple[str, str]] = {},
    not_ready: str = "",
    wait: float | None = None,
) -> e.ProviderError:
    """
    Return the exception for an error reply, with message, code, status and the requested wait.

    Args:
        now: Unix time in seconds, for waits given as a date.
        error_codes, error_words, error_fields, limit_headers, not_ready: what the provider declares under these names.
        wait: seconds that the provider has read from the reply; None: the common rules decide.
    """
    facts = read_error(reply, error_fields)
    status = facts.status if reply.status is None or 200 <= reply.status < 300 else reply.status
    if wait is None:
        now = time.time() if now is None else now
        wait = asked_wait(reply, facts.message, now=now, limit_headers=limit_headers)
    code = _shown(facts.codes[0]) if facts.codes else None
    if status is not None and 300 <= status < 400:
        return e.RedirectError(_redirect_message(reply), status=status)
    kind = _kind(status, facts, reply, _declared(facts, error_codes, error_words), not_ready)
    message = _shown(facts.message or quoted(reply)) or "no explanation in the answer"
    no_api = status in (404, 405) and not isinstance(reply.json(), (dict, list))  # it would have answered in JSON
    if no_api or (status in (None, 404, 405) and _says(_NO_PATH, facts.message)):
        message += "; is the base URL right?"
    error = kind(message, status=status, code=code, retry_after=wait)
    if isinstance(error, e.QuotaExceededError):
        error.of_model = b"PerModel" in reply.body or (
            _says(_PER_DAY, facts.message) and _says(_OF_MODEL, facts.message)
        )
    keep_reply(error, reply)
    return error


def _declared(
    facts: ErrorFacts, codes: Mapping[str, type[e.ProviderError]], words: Mapping[str, type[e.ProviderError]]
) -> type[e.ProviderError] | None:
    """Return what the provider declares for this error."""
    for code in facts.codes:
        if (kind := codes.get(code.lower())) is not None:
            return kind
    message = facts.message.lower() if words else ""
    return next((kind for sign, kind in words.items() if sign in message), None)


def _kind(
    status: int | None,
    facts: ErrorFacts,
    reply: ErrorReply,
    declared: type[e.ProviderError] | None,
    not_ready: str,
) -> type[e.ProviderError]:
    if declared not in (None, e.RateLimitError):
        return declared
    if not_ready and status not in _REFUSED and _says(not_ready, " ".join((facts.message, *facts.codes))):
        return e.NotReadyError
    if status == 413 or ((status is None or status < 500) and _says(_TOO_LARGE, facts.message)):
        return e.RequestTooLargeError
    codes = [code.lower() for code in facts.codes]
    if refused := status is not None and status < 500:
        codes = [code for code in codes if code not in _VAGUE]
    by_code = declared or next((CODES[code] for code in codes if code in CODES), None)
    failed = not refused or len(codes) < len(facts.codes)
    by_status = STATUSES.get(status or 0, e.ServerError if failed else e.InvalidRequestError)
    if by_code is e.RateLimitError or (by_code is None and by_status is e.RateLimitError):
        return _limited(facts, reply, coded=by_code is not None)
    if by_code is not None and refused:
        return by_code
    for kind, statuses, pattern in _WORDS:
        if status in statuses and _says(pattern, facts.message):
            return kind
    if by_code is not None:
        return by_code
    if status is None and _says(_RATE, " ".join((facts.message, *facts.codes))):
        return _limited(facts, reply, coded=False)
    if status in (400, 422) and facts.param and not facts.param.startswith(("messages", "model")):
        return e.UnsupportedParameterError
    return by_status


def _limited(facts: ErrorFacts, reply: ErrorReply, *, coded: bool) -> type[e.ProviderError]:
    """Return what a rate limit is. Google says "exceeded your current quota" of a minute, too: its words are surer."""
    if _says(_PER_DAY, facts.message) or b"PerDay" in reply.body:
        return e.QuotaExceededError
    if not coded and _says(_NO_MONEY, facts.message) and not _says(_SOON, facts.message):
        return e.QuotaExceededError
    full = not coded and _says(_OVERLOADED, facts.message)  # by other callers: a line would not help
    return e.ServerError if full else e.RateLimitError


def _shown(text: str) -> str:
    return re.sub(KEY_LIKE, "[key]", text)[:_SHOWN]


def _redirect_message(reply: ErrorReply) -> str:
    found = re.match(r"(?i)(https?://)(?:[^/?#\s]*@)?([^/?#@\s]{1,255})", reply.headers.get("location", ""))
    target = "".join(found.groups()) if found else "another address"
    return f"the service redirects to {target}; redirects are not followed: set base_urls to where it is now"
