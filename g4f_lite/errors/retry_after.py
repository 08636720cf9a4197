"""
Reads how long a service asks us to wait, in all forms that several services use. No I/O.

Nothing here caps a wait or guesses: text that is not understood is None. A form that a single service
uses is read by its provider (`Provider.requested_wait`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .reply import ErrorReply

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = r"\d{1,15}(?:\.\d{1,20})?"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|ms|s|m|h|d))+", re.ASCII)
_PLAIN = re.compile(_NUMBER, re.ASCII)
_AMOUNT = rf"({_NUMBER})\s*(ns|[uµ]s|milliseconds?|ms|sec(?:ond)?s?|s|min(?:ute)?s?|m|hours?|h|days?|d)(?![a-z])"
_NEXT_AMOUNT = re.compile(rf"(?:\s*,\s*|\s+and\s+|\s*){_AMOUNT}", re.ASCII)
_IN_MESSAGE = re.compile(
    r"(?:(?:try again|retry(?:ing)?|resets?|available again)\s+(?:in|after)[:\s]|\bwait(?:\s+for)?\s|retrydelay\": ?\")"
    rf"\s*(?:(?:about|approximately|around)\s+|~\s*)?(?={_AMOUNT})",
    re.ASCII,
)
# A date without a zone is no moment, so it is not read.
_MOMENT_IN_MESSAGE = re.compile(
    r"(?:try again|retry|resets?|access|available)\s+(?:at|on|after)\s+"
    r"(\d{4}-\d\d-\d\d)(?:T|\s+(?:at\s+)?)(\d\d:\d\d(?::\d\d)?)\s*(UTC|Z|[+-]\d\d:\d\d)",
    re.ASCII | re.IGNORECASE,
)
_ONE = re.compile(r"\ban?\s+(?=(?:second|minute|hour|day)\b)", re.ASCII)
_IN_BODY = {
    **dict.fromkeys(("retry_after", "retry_after_seconds", "retryAfter", "retryAfterSeconds"), 1.0),
    **dict.fromkeys(("retry_after_ms", "retryAfterMs"), 1e-3),
    **dict.fromkeys(("estimated_time", "resets_in_seconds"), 1.0),
}
"""
Fields with a wait, and seconds of their unit.

Source: OpenRouter; Hugging Face, for a model that is being loaded; OpenAI, for the limit of a subscription.
"""
_RESETS_AT = ("reset_at", "resets_at", "resetAt", "resetsAt")
"""Fields with a moment: an epoch, or RFC 3339."""
_STRUCTURED = re.compile(r"\b(?:r=|remaining=)(\d{1,15})\s*[;,]\s*(?:t=|reset=)(\d{1,15})", re.ASCII)
"""What remains, and when it resets, in the header `ratelimit` of two IETF drafts. Source: Hugging Face's limits."""
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12
_CLOCKS_AGREE_S = 5.0
"""How far the header `date`, of whole seconds and a moment ago, may be from our clock."""


def service_time(headers: Mapping[str, str], now: float) -> float:
    """
    Return the Unix time by which a service gives dates: that of its `date` header if its clock or ours is wrong.

    Args:
        now: ours; it is more exact, and holds if the two agree.
    """
    try:
        said = _timestamp(parsedate_to_datetime(headers.get("date", "")))
    except (ValueError, OverflowError):
        return now
    return now if abs(said - now) <= _CLOCKS_AGREE_S else said


