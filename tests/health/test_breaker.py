"""A breaker opens after failures, stays open for a time, and closes after a success."""

from __future__ import annotations

from helpers.plans import no_jitter

from g4f_lite.health.breaker import BreakerState


def test_a_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = BreakerState()
    for failures in range(3):
        assert not breaker.is_open, failures
        breaker.failure(0, no_jitter)
    assert breaker.is_open
    assert not breaker.lets_pass(4.9)
    assert breaker.lets_pass(5.0)


def test_a_success_in_between_restarts_the_count() -> None:
    breaker = BreakerState()
    for _ in range(4):
        breaker.failure(0, no_jitter)
        breaker.failure(0, no_jitter)
        breaker.success(0, began_at=0)
    assert not breaker.is_open


def test_it_opens_when_half_of_at_least_ten_outcomes_of_the_last_minute_failed() -> None:
    for age, opens in ((0, True), (61, False)):
        breaker = BreakerState()
        for _ in range(4):
            breaker.success(0, began_at=0)
            breaker.failure(0, no_jitter)
        breaker.success(age, began_at=age)
        assert not breaker.is_open
        breaker.failure(age, no_jitter)
        assert breaker.is_open is opens


def test_it_stays_open_twice_as_long_after_each_failed_probe_up_to_thirty_seconds() -> None:
    breaker, now, spans = BreakerState(), 0.0, []
    for _ in range(3):
        breaker.failure(now, no_jitter)
    for _ in range(5):
        spans.append(breaker.open_until - now)
        now = breaker.open_until
        breaker.begin_probe(7, now)
        breaker.failure(now, no_jitter, probe=7)
    assert spans == [5, 10, 20, 30, 30]
    breaker.begin_probe(8, breaker.open_until)
    breaker.success(now + 40, began_at=breaker.open_until)
    assert breaker.lets_pass(now)


def test_jitter_shortens_by_a_quarter_at_most() -> None:
    breaker = BreakerState()
    for _ in range(3):
        breaker.failure(0, lambda: 0.0)
    assert breaker.open_until == 3.75


def open_breaker() -> BreakerState:
    breaker = BreakerState()
    for _ in range(3):
        breaker.failure(10, no_jitter)
    return breaker


def test_an_answer_to_an_attempt_that_began_before_it_opened_does_not_close_it() -> None:
    breaker = open_breaker()
    breaker.success(11, began_at=9)
    assert breaker.is_open
    breaker.success(16, began_at=15)
    assert not breaker.is_open


def test_a_probe_whose_end_is_never_recorded_gives_up_its_place() -> None:
    breaker = open_breaker()
    breaker.begin_probe(1, 20)
    assert not breaker.lets_pass(79)
    assert breaker.lets_pass(80)


def test_the_end_of_an_older_probe_does_not_free_the_place_of_another_one() -> None:
    breaker = open_breaker()
    breaker.begin_probe(1, 20)
    breaker.begin_probe(2, 80)
    breaker.end_probe(1)
    assert not breaker.lets_pass(81)
    breaker.failure(81, no_jitter, probe=1)
    assert breaker.open_until == 15
    breaker.end_probe(2)
    assert breaker.lets_pass(81)
