"""The next call avoids limits that the headers of a response report."""

from __future__ import annotations

import pytest
from helpers.plans import leg, no_jitter
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import RateLimitError
from g4f_lite.health.limits import read_limits
from g4f_lite.health.tracker import Health


def test_the_next_call_avoids_limits_that_are_used_up() -> None:
    health, one = Health(no_jitter), leg()
    headers = {
        "x-ratelimit-remaining-requests": "5",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "100",
        "x-ratelimit-reset-tokens": "7.66s",
    }
    assert [tuple(limit) for limit in read_limits(headers, now=50, wall=0)] == [
        ("requests", 5, pytest.approx(229.56)),
        ("tokens", 100, pytest.approx(57.66)),
    ]
    health.admit(one, 50)
    health.answered(one, 50, began_at=50, wall=0, headers=headers)
    assert health.check(one, 50, tokens=99).granted
    look = health.check(one, 50, tokens=101)
    assert isinstance(look.error, RateLimitError)
    assert look.ready_at == pytest.approx(57.66)
    assert health.check(one, 58, tokens=101).granted


@given(
    st.dictionaries(st.sampled_from(["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "date"]), st.text())
)
@settings(deadline=None)
def test_every_header_is_read_without_an_error(headers: dict[str, str]) -> None:
    for limit in read_limits(headers, now=0, wall=0):
        assert limit.left >= 0
        assert limit.reset_at >= 0


def test_a_call_that_is_estimated_at_no_tokens_needs_one_at_least() -> None:
    health, one = Health(no_jitter), leg()
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7s"}
    health.admit(one, 50)
    health.answered(one, 50, began_at=50, wall=0, headers=headers)
    assert not health.check(one, 50, tokens=0).granted
    assert health.check(one, 58, tokens=0).granted
