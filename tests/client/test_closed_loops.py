"""A call whose event loop is closed under it, or that is read in another one."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain
from helpers.ways import needs_inner_parts

from g4f_lite import AsyncClient, Limits, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies


async def ask(client: AsyncClient, kept: list[Any], **params: Any) -> str:
    answer = await client.chat.completions.create(messages=MESSAGES, **params)
    if params:
        kept.append(answer)
        return "".join([chunk.text async for chunk in answer])
    return str(answer.text)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("params", [{}, {"stream": True}], ids=["whole", "stream"])
def test_the_place_of_a_call_whose_loop_was_closed_is_free_for_the_next_call(
    params: dict[str, Any], server: FaultServer
) -> None:
    silent = replies.silence("stream", 3) if params else replies.silence()
    server.script(silent, replies.answer("next"))
    client = AsyncClient(routes=[Plain(api_base=server.base_url)], limits={"plain": Limits(parallel=1)}, deadline=20)
    kept: list[Any] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(ask(client, kept, **params))
    while not (server.received and bool(kept) == bool(params)):
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    kept.clear()
    gc.disable()  # nothing else may find it by chance
    try:
        del task, loop
        assert asyncio.run(ask(client, kept)) == "next"
    finally:
        gc.enable()


@needs_inner_parts
def test_a_stream_that_is_read_in_another_loop_says_so(server: FaultServer) -> None:
    server.script(replies.silence("stream", 3))
    client = AsyncClient(routes=[Plain(api_base=server.base_url)], retries=0)

    async def read(stream: Any) -> list[str]:
        return [chunk.text async for chunk in stream]

    with asyncio.Runner() as own:
        stream = own.run(client.chat.completions.create(messages=MESSAGES, stream=True))
        with asyncio.Runner() as other, pytest.raises(StreamInterruptedError, match="the event loop in which it was"):
            other.run(read(stream))
        own.run(client.aclose())
