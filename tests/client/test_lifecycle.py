"""Threads and event loops share a client, and a call leaks nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.asking import aask
from helpers.driving import eventually, run

import g4f_lite
from g4f_lite import AsyncClient, Attempt, Client, Trail, hookimpl
from g4f_lite.failover.plan import Plan
from g4f_lite.testing import FaultServer, replies


def test_fifty_threads_share_one_client(groq: FaultServer) -> None:
    groq.script(lambda request: replies.answer(request.json["messages"][0]["content"])(request))
    with Client() as client, ThreadPoolExecutor(50) as pool:

        def one(number: int) -> bool:
            messages = [{"role": "user", "content": f"number {number}"}]
            return client.chat.completions.create(messages=messages, provider="groq").text == f"number {number}"

        assert all(pool.map(one, range(300)))
    assert groq.connections <= 64


def test_one_async_client_survives_several_event_loops(groq: FaultServer) -> None:
    client = AsyncClient()
    for _ in range(3):
        assert asyncio.run(aask(client)).text == "ok"
    gc.collect()
    assert eventually(lambda: groq.open_connections == 0)

    async def main() -> None:
        answers = await asyncio.gather(aask(client), asyncio.to_thread(lambda: asyncio.run(aask(client))))
        assert [answer.text for answer in answers] == ["ok", "ok"]
        await client.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_call_after_a_failover_leaves_no_reference_cycles(mode: str, groq: FaultServer) -> None:
    """Errors hold frames, and these hold the call with its prompts. In cycles, they would pile up between collections."""
    groq.on("a", replies.error(400, code="unsupported_parameter")).on("b", replies.answer("ok"))
    names = {"provider": "groq", "model": "a", "fallback_models": ["b"]}
    gc.collect()
    gc.disable()
    try:
        others = {id(one) for one in gc.get_objects() if isinstance(one, Plan)}  # other tests may keep theirs
        for _ in range(3):
            assert len(run(mode, {}, names).trail.attempts) == 2
        assert not [one for one in gc.get_objects() if isinstance(one, Plan) and id(one) not in others]
    finally:
        gc.enable()


def test_a_closed_client_leaves_no_task_no_thread_and_no_warning(groq: FaultServer) -> None:
    before = threading.active_count()

    async def main() -> int:
        async with AsyncClient() as client:
            await aask(client)
            with pytest.raises(g4f_lite.DeadlineExceededError):
                groq.script(replies.silence())
                await aask(client, timeout=0.2)
        return len(asyncio.all_tasks())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(main()) == 1
        gc.collect()
    groq.close()
    assert threading.active_count() <= before


def test_cancelling_a_call_stops_it_at_once(groq: FaultServer) -> None:
    groq.script(replies.silence())

    async def main() -> float:
        async with AsyncClient() as client:
            task = asyncio.create_task(aask(client))
            while not groq.received:
                await asyncio.sleep(0.005)
            task.cancel()
            began = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - began

    assert asyncio.run(asyncio.wait_for(main(), 20)) < 1
    assert groq.models == ["openai/gpt-oss-120b"]


class Ends:
    """Collects the ends of attempts and of calls."""

    def __init__(self) -> None:
        self.outcomes: list[str | None] = []
        self.trails: list[Trail] = []

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.outcomes.append(attempt.outcome)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.trails.append(trail)


@pytest.mark.parametrize("stream", [False, True])
def test_observers_see_the_end_of_a_call_whose_coroutine_is_closed(stream: bool, groq: FaultServer) -> None:
    """A framework may close a coroutine instead of cancelling its task, for instance when its loop ends."""
    groq.script(replies.silence())
    ends = Ends()

    async def main() -> None:
        async with AsyncClient(plugins=[ends]) as client:
            coroutine = aask(client, stream=stream)
            task = asyncio.ensure_future(coroutine)
            while not groq.received:
                await asyncio.sleep(0.005)
            coroutine.close()
            assert ends.outcomes == ["GeneratorExit"]
            assert [[str(attempt.outcome) for attempt in trail.attempts] for trail in ends.trails] == [
                ["GeneratorExit"]
            ]
            task.cancel()
            with pytest.raises(RuntimeError, match="already awaited"):
                await task

    asyncio.run(main())
