"""
What an error keeps of the reply: the request's id and the body, bounded and without keys. No I/O.

Source of the headers: OpenAI, Groq, Mistral (`x-request-id`), Anthropic (`request-id`), Azure (`apim-request-id`,
`x-ms-request-id`), Amazon (`x-amzn-requestid`), OpenRouter (`x-generation-id`), Cloudflare in front of many (`cf-ray`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .exceptions import ProviderError
from .reply import ErrorReply

_HEADERS = (
    "x-request-id", "request-id", "x-groq-request-id", "apim-request-id", "x-ms-request-id", "x-amzn-requestid",
    "x-generation-id", "x-debug-trace-id", "x-correlation-id", "cf-ray",
)  # fmt: skip
_NAMES = frozenset(_HEADERS)
_LONGEST_ID = 200
LARGEST_BODY = 1 << 15
"""Bytes of a body that are kept as JSON; of a larger one, as many are kept as text."""
_DEPTH = 20
KEY_LIKE = r"\b(?:(?:sk|gsk|xai|csk|nvapi|hf|pplx)[-_]|AIza)[-_A-Za-z0-9]{12,}"


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id that the service gave the request, None if the headers have none."""
    if _NAMES.isdisjoint(headers):
        return None
    found = next((headers[name] for name in _HEADERS if headers.get(name)), None)
    return found[:_LONGEST_ID] if found and found.isprintable() else None


def keep_reply(error: ProviderError, reply: ErrorReply) -> None:
    """Set `request_id` and `body` of an error, unless they are set."""
    if error.body is None and reply.body:
        decoded = reply.json() if len(reply.body) <= LARGEST_BODY else None
        body = reply.body[:LARGEST_BODY].decode("utf-8", "replace") if decoded is None else decoded
        error.body = in_texts(body, lambda text: re.sub(KEY_LIKE, "[key]", text))
    if error.request_id is None:
        error.request_id = request_id_of(reply.headers) or _request_id_in(error.body)


def _request_id_in(body: Any) -> str | None:
    """Source: Anthropic names it in the body, gateways inside the error, Groq in `x_groq`."""
    if not isinstance(body, dict):
        return None
    groq = body.get("x_groq")
    names = [("request_id", body), ("requestId", body), ("request_id", body.get("error")), ("id", groq)]
    found = next((part[name] for name, part in names if isinstance(part, dict) and part.get(name)), None)
    return found[:_LONGEST_ID] if isinstance(found, str) else None


def in_texts(value: Any, change: Callable[[str], str], depth: int = _DEPTH) -> Any:
    """Return JSON with each text changed, names too; what is nested more deeply is left out."""
    if isinstance(value, str):
        return change(value)
    if not isinstance(value, (dict, list)):
        return value
    if not depth:
        return "…"
    if isinstance(value, list):
        return [in_texts(one, change, depth - 1) for one in value]
    return {change(name): in_texts(one, change, depth - 1) for name, one in value.items()}
