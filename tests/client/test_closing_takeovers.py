"""A stream that is closed while another leg is asked to take it over: its reader ends at once, and no leg is blamed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, QUICK, eventually
from helpers.plain_routes import Plain

from g4f_lite import AsyncClient, Breaker, Client, Trail
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Pause

SILENCES = {
    "silent": replies.silence(),
    "silent in its body": replies.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Pause(3600)),
    "silent before its content": replies.stream(["", Pause(3600)]),
}


@pytest.fixture
def servers() -> Iterator[tuple[FaultServer, FaultServer]]:
    with FaultServer() as first, FaultServer() as second:
        yield first.script(replies.cut(1)), second


def settings(servers: tuple[FaultServer, FaultServer], on_interrupt: str) -> dict[str, Any]:
    legs = [Plain(name=name, api_base=server.base_url) for name, server in zip(["a", "b"], servers, strict=True)]
    return {**QUICK, "routes": legs, "retries": 0, "breaker": Breaker(failures=1), "on_interrupt": on_interrupt}


def check(trail: Trail, client: Any, server: FaultServer) -> None:
    assert trail.outcome == "closed"
    assert trail.attempts[0].outcome == "StreamInterruptedError"
    assert len(trail.attempts) == 2
    assert f"1. b:second at {server.base_url}" in str(client.explain())  # its breaker would open at once
    assert eventually(lambda: server.open_connections == 0)


@pytest.mark.parametrize("on_interrupt", ["restart", "continue"])
@pytest.mark.parametrize("name", SILENCES)
def test_a_thread_closes_it(name: str, on_interrupt: str, servers: tuple[FaultServer, FaultServer]) -> None:
    servers[1].script(SILENCES[name])
    said: list[str] = []
    with Client(**settings(servers, on_interrupt)) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        reader = threading.Thread(target=lambda: said.extend(chunk.text for chunk in stream))
        reader.start()
        assert eventually(lambda: len(servers[1].received) == 1)
        stream.close()
        reader.join(10)
        assert not reader.is_alive()
        assert "".join(said) == "word0 "
        check(stream.trail, client, servers[1])


@pytest.mark.parametrize("hedge_after", [None, 60])
@pytest.mark.parametrize("name", SILENCES)
def test_a_task_closes_it(name: str, hedge_after: float | None, servers: tuple[FaultServer, FaultServer]) -> None:
    servers[1].script(SILENCES[name])

    async def main() -> None:
        async with AsyncClient(**settings(servers, "restart"), hedge_after=hedge_after) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)

            async def read() -> tuple[str, int]:
                said = "".join([chunk.text async for chunk in stream])
                await asyncio.sleep(0)  # it is not cancelled
                task = asyncio.current_task()
                assert task is not None
                return said, task.cancelling()

            reader = asyncio.create_task(read())
            while not servers[1].received:
                await asyncio.sleep(0.005)
            await stream.aclose()
            assert await asyncio.wait_for(reader, 10) == ("word0 ", 0)
            check(stream.trail, client, servers[1])

    asyncio.run(main())


def test_a_reader_that_is_cancelled_itself_stays_cancelled(servers: tuple[FaultServer, FaultServer]) -> None:
    servers[1].script(replies.silence())

    async def main() -> None:
        async with AsyncClient(**settings(servers, "restart")) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)

            async def read() -> None:
                async for _ in stream:
                    pass

            reader = asyncio.create_task(read())
            while not servers[1].received:
                await asyncio.sleep(0.005)
            reader.cancel()
            await stream.aclose()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(reader, 10)

    asyncio.run(main())
