"""The memory of a leg after a failure, and plans that share this memory."""

from __future__ import annotations

import random
from typing import Any

import pytest
from helpers.clocks import FakeClock
from helpers.plans import Here, There, fail, leg, make, no_jitter
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import (
    AuthenticationError,
    ConnectionFailedError,
    DeadlineExceededError,
    MalformedResponseError,
    ModelUnavailableError,
    PermissionDeniedError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RoutesExhaustedError,
    ServerError,
    StreamInterruptedError,
)
from g4f_lite.failover.candidates import AllCoolingDownError
from g4f_lite.failover.plan import AttemptState, Plan
from g4f_lite.failover.policy import Policy
from g4f_lite.health.leg_state import detached
from g4f_lite.health.tracker import Health
from g4f_lite.provider.keys import Key
from g4f_lite.provider.leg import Leg


def fail_attempt(health: Health, one: Leg, error: ProviderError, now: float = 0.0) -> bool:
    number = next(health.numbers)
    admission = health.admit(one, now, number=number)
    assert admission.granted
    return fail(health, one, error, now, number=number, probe=admission.probe)


@pytest.mark.parametrize(
    ("error", "same", "other_model", "other_key"),
    [
        (RateLimitError("x", retry_after=9), 9, 0, 0),
        (RateLimitError("x"), 0, 0, 0),
        (QuotaExceededError("x"), 3600, 3600, 0),
        (QuotaExceededError("x", retry_after=60), 60, 60, 0),
        (AuthenticationError("x"), 600, 600, 0),
        (PermissionDeniedError("x"), 600, 0, 0),
        (ModelUnavailableError("x"), 3600, 0, 0),
        (ServerError("x", retry_after=7), 7, 0, 0),
        (ServerError("x"), 0, 0, 0),
    ],
)
def test_each_error_cools_down_its_leg_for_its_time(
    error: ProviderError, same: float, other_model: float, other_key: float
) -> None:
    health = Health(no_jitter)
    fail_attempt(health, leg("a", "k1"), error, now=100)
    for one, rest in ((leg("a", "k1"), same), (leg("b", "k1"), other_model), (leg("a", "k2"), other_key)):
        look = health.check(one, 100)
        assert look.granted is (rest == 0)
        if rest:
            assert look.ready_at == 100 + rest
            assert look.error is not None
            assert (type(look.error), look.error.message) == (type(error), error.message)
    assert health.admit(leg("a", "k1"), 100 + same).granted


def test_only_one_probe_runs_at_a_time_and_a_cancelled_one_frees_its_slot() -> None:
    health, one = Health(no_jitter), leg()
    assert [fail_attempt(health, one, ServerError("x")) for _ in range(3)] == [False, False, True]
    assert not health.admit(one, 4).granted
    probe = health.admit(one, 6).probe
    assert probe
    assert not health.admit(one, 6).granted
    health.released(one, 1)  # an attempt that began before the breaker opened: the probe keeps its slot
    assert not health.admit(one, 6).granted
    health.released(one, probe)
    probe = health.admit(one, 6).probe
    assert probe
    health.answered(one, 6, began_at=6, probe=probe, wall=0)
    assert health.admit(one, 6).granted
    assert health.admit(one, 6).granted


def test_an_error_that_is_not_the_fault_of_the_leg_frees_the_probe() -> None:
    health, one = Health(no_jitter), leg()
    for _ in range(3):
        fail_attempt(health, one, MalformedResponseError("x"))
    assert not fail_attempt(health, one, PermissionDeniedError("x"), now=6)
    assert health.admit(one, 700).probe


