"""A call whose event loop is closed under it, or that is read in another one."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain

from g4f_lite import (
    AsyncClient,
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    Delta,
    Limits,
    LocalProvider,
    StreamInterruptedError,
)
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


class Slow(LocalProvider):
    name, default_model = "slow", "m"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        while not cancelled():
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="x")),))
            time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("read_before", [0, 1])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_stream_of_a_loop_that_is_closed_or_elsewhere_says_so(
    is_closed: bool, read_before: int, is_local: bool, server: FaultServer
) -> None:
    server.script(replies.silence("stream", 3))
    client = AsyncClient(routes=[Slow() if is_local else Plain(api_base=server.base_url)], retries=0)

    async def begin(client: AsyncClient) -> Any:
        stream = await client.chat.completions.create(messages=MESSAGES, stream=True)
        for _ in range(read_before):
            await anext(stream)
        return stream

    async def read(stream: Any) -> None:
        async with asyncio.timeout(5):
            async for _ in stream:
                pass

    loop = asyncio.new_event_loop()
    stream = loop.run_until_complete(begin(client))
    if is_closed:
        loop.close()
    with asyncio.Runner() as other:
        with pytest.raises(StreamInterruptedError, match="only in the event loop in which it was asked for"):
            other.run(read(stream))
        other.run(stream.aclose())
    if not is_closed:
        loop.run_until_complete(client.aclose())
    loop.close()
    del stream, client
    gc.collect()  # here, where the warnings of a loop that was closed too early are expected
