"""A call that goes on waiting in line asks for its turn, and nothing else: it costs no attempt, and leaves nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from helpers.plans import Here, make
from helpers.simulating import scenario

from g4f_lite import ProviderError, RateLimitError
from g4f_lite.failover.tenacity_loop import resume, resume_async
from g4f_lite.health.tracker import Memory
from g4f_lite.provider.leg import Leg
from g4f_lite.simulation.engine import Run

LIMITED: dict[str, Any] = {"services": {"a": {"limits": {"rpm": 600, "window": "bucket", "burst": 0.05}}}}
HEDGED = pytest.mark.parametrize("hedge_after", [None, 1.5])


@pytest.mark.no_cover
@HEDGED
def test_calls_that_wait_long_in_a_line_begin_few_attempts(hedge_after: float | None) -> None:
    run = Run(scenario(**LIMITED, traffic={"rate": 30, "calls": 600}, policy={"hedge_after": hedge_after}))
    health = run._clients[0].calls.health
    report = run.report()
    assert (report.answered, report.calls) == (600, 600)
    begun = next(health.numbers) - 1
    assert report.attempts <= begun < 3 * 600  # each asks some eight times while it waits


@pytest.mark.no_cover
@HEDGED
@pytest.mark.parametrize("stream", [False, True])
def test_calls_that_wait_or_fail_leave_no_reference_cycles(hedge_after: float | None, stream: bool) -> None:
    failing = {"a": {**LIMITED["services"]["a"], "errors": {"500": 0.05, "cut": 0.05, "hang": 0.05}}}
    traffic = {"rate": 15, "calls": 100, "stream": stream}
    policy = {"hedge_after": hedge_after, "timeouts": {"total": 5.0, "first_token": 5.0}}
    Run(scenario(services=failing, traffic=traffic, policy=policy)).report()  # imports what it needs
    run = Run(scenario(services=failing, traffic=traffic, policy=policy))
    gc.collect()
    gc.disable()
    try:
        report = run.report()
        assert report.failed + report.interrupted + report.attempts_wasted > 10
        assert gc.collect() < 100  # a call in a cycle would be some hundred objects
    finally:
        gc.enable()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_observers_are_told_of_each_part_of_a_wait_in_line(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, clock = make([Leg(Here(), "a")], patience=100.0)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    def call_later(loop: asyncio.BaseEventLoop, seconds: float, *callback: Any) -> asyncio.Handle:
        sleep(seconds)
        return loop.call_soon(*callback)

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("asyncio.BaseEventLoop.call_later", call_later)
    told: list[tuple[float, str]] = []
    begun = 0

    def waiting(seconds: float, failure: BaseException | None) -> None:
        told.append((seconds, type(failure).__name__))

    def attempt() -> str:
        nonlocal begun
        begun += 1
        state = plan.begin()
        plan.succeed(state, 200)
        return "answer"

    async def asynchronous() -> str:
        return attempt()

    state = plan.begin()
    refusal = RateLimitError("1", retry_after=8.0)
    plan.fail(state, refusal)
    health: Any = plan._health
    for _ in range(3):  # calls that came before this one, and wait longer than it thought
        health.failed(state.leg, ProviderError("2"), clock.now, memory=Memory.RATE, cooldown_s=12.0)
    if mode == "sync":
        assert resume(plan, refusal, attempt, waiting) == "answer"
    else:
        assert asyncio.run(resume_async(plan, refusal, asynchronous, waiting)) == "answer"
    assert [seconds for seconds, _ in told] == [wait for wait in slept if wait]
    assert told[0][1] == "RateLimitError"
    assert {kind for _, kind in told[1:]} == {"AllCoolingDownError"}
    assert begun == 1
    assert 12.0 <= sum(slept) < 13.0
