"""
What the headers of a response say about the requests and tokens that are left.

Rule: headers are read, never judged; a header that cannot be read is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..provider.declarations import COMMON_LIMIT_HEADERS

_LONGEST_SECONDS = 9
"""Characters of a reset that is a number of seconds; Unix times and dates have more."""


class Limit(NamedTuple):
    """One limit of a leg: how much of it remains, and when it resets (monotonic seconds)."""

    what: str
    left: float
    reset_at: float


def read_limits(
    headers: Mapping[str, str],
    *,
    now: float,
    wall: float,
    names: Mapping[str, tuple[str, str]] = COMMON_LIMIT_HEADERS,
) -> tuple[Limit, ...]:
    """
    Return the limits that response headers report.

    Args:
        headers: names in lower case.
        now: monotonic seconds, to which the resets refer.
        wall: Unix time, for resets given as a date.
        names: by limit, the headers with what remains and with the reset: `Provider.limit_headers`.
    """
    limits = []
    for what, (remaining, reset) in names.items():
        if remaining in headers and reset in headers:
            from ..errors.retry_after import parse_moment, service_time

            at = headers[reset].strip()
            is_date = at[:4].isdigit() and len(at) > _LONGEST_SECONDS
            wait = parse_moment(at, now=service_time(headers, wall) if is_date else wall)
            left = headers[remaining].strip()
            if wait is not None and left.isascii() and left.isdigit() and float(left) < inf:
                limits.append(Limit(what, float(left), now + wait))
    return tuple(limits)
