"""The caller's own `retry_wait` and `retry_stop` apply to each leg, and their mistakes end the call."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.plans import Here, There, make

from g4f_lite import ConfigurationError, ServerError
from g4f_lite.provider.leg import Leg


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
