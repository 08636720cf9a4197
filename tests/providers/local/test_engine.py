"""Calls share the engine, and one that ends early stops its answer."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from helpers.driving import eventually
from helpers.local_model import ENDLESS, LOCAL, answer, ask, generating, messages

import g4f_lite
from g4f_lite import AsyncClient, Client

pytestmark = LOCAL


def test_threads_share_the_engine() -> None:
    with Client() as client, ThreadPoolExecutor(3) as pool:
        replies = pool.map(
            lambda city: client.chat.completions.create(
                messages=messages(f"What is the capital of {city}?"), provider="local", temperature=0
            ),
            ("France", "Japan", "Italy"),
        )
        texts = [reply.text for reply in replies]
    for text, capital in zip(texts, ("Paris", "Tokyo", "Rome"), strict=True):
        assert capital in text


def test_the_event_loop_keeps_running_while_an_answer_is_generated() -> None:
    ask("hi", max_tokens=1)  # loads the engine, which blocks everything
    ticks: list[float] = []

    async def main() -> None:
        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        ticker = asyncio.create_task(tick())
        await g4f_lite.achat("hi", provider="local", **{**ENDLESS, "max_tokens": 40})
        ticker.cancel()

    asyncio.run(main())
    assert ticks[-1] - ticks[0] > 0.3
    # A call that blocked the loop would cause one gap as long as the answer.
    assert max(after - before for before, after in pairwise(ticks)) < (ticks[-1] - ticks[0]) / 2


@pytest.mark.parametrize(("stream", "when"), [(False, 0.02), (True, 0.4), (False, 0.4)])
def test_a_cancelled_task_stops_its_answer(stream: bool, when: float) -> None:
    async def read() -> None:
        prompt = messages("word " * (600 if when < 0.1 else 1))  # the prompt is still being read, or answered
        async with AsyncClient() as client:
            params: dict[str, Any] = {"messages": prompt, "provider": "local", **ENDLESS}
            if not stream:
                await client.chat.completions.create(**params)
            else:
                async for _ in await client.chat.completions.create(stream=True, **params):
                    pass

    async def main() -> float:
        task = asyncio.create_task(read())
        await asyncio.sleep(when)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begun

    ask("hi", max_tokens=1)
    assert asyncio.run(main()) < 5  # the complete answer takes longer than 10 s
    assert not generating()


@pytest.mark.parametrize("mode", ["sync", "async stream"])
def test_a_deadline_stops_the_answer(mode: str) -> None:
    ask("hi", max_tokens=1)
    begun = time.monotonic()
    with pytest.raises((g4f_lite.DeadlineExceededError, g4f_lite.StreamInterruptedError)):
        answer(mode, timeout=0.3, **ENDLESS)
    assert 0.3 <= time.monotonic() - begun < 5


def test_a_stream_that_is_closed_early_stops_its_answer() -> None:
    stream = g4f_lite.stream("hi", provider="local", **ENDLESS)
    next(stream)
    assert generating()
    stream.close()
    assert not generating()
    stream = g4f_lite.stream("hi", provider="local", **ENDLESS)
    next(stream)
    del stream  # abandoned
    assert eventually(lambda: not generating())


def test_the_deadline_covers_the_wait_for_the_engine() -> None:
    with (
        g4f_lite.stream("one", provider="local", **ENDLESS) as one,
        g4f_lite.stream("two", provider="local", **ENDLESS) as two,
    ):
        next(one), next(two)
        begun = time.monotonic()
        with pytest.raises(g4f_lite.DeadlineExceededError):
            ask("three", timeout=0.3)
        assert time.monotonic() - begun < 0.8