def parse_duration(text: str) -> float | None:
    """
    Return the seconds of a duration as Go writes it: `2m59.56s`, `577.5ms`, `1h2m3s`.

    Source: `x-ratelimit-reset-*` of Groq, OpenAI, xAI, Cerebras.
    """
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def parse_moment(text: str, *, now: float) -> float | None:
    """
    Return the seconds from `now` to a reset, never below 0.

    Args:
        text: a Go duration, seconds, Unix time in seconds or milliseconds, or RFC 3339.
        now: Unix time in seconds.

    Source: durations as in `parse_duration`; epochs in milliseconds are OpenRouter's,
    in seconds and RFC 3339 Anthropic's.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return _from_now(float(text), now)
    if (duration := parse_duration(text)) is not None:
        return duration
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, _timestamp(moment) - now)


def _from_now(number: float, now: float) -> float:
    """Return a number of seconds, or the seconds to an epoch: nobody asks to wait for thirty years."""
    if number >= _EPOCH_MILLISECONDS:
        number /= 1000
    return max(0.0, number - now) if number >= _EPOCH_SECONDS else number


def parse_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """
    Return how long the `retry-after` headers ask us to wait.

    Args:
        headers: response headers, names in lower case.
        now: Unix time in seconds, for answers given as a date.

    Returns:
        Seconds, >= 0, not capped; None if the headers are absent or malformed.

    Source: RFC 9110 §10.2.3; `retry-after-ms` is OpenAI's. Proxies in front of services also write a duration with its
    unit, RFC 3339, the epoch of the reset, and the header twice.
    """
    milliseconds = headers.get("retry-after-ms", headers.get("x-ms-retry-after-ms", "")).strip()
    if _PLAIN.fullmatch(milliseconds):
        return _from_now(float(milliseconds) / 1000, now)
    text = headers.get("retry-after", "").strip()
    waits = [parse_moment(part, now=now) for part in text.split(", ")]
    if any(wait is not None for wait in waits):
        return max(wait for wait in waits if wait is not None)
    if re.match(_AMOUNT, text):
        return _sum_of_amounts(text, 0)
    try:
        return max(0.0, _timestamp(parsedate_to_datetime(text)) - now)
    except (ValueError, OverflowError):
        return None


def asked_wait(
    reply: ErrorReply, message: str, *, now: float, limit_headers: Mapping[str, tuple[str, str]] = {}
) -> float | None:
    """
    Return the seconds that an error reply asks us to wait; None if it does not.

    In this order: `retry-after` headers, fields of the body, "try again in 7.66s" in the message, and the latest
    reset of a limit whose `remaining` is 0. A gateway may quote the headers of the service behind it in the body.
    """
    now = service_time(reply.headers, now)
    if (wait := parse_retry_after(reply.headers, now=now)) is not None:
        return wait
    body, error, metadata = _parts(reply.json())
    quoted = _headers(metadata.get("headers"))
    parts = (error, metadata, body)
    waits = (
        _retry_info(error),
        parse_retry_after(quoted, now=now),
        *(_wait_in(part, now) for part in parts),
        *(parse_moment(str(part[name]), now=now) for part in parts for name in _RESETS_AT if name in part),
    )
    if (wait := next((wait for wait in waits if wait is not None), None)) is not None:
        return wait
    text = _ONE.sub("1 ", message.lower())
    if found := _IN_MESSAGE.search(text):
        return _sum_of_amounts(text, found.end())
    if found := _MOMENT_IN_MESSAGE.search(message):
        date, clock, zone = found.groups()
        return parse_moment(f"{date}T{clock}{zone.upper().replace('UTC', 'Z')}", now=now)
    resets = (spent_limit_reset(headers, now=now, limit_headers=limit_headers) for headers in (reply.headers, quoted))
    return next((wait for wait in resets if wait is not None), None)


def spent_limit_reset(
    headers: Mapping[str, str], *, now: float, limit_headers: Mapping[str, tuple[str, str]] = {}
) -> float | None:
    """
    Return the seconds until all limits whose `remaining` header is 0 are open again; None if there is none.

    Args:
        limit_headers: the provider's own limits, as in `Provider.limit_headers`.
    """
    resets = [name for name in headers if "reset" in name and ("ratelimit" in name or "rate-limit" in name)]
    pairs = [(name.replace("reset", "remaining"), name) for name in resets]
    waits: list[float | None] = []
    for remaining, reset in (*pairs, *limit_headers.values()):
        if reset in headers and headers.get(remaining, "0").strip() == "0":
            waits.append(parse_moment(headers[reset], now=now))
    waits += [float(reset) for left, reset in _STRUCTURED.findall(headers.get("ratelimit", "")) if not int(left)]
    return max((wait for wait in waits if wait is not None), default=None)


def _sum_of_amounts(text: str, at: int) -> float:
    """Return the seconds of "2 minutes and 5 seconds" or "1m2.5s" at this place: the units become smaller."""
    seconds, last = 0.0, math.inf
    while (amount := _NEXT_AMOUNT.match(text, at)) is not None:
        number, name = amount.groups()
        unit = _UNITS.get(name) or _UNITS["ms" if name.startswith("mill") else name[0]]
        if unit >= last:
            break
        seconds, last, at = seconds + float(number) * unit, unit, amount.end()
    return seconds


def _parts(body: Any) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    """Return the body, the error in it, and the error's metadata or details, as far as they are objects."""
    body = body if isinstance(body, dict) else {}
    error = next((body[name] for name in ("error", "detail") if isinstance(body.get(name), dict)), body)
    metadata = error.get("metadata") or error.get("details") or error.get("data")
    return body, error, metadata if isinstance(metadata, dict) else {}


def _headers(quoted: Any) -> dict[str, str]:
    """Source: OpenRouter puts the limits of a free model into `error.metadata.headers` alone."""
    quoted = quoted if isinstance(quoted, dict) else {}
    return {name.lower(): str(value) for name, value in quoted.items() if isinstance(value, (str, int, float))}


def _wait_in(fields: Mapping[str, Any], now: float) -> float | None:
    for name, unit in _IN_BODY.items():
        if _PLAIN.fullmatch(text := str(fields.get(name))):
            return _from_now(float(text) * unit, now)
        if (wait := parse_moment(text, now=now)) is not None:
            return wait
    return None


def _retry_info(error: Mapping[str, Any]) -> float | None:
    """Source: `google.rpc.RetryInfo` in `error.details[]`; Gemini and Google's OpenAI-compatible endpoint send it."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, dict):  # as protobuf's other form of JSON
            delay = f"{delay.get('seconds', 0)}s"
        if isinstance(delay, str) and (wait := parse_duration(delay)) is not None:
            return wait
    return None


def _timestamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
