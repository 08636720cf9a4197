"""tenacity's loop after the first failure: the plan decides, and only failures of legs are retried."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from helpers.plans import Here, There, make

from g4f_lite import ProviderError, RateLimitError, ServerError, UnsupportedParameterError
from g4f_lite.failover.plan import Plan
from g4f_lite.failover.tenacity_loop import resume, resume_async
from g4f_lite.provider.leg import Leg

MODES = ["sync", "async"]


def go_on(mode: str, plan: Plan, error: ProviderError, attempt: Callable[[], Any]) -> Any:
    if mode == "sync":
        return resume(plan, error, attempt)

    async def asynchronous() -> Any:
        return attempt()

    return asyncio.run(resume_async(plan, error, asynchronous))


class Failing:
    """Attempts on a plan that fail with these errors, one after another; then one succeeds."""

    def __init__(self, *errors: BaseException) -> None:
        self.plan, self.clock = make([Leg(Here(), "a")], [Leg(There(), "b")])
        self.errors = list(errors)
        self.made: list[str] = []
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.now += seconds

    def __call__(self) -> str:
        state = self.plan.begin()
        self.made.append(state.leg.model)
        if not self.errors:
            self.plan.succeed(state, 200)
            return "answer"
        error = self.errors.pop(0)
        if isinstance(error, ProviderError):
            self.plan.fail(state, error)
        else:
            self.plan.abort(state, error)
        try:
            raise error
        finally:
            del error  # or this frame would be part of a cycle

    def first_error(self) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self()
        return caught.value


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Failing]:
    """Make attempts whose waits pass on their clock alone."""

    def make_attempts(*errors: BaseException) -> Failing:
        attempts = Failing(*errors)

        def call_later(loop: asyncio.BaseEventLoop, seconds: float, *callback: Any) -> asyncio.Handle:
            attempts.sleep(seconds)
            return loop.call_soon(*callback)

        monkeypatch.setattr("time.sleep", attempts.sleep)
        monkeypatch.setattr("asyncio.BaseEventLoop.call_later", call_later)
        return attempts

    return make_attempts


@pytest.mark.parametrize("mode", MODES)
def test_attempts_are_made_until_one_succeeds_with_the_waits_of_the_plan(
    mode: str, failing: Callable[..., Failing]
) -> None:
    attempt = failing(ServerError("1"), RateLimitError("2", retry_after=2), RateLimitError("3", retry_after=9))
    assert go_on(mode, attempt.plan, attempt.first_error(), attempt) == "answer"
    assert attempt.made == ["a", "a", "a", "b"]
    assert [wait for wait in attempt.slept if wait] == [0.25, 2]
    assert [one.wait for one in attempt.plan.trail().attempts] == [0.25, 2, None, None]


@pytest.mark.parametrize("mode", MODES)
def test_the_last_error_of_a_finished_plan_is_raised_as_itself(mode: str, failing: Callable[..., Failing]) -> None:
    errors = [ServerError(str(number)) for number in range(6)]
    attempt = failing(*errors)
    with pytest.raises(ServerError) as caught:
        go_on(mode, attempt.plan, attempt.first_error(), attempt)
    assert caught.value is errors[-1]
    assert attempt.made == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "error", [ValueError("a bug"), KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()], ids=repr
)
def test_an_exception_that_is_not_a_failure_of_a_leg_is_raised_at_once(
    mode: str, error: BaseException, failing: Callable[..., Failing]
) -> None:
    attempt = failing(ServerError("1"), error)
    with pytest.raises(type(error)) as caught:
        go_on(mode, attempt.plan, attempt.first_error(), attempt)
    assert mode == "async" or caught.value is error  # asyncio.run makes a new CancelledError
    assert attempt.made == ["a", "a"]


def test_a_task_that_is_cancelled_while_it_waits_ends_at_once() -> None:
    async def main() -> None:
        attempt = Failing(RateLimitError("1", retry_after=3))

        async def asynchronous() -> str:
            return attempt()

        task = asyncio.ensure_future(resume_async(attempt.plan, attempt.first_error(), asynchronous))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert attempt.made == ["a"]

    asyncio.run(asyncio.wait_for(main(), 2))


@pytest.mark.parametrize("mode", MODES)
def test_an_answered_call_leaves_no_reference_cycles(mode: str) -> None:
    def call() -> weakref.ref[Plan]:
        attempt = Failing(UnsupportedParameterError("1"))  # fails over at once

        async def asynchronous() -> str:
            return attempt()

        try:
            attempt()
        except ProviderError as error:  # as in a driver: a name in this frame would make a cycle with its traceback
            if mode == "sync":
                assert resume(attempt.plan, error, attempt) == "answer"
            else:
                assert asyncio.run(resume_async(attempt.plan, error, asynchronous)) == "answer"
        return weakref.ref(attempt.plan)

    gc.collect()
    gc.disable()
    try:
        assert call()() is None
    finally:
        gc.enable()
