"""A stream that one thread closes while another one wants its next chunk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, QUICK, eventually
from helpers.plain_routes import Plain

from g4f_lite import (
    AsyncClient,
    AsyncStream,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    Client,
    ConfigurationError,
    Delta,
    LocalProvider,
)
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.script import Action
from g4f_lite.transport.in_process import SyncChunkStream


class Slow(LocalProvider):
    name = "slow"
    default_model = "slow"

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        raise AssertionError

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        while True:
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="word ")),))


def test_a_chunk_wanted_while_another_thread_closes_the_stream_is_the_end_of_it() -> None:
    closing, asked = threading.Event(), threading.Event()
    with Client(routes=[Slow()]) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        next(stream)
        source = stream._reading.source
        assert isinstance(source, SyncChunkStream)
        close = source.close

        def wait_and_close() -> None:
            closing.set()
            asked.wait(10)
            close()

        source.close = wait_and_close  # type: ignore[method-assign]
        thread = threading.Thread(target=stream.close)
        thread.start()
        assert closing.wait(10)
        rest = list(stream)
        asked.set()
        thread.join()
        assert rest == []


def test_a_second_reader_is_told_and_the_first_one_goes_on(server: FaultServer) -> None:
    go = threading.Event()

    def paused(request: Received) -> Iterator[Action]:
        head, role, one, *rest = replies.answer("one two")(request)
        yield from (head, role, one)
        assert go.wait(10)
        yield from rest

    server.script(paused)
    provider = Plain(api_base=server.base_url)
    with Client(routes=[provider], **QUICK) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        assert "".join(next(stream).text for _ in range(2)) == "one "
        read: list[str] = []
        first = threading.Thread(target=lambda: read.extend(chunk.text for chunk in stream))
        first.start()
        assert eventually(lambda: stream._chunks.gi_running)
        with pytest.raises(ConfigurationError, match="another thread reads this stream"):
            next(stream)
        go.set()
        first.join(10)
        assert "".join(read) == "two"
    go.clear()

    async def main() -> None:
        async with AsyncClient(routes=[provider], **QUICK) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)
            said = [(await anext(stream)).text for _ in range(2)]
            first = asyncio.create_task(_rest(stream))
            await asyncio.sleep(0)
            with pytest.raises(ConfigurationError, match="another task reads this stream"):
                await anext(stream)
            go.set()
            assert "".join([*said, *await first]) == "one two"

    asyncio.run(main())


async def _rest(stream: AsyncStream[Any]) -> list[str]:
    return [chunk.text async for chunk in stream]
