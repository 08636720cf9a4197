"""asyncio's own tasks, waits and timeouts on a virtual clock."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from g4f_lite.simulation.virtual_loop import STARTS_AT, StuckError, VirtualLoop


def run(work: Coroutine[Any, Any, Any], loop: VirtualLoop | None = None) -> Any:
    loop = loop or VirtualLoop()  # type: ignore[abstract]
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def test_a_long_sleep_takes_no_time() -> None:
    async def work() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1_000_000)
        assert isinstance(loop, VirtualLoop)
        return loop.time(), loop.clock.time()

    began = time.monotonic()
    assert run(work()) == (1_000_000, STARTS_AT + 1_000_000)
    assert time.monotonic() - began < 60


def test_what_is_due_at_one_moment_happens_in_the_order_in_which_it_was_set() -> None:
    found: list[str] = []

    async def one(name: str, *waits: float) -> None:
        for wait in waits:
            await asyncio.sleep(wait)
        found.append(name)

    async def work() -> None:
        await asyncio.gather(one("c", 0.5, 0.5), one("a", 1.0), one("b", 1.0), one("first", 0.25))

    run(work())
    assert found == ["first", "a", "b", "c"]


def test_timeouts_races_and_cancellation_work() -> None:
    async def work() -> list[object]:
        loop = asyncio.get_running_loop()
        found: list[object] = []
        try:
            async with asyncio.timeout(2):
                await asyncio.sleep(3)
        except TimeoutError:
            found.append(loop.time())
        slow, fast = asyncio.ensure_future(asyncio.sleep(5)), asyncio.ensure_future(asyncio.sleep(1))
        done, _ = await asyncio.wait({slow, fast}, return_when=asyncio.FIRST_COMPLETED)
        found += [done == {fast}, loop.time()]
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        try:
            await asyncio.wait_for(asyncio.sleep(9), 4)
        except TimeoutError:
            found.append(loop.time())
        return found

    assert run(work()) == [2.0, True, 3.0, 7.0]


def test_waiting_for_what_never_happens_is_an_error() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckError):
        run(work())


def test_the_loop_that_runs_is_left_as_it_was() -> None:
    async def work() -> None:
        outer = asyncio.get_running_loop()
        loop = VirtualLoop()  # type: ignore[abstract]
        loop.run_until_complete(asyncio.sleep(1))
        assert asyncio.get_running_loop() is outer

    asyncio.run(work())


@pytest.mark.parametrize("last", [3, 9])
def test_ctrl_c_comes_between_two_steps(last: int) -> None:
    steps: list[int] = []
    loop = VirtualLoop()  # type: ignore[abstract]

    async def work() -> None:
        for number in range(last + 1):
            if number == 3:
                signal.raise_signal(signal.SIGINT)
            steps.append(number)
            if number < last:
                await asyncio.sleep(1)

    with pytest.raises(KeyboardInterrupt), loop.ctrl_c_between_steps():
        run(work(), loop)
    assert steps == [0, 1, 2, 3]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
