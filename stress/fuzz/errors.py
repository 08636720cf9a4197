"""Error replies: status, headers and body, of every bundled provider."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from g4f_lite import RedirectError
from g4f_lite.errors.retry_after import parse_moment
from g4f_lite.health.limits import read_limits

from . import seeds
from .mutation import BYTES, as_json, mutants, scratched
from .promises import KEY, require
from .reading import read_stream, read_whole


def check(name: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Check an error reply: the error is of one kind for both ways of asking, and does not show the key."""
    one = seeds.provider(name)
    body = body.replace(b"$KEY", KEY.encode())
    headers = {field: value.replace("$KEY", KEY) for field, value in headers.items()}
    seen = read_whole(one, body, status=status, headers=headers)
    require(seen.result is None, "an error status is no success", seen.result)
    streamed = read_stream(one, [body], status=status, headers=headers)
    require(type(streamed.error) is type(seen.error), "a stream is refused alike", (seen.error, streamed.error))
    if 300 <= status < 400:
        require(isinstance(seen.error, RedirectError), "a redirect is one", seen.error)
    inside = read_stream(one, [b"event: error\ndata: " + body.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n\n"])
    require(inside.result is None, "an error event is no success", inside.result)
    now = time.time()
    for limit in read_limits(headers, now=0.0, wall=now, names=one.limit_headers):
        require(0 <= limit.left < float("inf") and 0 <= limit.reset_at < float("inf"), "a limit is a number", limit)
    for value in headers.values():
        wait = parse_moment(value, now=now)
        require(wait is None or 0 <= wait < float("inf"), "a moment is a number of seconds", (value, wait))


_WORDS = (
    "try again in 7.66s", "retry after", "at 2026-01-01T00:00:00Z", "at 9999-12-31 23:59:59 UTC", "model", "not found", "tokens per day",
    "exceeded your current quota", "context length", "api key $KEY", "is not supported", "sk-aaaaaaaaaaaaaaaaaaaa", "99999999999999999s",
    "\u2028", "\0", "<title>", "wait 5 minutes", "for model `a`", "requires --x", "unsupported", "1h2m3s", "r=1;t=9",
)  # fmt: skip
_MESSAGES = st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join)
_VALUES = st.one_of(
    st.sampled_from([*seeds.HEADERS.values(), *_WORDS, "-1", "1e3", "0.5", "1,5", "9" * 20, "9" * 400, "\u0663", "1.", "inf",
                     "Sun, 29 Nov 2026 05:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "9999-12-31T23:59:59-23:59",
                     "0001-01-01T00:00:00+23:59", "2026-W01", "20260101", "0", " 7 ", "1h-2m", "\u0661s", '"a";r=9;t=9, "b";r=1;t=1']),
    st.text(st.characters(codec="latin-1"), max_size=30),
)  # fmt: skip


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, ...]:
    body = draw(mutants(seeds.ERRORS))
    if isinstance(body, dict) and draw(st.booleans()):
        body = {**body, draw(st.sampled_from(("message", "error", "detail", "code"))): draw(_MESSAGES)}
    raw = st.one_of(st.just(as_json(body)), st.just(as_json(body)), _MESSAGES.map(str.encode), st.sampled_from(BYTES))
    names = st.sampled_from(sorted({*seeds.HEADERS, *(one for pair in _LIMITS for one in pair)}))
    return (
        draw(st.sampled_from(seeds.PROVIDERS)),
        draw(st.sampled_from((429, 400, 401, 402, 403, 404, 405, 413, 422, 500, 501, 503, 529, 307, 199, 600, 999))),
        draw(st.dictionaries(names, _VALUES, max_size=4)),
        draw(scratched(raw)),
    )


_LIMITS = [pair for name in seeds.PROVIDERS for pair in seeds.provider(name).limit_headers.values()]
CASES = _cases()
SEEDS = [(name, 429, seeds.HEADERS, as_json(one)) for name in seeds.PROVIDERS for one in seeds.ERRORS[:3]] + [
    ("openai", status, {}, as_json(one)) for status in (400, 500) for one in seeds.ERRORS
]
