"""A breaker opens after failures, stays open for a time, and closes after a success."""

from __future__ import annotations

from helpers.plans import no_jitter

from g4f_lite.health.breaker import Breaker


def test_a_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker()
    for failures in range(3):
        assert not breaker.is_open, failures
        breaker.failure(0, no_jitter)
    assert breaker.is_open
    assert not breaker.lets_pass(4.9)
    assert breaker.lets_pass(5.0)


def test_a_success_in_between_restarts_the_count() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failure(0, no_jitter)
        breaker.failure(0, no_jitter)
        breaker.success(0)
    assert not breaker.is_open


def test_it_opens_when_half_of_at_least_ten_outcomes_of_the_last_minute_failed() -> None:
    for age, opens in ((0, True), (61, False)):
        breaker = Breaker()
        for _ in range(4):
            breaker.success(0)
            breaker.failure(0, no_jitter)
        breaker.success(age)
        assert not breaker.is_open
        breaker.failure(age, no_jitter)
        assert breaker.is_open is opens


def test_it_stays_open_twice_as_long_after_each_failed_probe_up_to_thirty_seconds() -> None:
    breaker, now, spans = Breaker(), 0.0, []
    for _ in range(3):
        breaker.failure(now, no_jitter)
    for _ in range(5):
        spans.append(breaker.open_until - now)
        now = breaker.open_until
        breaker.probing = True
        breaker.failure(now, no_jitter, probe=True)
    assert spans == [5, 10, 20, 30, 30]
    breaker.probing = True
    breaker.success(now)
    assert breaker.lets_pass(now)


def test_jitter_shortens_by_a_quarter_at_most() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker.failure(0, lambda: 0.0)
    assert breaker.open_until == 3.75
