"""A second leg starts beside a slow one, and only one of them answers."""

from __future__ import annotations

import asyncio
import time

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain, routes

import g4f_lite
from g4f_lite import AsyncClient
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("stream", [False, True])
def test_a_second_leg_starts_beside_a_slow_one_and_the_first_content_wins(stream: bool, server: FaultServer) -> None:
    server.on("first", replies.silence()).on("second", replies.answer("two words"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.1) as client:
            if not stream:
                return await client.chat.completions.create(messages=MESSAGES)
            chunks = await client.chat.completions.create(messages=MESSAGES, stream=True)
            assert "".join([chunk.text async for chunk in chunks]) == "two words"
            assert len(asyncio.all_tasks()) == 1
            return chunks.completion

    began = time.monotonic()
    reply = asyncio.run(main())
    assert time.monotonic() - began < 5
    assert (reply.text, reply.provider) == ("two words", "plain")
    assert [attempt.outcome for attempt in reply.attempts if attempt.provider == "plain"] == ["ok"]


def test_a_quick_leg_runs_alone(server: FaultServer) -> None:
    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=5) as client:
            assert (await client.chat.completions.create(messages=MESSAGES)).provider == "first"

    asyncio.run(main())
    assert server.models == ["first"]


def test_if_the_second_leg_fails_the_first_may_still_answer(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.4), *replies.answer("late")(g4f_lite.testing.Received("POST", "/", {}, b"{}")))
    server.on("first", slow).on("second", replies.error(404, "gone", code="model_not_found"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            return await client.chat.completions.create(messages=MESSAGES)

    reply = asyncio.run(main())
    assert reply.text == "late"
    assert [attempt.outcome for attempt in reply.attempts] == ["ModelUnavailableError", "ok"]


def test_cancelling_a_hedged_call_stops_both_legs(server: FaultServer) -> None:
    server.script(replies.silence())

    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            task = asyncio.create_task(client.chat.completions.create(messages=MESSAGES))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert server.models == ["first", "second"]
