"""The plan, without I/O: its reaction to each failure, with clock and random source passed in."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.plans import Here, There, legs, make
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import (
    AuthenticationError,
    ConnectionFailedError,
    MalformedResponseError,
    ModelUnavailableError,
    NotReadyError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    RoutesExhaustedError,
    ServerError,
    StreamInterruptedError,
    ToolCallError,
)
from g4f_lite.failover.candidates import AllCoolingDownError
from g4f_lite.provider.leg import Leg


@pytest.mark.parametrize(
    ("error", "policy", "waits"),
    [
        (ServerError("x"), {}, [0.25, 0.5, None]),
        (ServerError("x"), {"retries": 0}, [None]),
        (ServerError("x", retry_after=1.5), {}, [1.5, 1.5, None]),
        (RateLimitError("x", retry_after=2), {}, [2, None]),
        (RateLimitError("x", retry_after=9), {}, [None]),
        (RateLimitError("x", retry_after=9), {"patience": 10}, [9, None]),
        (RateLimitError("x"), {"patience": 0.3}, [0.075, 0.15, None]),
        (RateLimitError("x", retry_after=0), {"patience": 0.6, "retries": 0}, [0.075, 0.15, 0.3, None]),
        (MalformedResponseError("x"), {}, [0.25, None]),
        (ToolCallError("x"), {"retries": 5}, [0.25, None]),
        (ConnectionFailedError("x"), {}, [0.25, None]),
        (ProviderTimeoutError("x"), {}, [None]),
        (RateLimitError("x", retry_after=2), {"deadline": 1.0}, [None]),
        (ServerError("x"), {"retry_wait": lambda state: state.attempt_number / 100}, [0.01, 0.02, None]),
        (RateLimitError("x", retry_after=1), {"retry_wait": lambda state: 0.1}, [1, 1, 1, None]),
        (RateLimitError("x"), {"retry_wait": lambda state: 1.0}, [1, 1, 1, None]),
        (RateLimitError("x"), {"retry_stop": lambda state: state.attempt_number >= 2}, [0.075, None]),
        (ServerError("x"), {"retry_stop": lambda state: state.attempt_number >= 2}, [0.25, None]),
        (ProviderTimeoutError("x"), {"retry_stop": lambda state: False}, [None]),
    ],
)
def test_the_same_leg_is_retried_as_the_policy_allows(
    error: ProviderError, policy: dict[str, Any], waits: list[float | None]
) -> None:
    plan, clock = make([Leg(Here(), "a")], [Leg(There(), "b")], **policy)
    for number, wait in enumerate(waits, 1):
        state = plan.begin()
        leg = state.leg
        assert leg.model == "a"
        attempt = plan.fail(state, error)
        assert (attempt.number, attempt.wait) == (number, wait if wait is None else pytest.approx(wait))
        clock.now += plan.next_wait
    assert plan.begin().leg.model == "b"


def test_refusals_for_rate_use_up_no_retries() -> None:
    plan, clock = make([Leg(Here(), "a")], retries=2)
    errors = [RateLimitError("x"), RateLimitError("x"), ServerError("x"), RateLimitError("x"), ServerError("x")]
    for number, error in enumerate(errors, 1):
        attempt = plan.fail(plan.begin(), error)
        assert attempt.number == number
        assert not plan.finished
        clock.now += plan.next_wait
    assert plan.fail(plan.begin(), ServerError("x")).wait is None
    assert plan.finished


def test_a_service_that_is_not_ready_is_waited_for_until_the_deadline() -> None:
    plan, clock = make([Leg(Here(), "a")], retries=0, deadline=30)
    looks = []
    while not plan.finished:
        try:
            state = plan.begin()
        except AllCoolingDownError:
            clock.now += plan.next_wait
            continue
        looks.append(clock.now - 1000)
        plan.fail(state, NotReadyError("Loading model"))
    assert looks == [0, 0.375, 1.125, 2.625, 5.625, 9.375, 13.125, 16.875, 20.625, 24.375, 28.125]
    error = plan.final_error()
    assert type(error) is NotReadyError
    assert error.message == "Loading model"


def test_a_service_that_is_not_ready_is_asked_again_no_sooner_than_it_says() -> None:
    plan, clock = make([Leg(Here(), "a")])
    plan.fail(plan.begin(), NotReadyError("Loading model", retry_after=20))
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert plan.next_wait == 20
    clock.now += 20
    plan.fail(plan.begin(), NotReadyError("Loading model", retry_after=600))
    assert plan.finished


def test_looks_at_a_service_that_is_not_ready_use_up_no_retries() -> None:
    plan, clock = make([Leg(Here(), "a")], retries=1)
    for _ in range(4):
        plan.fail(plan.begin(), NotReadyError("Loading model"))
        clock.now += 5
    assert plan.fail(plan.begin(), ServerError("x")).wait == 0.25
    clock.now += 5
    assert plan.fail(plan.begin(), ServerError("x")).wait is None
    assert plan.finished


def test_another_leg_is_taken_while_a_service_is_not_ready() -> None:
    plan, clock = make([Leg(Here(), "a")], [Leg(There(), "b")])
    plan.fail(plan.begin(), NotReadyError("Loading model"))
    assert (plan.next_wait, plan.finished) == (0, False)
    plan.fail(state := plan.begin(), ModelUnavailableError("x"))
    assert state.leg.model == "b"
    assert not plan.finished
    clock.now += 1
    assert plan.begin().leg.model == "a"


def test_the_callers_own_stop_ends_the_waiting_in_line() -> None:
    plan, clock = make([Leg(Here(), "a")], retry_stop=lambda state: state.attempt_number >= 3)
    for _ in range(2):
        assert plan.fail(plan.begin(), RateLimitError("x")).wait is not None
        clock.now += plan.next_wait
    assert plan.fail(plan.begin(), RateLimitError("x")).wait is None
    assert plan.finished


def test_the_last_leg_waits_long_if_the_deadline_allows() -> None:
    plan, clock = make([Leg(Here(), "a")])
    state = plan.begin()
    assert plan.fail(state, RateLimitError("x", retry_after=60)).wait == 60
    clock.now += 60
    state = plan.begin()
    assert plan.fail(state, RateLimitError("x", retry_after=3600)).wait is None
    assert plan.finished
    error = plan.final_error()
    assert isinstance(error, RateLimitError)
    assert error.retry_at == pytest.approx(clock.time() + 3600)


def test_one_leg_raises_its_error_and_several_raise_all() -> None:
    plan, _ = make([Leg(Here(), "a")], retries=0)
    state = plan.begin()
    plan.fail(state, failure := ServerError("down", status=503))
    assert plan.final_error() is failure
    assert str(failure) == "here:a: 503 down"
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retries=0)
    for error in (ServerError("down"), ModelUnavailableError("gone")):
        state = plan.begin()
        plan.fail(state, error)
    group = plan.final_error()
    assert isinstance(group, RoutesExhaustedError)
    matched, rest = group.split(ServerError)
    assert isinstance(matched, RoutesExhaustedError)
    assert isinstance(rest, RoutesExhaustedError)
    assert matched.trail == group.trail == plan.trail()
    assert [type(error) for error in rest.exceptions] == [ModelUnavailableError]


ERRORS = st.builds(
    lambda kind, wait: kind("x", retry_after=wait) if kind is not ConnectionFailedError else kind("x"),
    st.sampled_from(
        [ServerError, RateLimitError, ModelUnavailableError, AuthenticationError, MalformedResponseError, ConnectionFailedError]
    ),
    st.none() | st.floats(0, 500),
)  # fmt: skip


@pytest.mark.no_cover
@given(failures=st.lists(ERRORS, min_size=1, max_size=60), retries=st.integers(0, 4), deadline=st.floats(0.1, 600))
@settings(max_examples=200, deadline=None)
def test_attempts_and_waits_stay_within_the_settings(
    failures: list[ProviderError], retries: int, deadline: float
) -> None:
    plan, clock = make(*legs(), retries=retries, deadline=deadline)
    began = clock.now
    attempts = refused = 0
    for failure in failures * 10:
        if plan.finished:
            break
        try:
            state = plan.begin()
        except AllCoolingDownError:
            assert plan.finished or plan.next_wait > 0
        else:
            attempts += 1
            refused += isinstance(failure, RateLimitError)
            plan.fail(state, failure)
        clock.now += plan.next_wait
        assert clock.now - began <= deadline
    assert attempts - refused <= 5 * (retries + 1)
    assert refused <= 5 * (8 + deadline / 4)
    if plan.finished:
        assert len(plan.trail().attempts) == attempts
        assert plan.final_error().trail.attempts


def test_a_reason_names_the_bound_that_counts() -> None:
    for asked, deadline, bound in ((9, 2, "the deadline is in 2.0 s"), (9, 60, "patience is 3 s")):
        plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], deadline=deadline)
        plan.fail(plan.begin(), RateLimitError("x", retry_after=asked))
        assert plan.trail().attempts[-1].reason == f"next leg: asked to wait 9 s, {bound}"


def test_a_reason_counts_the_time_that_an_interrupted_stream_gave_back() -> None:
    plan, clock = make(*([Leg(Here(), name)] for name in "abc"), deadline=10, on_interrupt="restart")
    state = plan.begin()
    plan.first_content(state)
    clock.now += 60
    plan.fail(state, StreamInterruptedError("x"))
    plan.fail(plan.begin(), RateLimitError("x", retry_after=9))
    assert plan.trail().attempts[-1].reason.endswith("asked to wait 9 s, patience is 3 s")


def test_the_final_error_counts_the_legs_that_were_not_tried() -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(Here(), "b")])
    plan.fail(plan.begin(), ConnectionFailedError("x", kind="refused"))
    assert str(plan.final_error()).startswith("no answer from 1 leg, 1 not tried:\n")