@pytest.mark.parametrize(
    ("error", "shared"),
    [
        (ConnectionFailedError("x", kind="refused"), True),
        (ProviderTimeoutError("x", phase="connect"), True),
        (ConnectionFailedError("x", kind="reset"), False),
        (ProviderTimeoutError("x", phase="total"), False),
    ],
)
def test_an_unreachable_origin_disables_all_its_legs(error: ProviderError, shared: bool) -> None:
    health = Health(no_jitter)
    for _ in range(3):
        fail_attempt(health, leg("a"), error)
    assert not health.check(leg("a"), 1).granted
    assert health.check(leg("b"), 1).granted is not shared
    assert health.check(leg("a", provider=There), 1).granted


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("g4f_lite.health.tracker.MOST_LEGS", 10)
    health = Health(no_jitter)
    for number in range(100):
        fail_attempt(health, leg(f"m{number}"), ServerError("x"))
    assert len(health._legs) <= 10


# -- plans that share a health -------------------------------------------------------------


def test_a_plan_waits_for_the_leg_whose_cooldown_ends_first() -> None:
    health = Health(no_jitter)
    fail_attempt(health, leg("a"), RateLimitError("slow down", retry_after=30), now=1000)
    fail_attempt(health, leg("b"), RateLimitError("slow down", retry_after=20), now=1000)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert not plan.finished
    assert plan.next_wait == 20
    clock.now += 20
    assert plan.begin().leg.model == "b"
    assert [str(skipped).partition(" after")[2] for skipped in plan.trail().skipped] == [
        " RateLimitError (slow down)",
    ] * 2


def test_a_plan_whose_legs_cool_down_too_long_says_when_to_retry() -> None:
    health = Health(no_jitter)
    for model, wait in (("a", 900), ("b", 500)):
        fail_attempt(health, leg(model), RateLimitError("slow down", retry_after=wait), now=1000)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert plan.finished
    error = plan.final_error()
    assert isinstance(error, RoutesExhaustedError)
    assert error.retry_at == clock.time() + 500
    assert [str(one) for one in error.exceptions] == [
        "here:a: cooling down: slow down",
        "here:b: cooling down: slow down",
    ]
    assert all(isinstance(one, RateLimitError) for one in error.exceptions)
    plan, _ = make([leg("a")], health=health)
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert isinstance(plan.final_error(), RateLimitError)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([ServerError, RateLimitError, ModelUnavailableError, AuthenticationError, None]),
        st.floats(0, 20),
    ),
    max_size=30,
)


@pytest.mark.no_cover
@given(steps=STEPS)
@settings(max_examples=1000, deadline=None)
def test_a_check_grants_the_legs_that_a_plan_then_attempts(steps: list[Any]) -> None:
    health, clock = Health(random.Random(1).random), FakeClock()
    for model, kind, passed in steps:
        one = leg(model, "k1" if model == "a" else "k2")
        admission = health.admit(one, clock.now)
        if admission.granted and kind is None:
            health.answered(one, clock.now, began_at=clock.now, probe=admission.probe, wall=0, first_token=passed)
        elif admission.granted:
            error = kind("x", retry_after=passed if kind is RateLimitError else None)
            fail(health, one, error, clock.now, probe=admission.probe)
        clock.now += passed
    tiers = [[leg(model, "k1" if model == "a" else "k2")] for model in ("a", "b", "c")]
    usable = [tier[0].model for tier in tiers if health.check(tier[0], clock.now).granted]
    plan = Plan(tiers, policy=Policy(retries=0, patience=0), clock=clock, random=no_jitter, health=health)
    tried = []
    while not plan.finished:
        try:
            state = plan.begin()
        except AllCoolingDownError:
            break
        tried.append(state.leg.model)
        plan.fail(state, PermissionDeniedError("x"))
    assert tried == usable


def test_a_leg_on_which_other_calls_fail_too_is_not_tried_again() -> None:
    health = Health(no_jitter)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    assert plan.fail(plan.begin(), ServerError("x")).wait == 0.25
    fail_attempt(health, leg("a"), ServerError("x"), now=clock.now)
    clock.now += 0.25
    assert plan.begin().leg.model == "b"
    assert "other calls fail there too" in str(plan.trail())


def stream_on(health: Health, one: Leg) -> tuple[Plan, FakeClock, AttemptState]:
    clock = FakeClock()
    plan = Plan([[one]], policy=Policy(), clock=clock, random=no_jitter, health=health, stream=True)
    return plan, clock, plan.begin()


