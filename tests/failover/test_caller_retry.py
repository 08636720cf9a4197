"""The caller's own `retry_wait` and `retry_stop` apply to each leg, and their mistakes end the call."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.clocks import FakeClock
from helpers.driving import MODES, run
from helpers.plans import Here, There, make
from tenacity import stop_after_attempt, wait_fixed, wait_none

from g4f_lite import ConfigurationError, ConnectionFailedError, ProviderError, ServerError
from g4f_lite.failover.plan import Plan
from g4f_lite.health.tracker import Admission, Health
from g4f_lite.provider.leg import Leg
from g4f_lite.testing import FaultServer, replies


def test_the_callers_objects_get_a_state_for_each_leg() -> None:
    seen: list[tuple[int, float]] = []

    def wait(state: Any) -> float:
        seen.append((state.attempt_number, state.idle_for))
        assert isinstance(state.outcome.exception(), ServerError)
        return 1.0

    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retry_wait=wait)
    while not plan.finished:
        state = plan.begin()
        plan.fail(state, ServerError("x"))
    assert seen == [(1, 0), (2, 1.0), (1, 0), (2, 1.0)]


@pytest.mark.parametrize("own", [{"retry_wait": lambda state: 1 / 0}, {"retry_stop": lambda state: {}["x"]}])
def test_a_mistake_in_the_callers_objects_ends_the_call_and_is_in_the_trail(own: dict[str, Any]) -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], **own)
    attempt = plan.fail(plan.begin(), ServerError("x"))
    assert plan.finished
    error = plan.final_error()
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"{next(iter(own))} failed: ")
    assert error.trail.attempts == (attempt,)
    assert attempt.reason == f"stop: {error}"


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf"), "soon", None])
def test_a_wait_must_be_seconds(wait: Any) -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retry_wait=lambda state: wait)
    plan.fail(plan.begin(), ServerError("x"))
    assert isinstance(plan.final_error(), ConfigurationError)


def failures_of(plan: Plan, clock: FakeClock, error: ProviderError, most: int = 20) -> list[float | None]:
    """Fail until the plan is finished; return the wait after each failure."""
    waits: list[float | None] = []
    while not plan.finished and len(waits) < most:
        waits.append(plan.fail(plan.begin(), error).wait)
        clock.now += plan.next_wait
    return waits


@pytest.mark.parametrize("error", [ServerError("down", status=503), ServerError("down", retry_after=2.0)])
def test_the_callers_stop_is_not_cut_short_by_the_breaker_of_the_only_leg(error: ProviderError) -> None:
    plan, clock = make([Leg(Here(), "a")], retry_wait=wait_fixed(1), retry_stop=stop_after_attempt(6))
    waits = failures_of(plan, clock, error)
    assert waits == [error.retry_after or 1.0] * 5 + [None]


def test_the_breaker_that_a_callers_own_policy_outlasts_still_keeps_other_calls_off() -> None:
    health = Health(lambda: 0.5)
    plan, clock = make([Leg(Here(), "a")], health=health, retry_wait=wait_fixed(1), retry_stop=stop_after_attempt(4))
    assert failures_of(plan, clock, ServerError("down")) == [1.0, 1.0, 1.0, None]
    assert not health.check(Leg(Here(), "a"), clock.now).granted


def test_an_answer_after_more_failures_than_open_the_breaker_closes_it() -> None:
    health = Health(lambda: 0.5)
    plan, clock = make([Leg(Here(), "a")], health=health, retry_stop=stop_after_attempt(5))
    for _ in range(4):
        plan.fail(plan.begin(), ServerError("down"))
        clock.now += plan.next_wait
    plan.succeed(plan.begin(), 200)
    assert health.check(Leg(Here(), "a"), clock.now) == Admission()


def test_a_breaker_sends_the_call_to_another_leg_though_the_caller_would_go_on() -> None:
    plan, clock = make(
        [Leg(Here(), "a")], [Leg(There(), "b")], retry_wait=wait_none(), retry_stop=stop_after_attempt(9)
    )
    models = []
    for _ in range(6):
        models.append((state := plan.begin()).leg.model)
        plan.fail(state, ServerError("down"))
        clock.now += plan.next_wait
    assert models == ["a", "a", "a", "b", "b", "b"]


def test_the_callers_stop_allows_no_retry_that_the_table_forbids() -> None:
    plan, clock = make([Leg(Here(), "a")], retry_stop=stop_after_attempt(4))
    assert failures_of(plan, clock, ConnectionFailedError("reset", kind="reset")) == [pytest.approx(0.25), None]


@pytest.mark.parametrize("mode", MODES)
def test_a_call_makes_the_attempts_that_the_callers_stop_allows(mode: str, groq: FaultServer) -> None:
    groq.script(*[replies.error(503, "overloaded")] * 3, replies.answer("the fourth"))
    outcome = run(mode, {"retry_stop": stop_after_attempt(4)}, {"provider": "groq", "fallback_models": []})
    assert (outcome.text, len(groq.received)) == ("the fourth", 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("setting", ["retry_wait", "retry_stop"])
def test_what_the_callers_object_raised_is_the_cause(setting: str, mode: str, groq: FaultServer) -> None:
    bug = ZeroDivisionError("the caller's own")

    def fail(state: Any) -> Any:
        raise bug

    groq.script(replies.error(503, "overloaded"))
    outcome = run(mode, {setting: fail}, {"provider": "groq", "fallback_models": []})
    assert isinstance(outcome.error, ConfigurationError)
    assert outcome.error.__cause__ is bug
