"""A stream that another thread or task closes while it is read: the reading ends, the connection is freed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, eventually

from g4f_lite import AsyncClient, ChatCompletionChunk, ChatRequest, ChunkChoice, Client, Delta, LocalProvider
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received


class Endless(LocalProvider):
    name = "endless"
    default_model = "any"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="one ")),))
        while not cancelled():
            time.sleep(0.005)


@pytest.fixture(params=["service", "in process"])
def provider(request: pytest.FixtureRequest, groq: FaultServer) -> Any:
    groq.script(replies.silence("stream", 1))
    return "groq" if request.param == "service" else Endless()


def test_another_thread_may_close_a_stream(provider: Any) -> None:
    with Client() as client:
        stream = client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
        read: list[str] = []
        thread = threading.Thread(target=lambda: read.extend(chunk.text for chunk in stream))
        thread.start()
        assert eventually(lambda: "".join(read) != "" or stream._chunks.gi_running)
        assert eventually(lambda: bool(stream._chunks.gi_running))
        stream.close()
        thread.join(10)
        assert not thread.is_alive()
        attempt = stream.trail.attempts[-1]
        assert (attempt.outcome, attempt.notes) == ("ok", ("closed by the caller before its end",))
        assert next(stream, None) is None


def test_another_task_may_close_a_stream(provider: Any) -> None:
    async def main() -> None:
        async with AsyncClient() as client:
            stream = await client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
            reading = asyncio.ensure_future(_texts(stream))
            while not stream._chunks.ag_running:
                await asyncio.sleep(0.005)
            await stream.aclose()
            assert "".join(await asyncio.wait_for(reading, 10)) != ""
            attempt = stream.trail.attempts[-1]
            assert (attempt.outcome, attempt.notes) == ("ok", ("closed by the caller before its end",))

    asyncio.run(main())


async def _texts(stream: Any) -> list[str]:
    return [chunk.text async for chunk in stream]


HAND_OVER = {"provider": "groq", "model": "first", "fallback_models": ["second"], "on_interrupt": "restart"}


def script_a_hand_over(server: FaultServer) -> tuple[threading.Event, threading.Event]:
    """Interrupt the first leg. Return when the second one is asked, and what lets it answer."""
    asked, go = threading.Event(), threading.Event()

    def second(request: Received) -> Iterable[Action]:
        asked.set()
        assert go.wait(10)
        return replies.answer("never wanted")(request)

    server.on("first", replies.cut(1))
    server.on("second", second)
    return asked, go


def test_a_stream_that_is_closed_while_another_leg_takes_over_yields_nothing_of_it(groq: FaultServer) -> None:
    asked, go = script_a_hand_over(groq)
    with Client() as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True, **HAND_OVER)
        read: list[str] = []
        thread = threading.Thread(target=lambda: read.extend(chunk.text for chunk in stream))
        thread.start()
        assert asked.wait(10)
        stream.close()
        thread.join(10)
        go.set()
        assert not thread.is_alive()
        assert "wanted" not in "".join(read)
        assert (stream.trail.outcome, stream.trail.attempts[-1].outcome) == ("closed", "StreamClosed")


def test_an_async_stream_that_is_closed_while_another_leg_takes_over_yields_nothing_of_it(groq: FaultServer) -> None:
    asked, go = script_a_hand_over(groq)

    async def main() -> None:
        async with AsyncClient() as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **HAND_OVER)
            reading = asyncio.ensure_future(_texts(stream))
            assert await asyncio.to_thread(asked.wait, 10)
            await stream.aclose()
            assert "wanted" not in "".join(await asyncio.wait_for(reading, 10))
            go.set()
            assert (stream.trail.outcome, stream.trail.attempts[-1].outcome) == ("closed", "StreamClosed")

    asyncio.run(main())
