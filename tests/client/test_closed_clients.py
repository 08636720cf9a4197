"""Closing a client closes what is idle; calls under way end as if nothing had happened, and no leg is blamed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.asking import aask, ask
from helpers.driving import eventually

from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received


class Held:
    """Answers a request when it is let go; a stream, after its first words."""

    def __init__(self) -> None:
        self._let_go = threading.Event()

    def __call__(self, request: Received) -> Iterator[Action]:
        for part in replies.answer("one two three")(request):
            if isinstance(part, bytes) and (b'"two' in part or b" two" in part):
                assert self._let_go.wait(20)
            yield part

    def let_go(self) -> None:
        self._let_go.set()


def no_leg_is_blamed(client: Client | AsyncClient) -> bool:
    states = client._calls.health._legs.values()
    return all(state.in_flight == 0 and not state.breaker.in_a_row for state in states)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_under_way_ends_after_the_client_is_closed(stream: bool, groq: FaultServer) -> None:
    held = Held()
    groq.script(replies.answer("idle"), held)
    client = Client(retries=0)
    with ThreadPoolExecutor(1) as pool:
        ask(client)
        if stream:
            opened = ask(client, stream=True)
            reading = pool.submit(lambda: "".join(chunk.text for chunk in opened))
        else:
            reading = pool.submit(lambda: ask(client).text)
            assert eventually(lambda: len(groq.received) == 2)
        client.close()
        held.let_go()
        assert reading.result(20) == "one two three"
    assert no_leg_is_blamed(client)
    assert eventually(lambda: groq.open_connections == 0)
    groq.script(replies.answer("again"))
    assert ask(client).text == "again"
    client.close()
    assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("stream", [False, True])
def test_an_async_call_under_way_ends_after_the_client_is_closed(stream: bool, groq: FaultServer) -> None:
    held = Held()
    groq.script(replies.answer("idle"), held)

    async def main() -> None:
        before = asyncio.all_tasks()
        client = AsyncClient(retries=0)
        await aask(client)
        if stream:
            opened = await aask(client, stream=True)
            await client.aclose()
            held.let_go()
            assert "".join([chunk.text async for chunk in opened]) == "one two three"
        else:
            call = asyncio.create_task(aask(client))
            while len(groq.received) < 2:
                await asyncio.sleep(0.005)
            await client.aclose()
            held.let_go()
            assert (await call).text == "one two three"
        assert no_leg_is_blamed(client)
        assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)
        assert asyncio.all_tasks() == before
        groq.script(replies.answer("again"))
        assert (await aask(client)).text == "again"
        await client.aclose()
        assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_retry_after_the_client_is_closed_is_made(groq: FaultServer) -> None:
    def fails_after_close(request: Received) -> Iterator[Action]:
        assert closed.wait(20)
        yield from replies.error(503)(request)

    closed = threading.Event()

    async def main() -> None:
        client = AsyncClient(retry_wait=lambda state: 0.01)
        call = asyncio.create_task(aask(client))
        while not groq.received:
            await asyncio.sleep(0.005)
        await client.aclose()
        closed.set()
        assert (await call).text == "ok"

    groq.script(fails_after_close, replies.answer("ok"))
    asyncio.run(asyncio.wait_for(main(), 60))
    closed.clear()
    groq.received.clear()
    groq.script(fails_after_close, replies.answer("ok"))
    client = Client(retry_wait=lambda state: 0.01)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(ask, client)
        assert eventually(lambda: bool(groq.received))
        client.close()
        closed.set()
        assert call.result(20).text == "ok"


def test_streams_left_open_are_closed_with_the_loop_though_the_client_is_closed(groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    kept = []

    async def main() -> None:
        async with AsyncClient() as client:
            kept.append(await aask(client, stream=True))
        assert groq.open_connections == 1

    asyncio.run(main())
    assert eventually(lambda: groq.open_connections == 0)