def test_a_stream_has_succeeded_with_its_first_content() -> None:
    health, one = Health(no_jitter), leg()
    now = FakeClock().now
    for _ in range(3):
        fail_attempt(health, one, ServerError("x"), now=now - 10)
    plan, clock, state = stream_on(health, one)
    assert state.probe
    assert not health.check(one, clock.now).granted
    plan.first_content(state, {"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "3s"})
    assert health.check(one, clock.now, tokens=5).granted
    assert not health.check(one, clock.now, tokens=6).granted
    assert health.check(one, clock.now + 3, tokens=6).granted
    assert health.in_flight(one) == 1
    clock.now += 100
    plan.succeed(state, 200)
    assert health.in_flight(one) == 0


def test_the_end_of_a_stream_does_not_close_a_breaker_that_has_opened_since() -> None:
    health, one = Health(no_jitter), leg()
    plan, clock, state = stream_on(health, one)
    plan.first_content(state)
    for _ in range(3):
        fail_attempt(health, one, ServerError("x"), now=clock.now + 1)
    clock.now += 2
    plan.succeed(state, 200)
    assert not health.check(one, clock.now).granted


def test_an_attempt_of_the_parent_that_ends_in_a_child_leaves_no_negative_count() -> None:
    health, one = Health(no_jitter), leg()
    plan, _, state = stream_on(health, one)
    plan.first_content(state)
    health.after_fork()
    plan.succeed(state, 200)
    assert health.in_flight(one) == 0


def test_two_addresses_of_a_provider_share_no_cooldown_and_no_failure() -> None:
    health = Health(no_jitter)
    key = Key("key-1", "argument")
    first, second = (Leg(Here(api_base=f"http://127.0.0.1:{port}/v1"), "a", key) for port in (1, 2))
    plan, clock = make([first], [second], health=health)
    plan.fail(plan.begin(), AuthenticationError("x"))
    assert not health.check(first, clock.now).granted
    assert plan.begin().leg is second
    plan, clock = make([first], [second], health=Health(no_jitter))
    plan.fail(plan.begin(), ModelUnavailableError("x"))
    assert plan.begin().leg is second


def plan_with_a_leg_that_is_back_in_five_seconds(**more: Any) -> tuple[Plan, FakeClock]:
    health = Health(no_jitter)
    plan, clock = make([leg("b")], [leg("a", provider=There)], health=health, **more)
    for _ in range(3):
        fail_attempt(health, leg("b"), ServerError("x"), now=clock.now)
    return plan, clock


@pytest.mark.parametrize("error", [ServerError("x", retry_after=20), RateLimitError("x", retry_after=20)])
def test_a_leg_that_is_back_sooner_is_waited_for_instead_of_the_last_one(error: ProviderError) -> None:
    plan, clock = plan_with_a_leg_that_is_back_in_five_seconds()
    state = plan.begin()
    assert state.leg.model == "a"
    plan.fail(state, error)
    if plan.next_wait == 0:
        with pytest.raises(AllCoolingDownError):
            plan.begin()
    assert plan.next_wait == 5
    clock.now += 5
    assert plan.begin().leg.model == "b"


@pytest.mark.parametrize(("deadline", "expires"), [(300.0, 120.0), (4.0, 4.0)])
def test_a_limit_is_lifted_only_if_no_other_leg_is_back_before_the_deadline(deadline: float, expires: float) -> None:
    plan, clock = plan_with_a_leg_that_is_back_in_five_seconds(deadline=deadline)
    assert plan.begin().limit.expires_at == clock.now + expires


@pytest.mark.parametrize("kind", [RateLimitError, DeadlineExceededError, StreamInterruptedError])
def test_any_error_can_be_kept(kind: type[ProviderError]) -> None:
    error = kind("it was so")
    error.provider, error.retry_after = "groq", 3.0
    kept = detached(error, "cooling down")
    assert (type(kept), kept.message, kept.provider, kept.retry_after) == (kind, "cooling down", "groq", 3.0)
