"""
What the headers of a response say about the requests and tokens that are left.

Rule: headers are read, never judged; a header that cannot be read is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Limit(NamedTuple):
    """One limit of a leg: what is left of it, and when it is full again (monotonic seconds)."""

    what: str
    left: float
    reset_at: float


# Source: OpenAI, Groq, xAI, Cerebras; Anthropic.
_HEADERS = tuple(
    (what, f"{prefix}{head}{middle}{tail}", f"{prefix}{reset}{middle}{reset_tail}")
    for what in ("requests", "tokens")
    for prefix, head, tail, reset, reset_tail, middle in (
        ("x-ratelimit-", "remaining-", "", "reset-", "", what),
        ("anthropic-ratelimit-", "", "-remaining", "", "-reset", what),
    )
)
_REMAINING = frozenset(remaining for _, remaining, _ in _HEADERS)


def read_limits(headers: Mapping[str, str], *, now: float, wall: float) -> tuple[Limit, ...]:
    """
    Return the limits in the headers of a response.

    Args:
        headers: names in lower case.
        now: monotonic seconds, to which the resets refer.
        wall: Unix time, for resets given as a date.
    """
    if _REMAINING.isdisjoint(headers):
        return ()
    from ..errors.retry_after import parse_moment

    limits = []
    for what, remaining, reset in _HEADERS:
        if remaining in headers and reset in headers:
            wait = parse_moment(headers[reset], now=wall)
            left = headers[remaining].strip()
            if wait is not None and left.isascii() and left.isdigit():
                limits.append(Limit(what, float(left), now + wait))
    return tuple(limits)
