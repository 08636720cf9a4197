"""How long a service asks us to wait, in every form that services use."""

from __future__ import annotations

import json
import math
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.errors.classify import classify
from g4f_lite.errors.reply import ErrorReply
from g4f_lite.errors.retry_after import asked_wait, parse_duration, parse_moment, parse_retry_after, spent_limit_reset
from g4f_lite.health.limits import read_limits

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z


def google(delay: object, **violation: str) -> dict[str, Any]:
    """A 429 of Google's, whose wait is in one of the details."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    return {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED", "details": details}}


def reply(headers: dict[str, str] | None = None, body: object = None) -> ErrorReply:
    return ErrorReply(status=429, headers=headers or {}, body=b"" if body is None else json.dumps(body).encode())


DURATIONS = [
    ("7.66s", 7.66),
    ("9m38.016s", 578.016),
    ("2m59.56s", 179.56),
    ("1h2m3s", 3723.0),
    ("577.5ms", 0.5775),
    ("12ms", 0.012),
    ("1m30ms", 60.03),
    ("350µs", 0.00035),
    ("50.597142857s", 50.597142857),
    ("0s", 0.0),
    ("24h0m0s", 86400.0),
    ("30s ", None),
    ("", None),
    ("s", None),
    ("5", None),
    ("-5s", None),
    ("+5s", None),
    ("5 s", None),
    ("5s.", None),
    ("1.2.3s", None),
    (".5s", None),
    ("5s3", None),
    ("1e3s", None),
    ("٣s", None),
    ("5x", None),
    ("soon", None),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_a_go_duration_is_read_completely_or_not_at_all(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


MOMENTS = [
    ("2m59.56s", 179.56),
    ("577.5ms", 0.5775),
    ("30", 30.0),
    ("30.5", 30.5),
    ("1790000030", 30.0),  # Unix time in seconds
    ("1790000030.25", 30.25),
    ("1790000030500", 30.5),  # in milliseconds, as OpenRouter does
    ("2026-09-21T14:13:50Z", 30.0),  # RFC 3339, as Anthropic does
    ("2026-09-21T14:13:50.500Z", 30.5),
    ("2026-09-21T16:13:50+02:00", 30.0),
    ("1789999000", 0.0),
    ("1789999000000", 0.0),
    ("2026-09-21T14:00:00Z", 0.0),
    (" 30 ", 30.0),
    ("", None),
    ("-30", None),
    ("nan", None),
    ("inf", None),
    ("tomorrow", None),
    ("2026-99-99T00:00:00Z", None),
]


@pytest.mark.parametrize(("text", "seconds"), MOMENTS)
def test_a_reset_is_a_duration_or_a_moment(text: str, seconds: float | None) -> None:
    assert parse_moment(text, now=NOW) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


RETRY_AFTER = [
    ({"retry-after": "9"}, 9.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "0.25"}, 0.25),
    ({"retry-after": " 12 "}, 12.0),
    ({"retry-after": "86400"}, 86400.0),
    ({"retry-after": "7.66s"}, 7.66),
    ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
    ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
    ({"retry-after": "Mon, 21 Sep 2026 16:13:50 +0200"}, 30.0),
    ({"retry-after": "Monday, 21-Sep-26 14:13:50 GMT"}, 30.0),  # RFC 850
    ({"retry-after": "Mon Sep 21 14:13:50 2026"}, 30.0),  # asctime
    ({"retry-after": "1790000030"}, 30.0),  # the moment of the reset, in seconds and in milliseconds
    ({"retry-after": "1790000030500"}, 30.5),
    ({"retry-after": "2026-09-21T14:13:50.000Z"}, 30.0),
    ({"retry-after": "30 seconds"}, 30.0),
    ({"retry-after": "1 minute 5 seconds"}, 65.0),
    ({"retry-after": "20, 30"}, 30.0),  # two headers, joined on their way
    ({"x-ms-retry-after-ms": "350"}, 0.35),
    ({"retry-after-ms": "350"}, 0.35),
    ({"retry-after-ms": "350.5", "retry-after": "1"}, 0.3505),
    ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
    ({"retry-after-ms": "1790000030500"}, 30.5),  # the moment of the reset
    ({}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "1,5"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "1e3"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, now=NOW) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


MESSAGES = [
    ("Rate limit reached for model `x`. Please try again in 7.66s. Need more?", 7.66),
    ("on tokens per day (TPD): Limit 100000, Used 97050. Please try again in 9m38.016s.", 578.016),
    ("Please try again in 577.5ms.", 0.5775),
    ("Please try again in 6m0s", 360.0),
    ("Please retry in 37.82s.", 37.82),
    ("Please retry after 26 seconds.", 26.0),
    ("Please retry after 1 second.", 1.0),
    ("Try again in 5 minutes", 300.0),
    ("TRY AGAIN IN 9M38.016S", 578.016),
    ("TRY AGAIN IN 20 SECONDS", 20.0),
    ("Please retry after 15 seconds.", 15.0),
    ("Rate limit: please wait 6 seconds before the next call", 6.0),
    ("please wait for 2 hours", 7200.0),
    ("Quota reached, resets in 3h12m5s", 11525.0),
    ("in flight; retry in 120 s", 120.0),
    ("retry in 500 ms", 0.5),
    ("retry in 250 milliseconds", 0.25),
    ("try again in 1 day", 86400.0),
    ("You will regain access on 2026-09-22 at 00:00 UTC.", 35200.0),
    ("Your limit resets at 2026-09-21T14:13:50Z", 30.0),
    ('Provider returned error: {"error": {"details": [{"retryDelay": "37s"}]}}', 37.0),  # quoted by a gateway
    ("Please try again in 1 minute and 30 seconds.", 90.0),
    ("Try again in 2 minutes 5 seconds.", 125.0),
    ("Try again in 6 hours, 5 min and 1 s", 21901.0),
    ("Please try again in 2m 30s", 150.0),
    ("Please try again in 1m2.5s.", 62.5),
    ("try again in 20s, 5 minutes at most", 20.0),
    ("try again in about 20 seconds", 20.0),
    ("try again in approximately 20 seconds", 20.0),
    ("Please retry in: ~20s", 20.0),
    ("Too many requests. Try again in a minute.", 60.0),
    ("Please wait an hour and 5 minutes", 3900.0),
    ("try again in 1,5 seconds", None),
    ("Available again.", None),
    ("Your limit will reset at 2026-09-21 18:55:29", None),  # in which zone?
    ("You will regain access on 2026-99-22 at 00:00 UTC.", None),
    ("Try again in a while", None),
    ("Please try again later.", None),
    ("Limit 6000, Used 5990, 7.66s", None),
    ("", None),
]


@pytest.mark.parametrize(("message", "seconds"), MESSAGES)
def test_a_wait_is_found_in_the_text_of_a_message(message: str, seconds: float | None) -> None:
    assert asked_wait(reply(), message, now=NOW) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (google("37s"), 37.0),
        (google("37.823s"), 37.823),
        ([google("37s")], 37.0),
        (google({"seconds": "37"}), 37.0),
        (google({"nanos": 5}), 0.0),
        (google({"seconds": None}), None),
        (google("soon"), None),
        (google(37), None),
        ({"error": {"details": "37s"}}, None),
        ({"error": {"details": ["37s", None, {}]}}, None),
        ({"error": "37s"}, None),
        ([], None),
        ("37s", None),
    ],
)
def test_googles_retry_info_is_found_also_inside_an_array(body: object, seconds: float | None) -> None:
    assert asked_wait(reply(body=body), "Slow down.", now=NOW) == seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (
            {
                "message": "x",
                "metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000030500"}},
            },
            30.5,
        ),
        (
            {
                "message": "x",
                "metadata": {"headers": {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1790000030500"}},
            },
            None,
        ),
        ({"message": "x", "metadata": {"headers": {"Retry-After": 17}}}, 17.0),
        ({"message": "x", "metadata": {"retry_after_seconds": 16.5}}, 16.5),
        ({"message": "x", "retry_after": "8"}, 8.0),
        ({"message": "x", "retry_after": True}, None),
        ({"message": "x", "retry_after": "12s"}, 12.0),
        ({"message": "x", "retryAfterMs": 1500}, 1.5),
        ({"message": "x", "retry_after": 1790000030}, 30.0),
        ({"message": "x", "retry_after": "2026-09-21T14:13:50Z"}, 30.0),
        ({"message": "x", "retryAfterMs": 1790000030500}, 30.5),
        ({"message": "x", "resets_in_seconds": 602639}, 602639.0),
        ({"message": "x", "details": {"retry_after": 12}}, 12.0),
        ({"message": "x", "data": {"retry_after": 12}}, 12.0),
        ({"message": "x", "reset_at": 1790000030}, 30.0),
        ({"message": "x", "metadata": {"resetsAt": "2026-09-21T14:13:50Z"}}, 30.0),
        ({"message": "x", "resets_at": None}, None),
        ({"message": "x", "metadata": {"headers": ["Retry-After"]}}, None),
        ({"message": "x", "metadata": "Retry-After: 7"}, None),
    ],
)
def test_a_gateway_quotes_the_wait_inside_its_error(error: object, seconds: float | None) -> None:
    assert asked_wait(reply(body={"error": error}), "x", now=NOW) == seconds


def test_a_wait_may_stand_beside_the_error() -> None:
    body = {"error": {"message": "x"}, "retry_after": 12}
    assert asked_wait(reply(body=body), "x", now=NOW) == 12.0
    assert asked_wait(reply(body={"detail": {"message": "x", "retry_after": 12}}), "x", now=NOW) == 12.0


def test_a_model_that_is_loading_says_for_how_long() -> None:
    assert asked_wait(reply(body={"error": "loading", "estimated_time": 20.5}), "loading", now=NOW) == 20.5


LIMITS = [
    # the limit that is used up counts, the others do not
    (
        {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "2m59.56s",
            "x-ratelimit-remaining-tokens": "5000",
            "x-ratelimit-reset-tokens": "7.66s",
        },
        179.56,
    ),
    # all limits must be reset
    (
        {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "7.66s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "12ms",
        },
        7.66,
    ),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030500"}, 30.5),
    ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0),
    ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "30"}, 30.0),
    ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30.0),
    ({"ratelimit": "limit=100, remaining=7, reset=30"}, None),
    (
        {
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:13:50Z",
        },
        30.0,
    ),
    ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "30s"}, None),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, None),
    ({"x-ratelimit-remaining-requests": "0"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), LIMITS)
def test_a_used_up_limit_asks_to_wait_for_its_reset(headers: dict[str, str], seconds: float | None) -> None:
    assert spent_limit_reset(headers, now=NOW) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


def test_the_most_reliable_source_of_a_wait_takes_precedence() -> None:
    limits = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "5s"}
    named = {**limits, "retry-after": "2"}
    exact = {**named, "retry-after-ms": "1500"}
    message = "Please try again in 4s."
    assert asked_wait(reply(exact, google("3s")), message, now=NOW) == 1.5
    assert asked_wait(reply(named, google("3s")), message, now=NOW) == 2.0
    assert asked_wait(reply(limits, google("3s")), message, now=NOW) == 3.0
    assert asked_wait(reply(limits), message, now=NOW) == 4.0
    assert asked_wait(reply(limits), "Slow down.", now=NOW) == 5.0
    assert asked_wait(reply(), "Slow down.", now=NOW) is None


@pytest.mark.parametrize("ahead", [-86_400.0, -3600.0, 3600.0])
@pytest.mark.parametrize(
    "given",
    [
        lambda at: {"retry-after": formatdate(at + 30, usegmt=True)},
        lambda at: {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": str(int(at + 30))},
    ],
    ids=["retry-after", "a reset"],
)
def test_a_date_is_one_by_the_clock_of_the_service(given: Any, ahead: float) -> None:
    at = NOW + ahead
    headers = {"date": formatdate(at, usegmt=True), **given(at)}
    assert asked_wait(reply(headers), "Slow down.", now=NOW) == pytest.approx(30)
    limits = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": str(int(at + 30))}
    [limit] = read_limits({**limits, "date": headers["date"]}, now=100, wall=NOW)
    assert limit.reset_at == pytest.approx(130)


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 2026 99:99:99 GMT", formatdate(NOW + 3, usegmt=True)])
def test_our_clock_counts_if_the_service_tells_no_other_time(date: str) -> None:
    headers = {"date": date, "retry-after": formatdate(NOW + 30, usegmt=True)}
    assert asked_wait(reply(headers), "Slow down.", now=NOW) == pytest.approx(30)


def test_a_malformed_wait_does_not_hide_the_next_source() -> None:
    headers = {"retry-after": "soon", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "5s"}
    assert asked_wait(reply(headers, google("later")), "Try again in a while.", now=NOW) == 5.0


def test_an_error_carries_the_wait_of_its_reply() -> None:
    body = {"error": {"message": "Rate limit reached. Please try again in 7.66s.", "code": "rate_limit_exceeded"}}
    assert classify(reply(body=body), now=NOW).retry_after == 7.66
    assert classify(reply({"retry-after": formatdate(NOW + 30, usegmt=True)}, body), now=NOW).retry_after == 30.0


# -- arbitrary input ---------------------------------------------------------------

PIECES = ("0", "1", "59", "99999", "2026", "-", "+", ".", ":", ",", " ", "ns", "µs", "ms", "s", "m", "h", "d", "T", "Z")
TEXTS = st.lists(st.sampled_from((*PIECES, "GMT", "Jan", "Mon", "é", "\x00")), max_size=10).map("".join)
NAMES = st.sampled_from(
    ["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining", "anthropic-ratelimit-tokens-reset"]
)


def is_wait(seconds: float | None) -> bool:
    return seconds is None or (math.isfinite(seconds) and seconds >= 0)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_parsers_accept_any_text(text: str) -> None:
    assert is_wait(parse_duration(text))
    assert is_wait(parse_moment(text, now=NOW))
    assert is_wait(parse_retry_after({"retry-after": text, "retry-after-ms": text[::-1]}, now=NOW))


@pytest.mark.no_cover
@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES, TEXTS), TEXTS, TEXTS)
def test_any_reply_gives_a_sensible_wait(headers: dict[str, str], delay: str, message: str) -> None:
    assert is_wait(asked_wait(reply(headers, google(delay)), f"Please try again in {message}", now=NOW))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999_999_999))
def test_every_duration_that_go_writes_is_read_exactly(hours: int, minutes: int, seconds: int, nanos: int) -> None:
    fraction = f".{nanos:09}".rstrip("0").rstrip(".")
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}{fraction}s"
    assert parse_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + seconds + nanos / 1e9)
