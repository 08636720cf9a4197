"""
Reads how long a service asks us to wait, in all forms that several services use. No I/O.

Nothing here caps a wait or guesses: text that is not understood is None. A form that a single service
uses is read by its provider (`Provider.requested_wait`).
"""

from __future__ import annotations

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
_IN_MESSAGE = re.compile(
    rf"(?:try again|retry)\s+(?:in|after)\s+({_DURATION.pattern}|{_NUMBER}\s*seconds?|{_NUMBER}\s*minutes?)",
    re.ASCII | re.IGNORECASE,
)
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12


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
        number = float(text)
        if number >= _EPOCH_MILLISECONDS:
            return max(0.0, number / 1000 - now)
        return max(0.0, number - now) if number >= _EPOCH_SECONDS else number
    if (duration := parse_duration(text)) is not None:
        return duration
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, _timestamp(moment) - now)


def parse_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """
    Return how long the `retry-after` headers ask us to wait.

    Args:
        headers: response headers, names in lower case.
        now: Unix time in seconds, for answers given as a date.

    Returns:
        Seconds, >= 0, not capped; None if the headers are absent or malformed.

    Source: RFC 9110 §10.2.3; `retry-after-ms` is OpenAI's.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _PLAIN.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    text = headers.get("retry-after", "").strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    if (duration := parse_duration(text)) is not None:
        return duration
    try:
        return max(0.0, _timestamp(parsedate_to_datetime(text)) - now)
    except (ValueError, OverflowError):
        return None


def asked_wait(
    reply: ErrorReply, message: str, *, now: float, limit_headers: Mapping[str, tuple[str, str]] = {}
) -> float | None:
    """
    Return the seconds that an error reply asks us to wait; None if it does not.

    In this order: `retry-after` headers, `google.rpc.RetryInfo`, "try again in 7.66s" in the
    message, and the latest reset of a limit whose `remaining` is 0.
    """
    if (wait := parse_retry_after(reply.headers, now=now)) is not None:
        return wait
    if (wait := _retry_info(reply.json())) is not None:
        return wait
    if found := _IN_MESSAGE.search(message):
        return _parse_words(found.group(1).lower())
    return spent_limit_reset(reply.headers, now=now, limit_headers=limit_headers)


def spent_limit_reset(
    headers: Mapping[str, str], *, now: float, limit_headers: Mapping[str, tuple[str, str]] = {}
) -> float | None:
    """
    Return the seconds until all limits whose `remaining` header is 0 are open again; None if there is none.

    Args:
        limit_headers: the provider's own limits, as in `Provider.limit_headers`.
    """
    pairs = [(name.replace("reset", "remaining"), name) for name in headers if "ratelimit" in name and "reset" in name]
    waits = []
    for remaining, reset in (*pairs, *limit_headers.values()):
        if reset in headers and headers.get(remaining, "0").strip() == "0":
            waits.append(parse_moment(headers[reset], now=now))
    return max((wait for wait in waits if wait is not None), default=None)


def _parse_words(text: str) -> float | None:
    number, unit, _ = text.partition("second")
    if unit:
        return float(number)
    number, unit, _ = text.partition("minute")
    return float(number) * 60 if unit else parse_duration(text)


def _retry_info(body: Any) -> float | None:
    """Source: `google.rpc.RetryInfo` in `error.details[]`; Gemini and Google's OpenAI-compatible endpoint send it."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (wait := parse_duration(delay)) is not None:
            return wait
    return None


def _timestamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
