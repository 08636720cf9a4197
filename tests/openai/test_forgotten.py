"""A client of ours that nobody closes leaves nothing behind, as the real one: frameworks never close theirs."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from helpers.driving import eventually
from helpers.openai_clients import KEY, M
from helpers.ways import needs_inner_parts

from g4f_lite import AsyncClient, OpenaiTemplate
from g4f_lite.openai import AsyncGroq, AsyncOpenAI
from g4f_lite.testing import FaultServer

KINDS = pytest.mark.parametrize("kind", [AsyncOpenAI, AsyncGroq])
ROUTED = pytest.mark.parametrize("routed", [False, True])


def made(kind: type[Any], server: FaultServer, routed: bool) -> Any:
    if not routed:
        return kind(api_key=KEY, base_url=server.base_url)
    return kind(routes=[OpenaiTemplate(name="one", api_base=server.base_url, needs_auth=False, default_model="m")])


def complaints(loop: asyncio.AbstractEventLoop) -> list[Any]:
    heard: list[Any] = []
    loop.set_exception_handler(lambda loop, context: heard.append(context))
    return heard


@needs_inner_parts
@ROUTED
@KINDS
def test_its_connections_are_closed_while_its_loop_runs(kind: type[Any], routed: bool, server: FaultServer) -> None:
    async def main() -> list[Any]:
        heard = complaints(asyncio.get_running_loop())
        client = made(kind, server, routed)
        await client.chat.completions.create(model="m", messages=M)
        assert server.open_connections == 1
        del client
        gc.collect()  # the real client and its resources refer to each other
        for _ in range(1000):
            if server.open_connections == 0:
                return heard
            await asyncio.sleep(0.01)
        raise AssertionError("its connections are still open")

    assert asyncio.run(main()) == []


@ROUTED
@KINDS
def test_its_connections_are_closed_when_its_loop_runs_again(
    kind: type[Any], routed: bool, server: FaultServer
) -> None:
    """Between the calls of `run_until_complete`, as in the synchronous methods of frameworks, no loop runs."""
    loop = asyncio.new_event_loop()
    heard = complaints(loop)
    client = made(kind, server, routed)
    loop.run_until_complete(client.chat.completions.create(model="m", messages=M))
    del client
    gc.collect()
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    assert eventually(lambda: server.open_connections == 0)
    loop.close()
    assert heard == []


@needs_inner_parts
def test_a_client_of_the_caller_stays_open(server: FaultServer) -> None:
    async def main() -> None:
        route = OpenaiTemplate(name="one", api_base=server.base_url, needs_auth=False, default_model="m")
        async with AsyncClient(routes=[route]) as ours:
            await AsyncOpenAI(client=ours).chat.completions.create(model="m", messages=M)
            gc.collect()
            await asyncio.sleep(0.05)
            await AsyncOpenAI(client=ours).chat.completions.create(model="m", messages=M)
            assert server.connections == 1

    asyncio.run(main())
