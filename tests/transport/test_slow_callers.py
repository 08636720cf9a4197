"""A caller who reads an in-process stream slowly, or not at all: what is made waits for it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest
from helpers.driving import MESSAGES, eventually

from g4f_lite import AsyncClient, ChatCompletionChunk, ChatRequest, ChunkChoice, Delta, LocalProvider, Timeouts

LONG = 20_000


class Here(LocalProvider):
    name, default_model = "here", "m"
    made = 0

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for _ in range(LONG):  # it never asks whether it is cancelled
            type(self).made += 1
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="x")),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


@pytest.fixture
def here() -> Here:
    Here.made = 0
    return Here()


def answering() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "g4f_lite-local"]


def test_what_is_made_waits_for_its_caller_whose_time_is_no_stall(here: Here) -> None:
    async def main() -> str:
        async with AsyncClient(routes=[here], timeouts=Timeouts(stall=2)) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)
            text = (await anext(stream)).text
            await asyncio.sleep(2.5)
            assert 100 < here.made < LONG / 4
            async for chunk in stream:
                text += chunk.text
            return text

    assert asyncio.run(main()) == "x" * LONG


@pytest.mark.parametrize("how", ["close", "forget", "cancel", "end the loop"])
def test_what_nobody_reads_any_more_ends(how: str, here: Here) -> None:
    async def main() -> None:
        async with AsyncClient(routes=[here]) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)
            await anext(stream)
            await asyncio.sleep(0.2)
            assert answering()
            if how == "close":
                await stream.aclose()
                assert eventually(lambda: not answering())  # the thread has said that it ends
            elif how == "forget":
                del stream
                gc.collect()
                assert await asyncio.to_thread(eventually, lambda: not answering())
            elif how == "cancel":
                task = asyncio.create_task(anext(stream))  # type: ignore[arg-type]  # a coroutine
                task.cancel()
                await asyncio.wait([task])
                await stream.aclose()
                assert eventually(lambda: not answering())  # the thread has said that it ends

    asyncio.run(main())
    gc.collect()
    assert eventually(lambda: not answering())
    assert here.made < LONG
