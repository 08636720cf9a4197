"""A client of asyncio that is closed while it is used: what is under way keeps working, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.asking import aask
from helpers.driving import eventually

import g4f_lite
from g4f_lite import AsyncClient, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Close, Received
from g4f_lite.transport.async_http import AsyncHTTPTransport
from g4f_lite.types.http import HTTPRequest
from g4f_lite.types.time_limit import TimeLimit


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # the collector may finalize it first
def test_a_forgotten_stream_takes_its_session_along_in_silence(groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    complaints: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        client = AsyncClient()
        forgotten: list[Any] = [await aask(client, stream=True)]
        await client.aclose()
        del client
        forgotten.append(forgotten)
        del forgotten
        gc.collect()
        assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    asyncio.run(main())
    assert set(complaints) <= {"Unclosed connection"}


def test_a_stream_that_is_opened_while_the_client_closes_ends_with_the_loop(groq: FaultServer) -> None:
    closed = threading.Event()

    def held(request: Received) -> Iterator[Action]:
        assert closed.wait(20)
        yield from replies.silence("stream", 3)(request)

    async def main() -> g4f_lite.AsyncStream:
        client = AsyncClient()
        opening = asyncio.create_task(aask(client, stream=True))
        while not groq.received:
            await asyncio.sleep(0.005)
        await client.aclose()
        closed.set()
        return await opening  # type: ignore[return-value]

    groq.script(held)
    stream = asyncio.run(main())
    assert eventually(lambda: groq.open_connections == 0)
    del stream


def test_a_request_that_is_lost_ends_as_it_does_in_a_client_that_stays_open(server: FaultServer) -> None:
    """By its public interface, aiohttp sends a GET again, and needs its session for that."""

    def lost(closing: bool) -> tuple[object, int]:
        closed = threading.Event()

        def gone(request: Received) -> Iterator[Action]:
            assert closed.wait(20)
            yield Close()

        async def main() -> object:
            transport = AsyncHTTPTransport(proxy=f"http://127.0.0.1:{server.port}")
            request = HTTPRequest(url="http://service.test/v1/models", method="GET")
            limit = TimeLimit(time, Timeouts(), time.monotonic() + 20)
            sending = asyncio.create_task(transport.send(request, limit))
            while len(server.received) == before:
                await asyncio.sleep(0.005)
            if closing:
                await transport.aclose()
            closed.set()
            try:
                return (await sending).status
            except g4f_lite.ProviderError as error:
                return str(error)
            finally:
                await transport.aclose()

        server.script(gone, replies.answer("ok"))
        before = len(server.received)
        return asyncio.run(main()), len(server.received) - before

    assert lost(closing=True) == lost(closing=False)
    assert eventually(lambda: server.open_connections == 0)
