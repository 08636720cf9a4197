"""A stream of `run_tools` that another thread or task closes: its reader gets no more chunks, and nothing is left."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies

QUESTION: Any = [{"role": "user", "content": "How warm is it in Paris?"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}


def weather(city: str) -> str:
    """Return the weather of a city."""
    return "warm"


@pytest.fixture
def settings(server: FaultServer) -> dict[str, Any]:
    """The service calls the tool; its second answer begins, and never ends."""
    server.script(
        replies.answer("", tool_calls=[CALL], finish_reason="tool_calls"),
        replies.silence("stream", after=2),
    )
    return {"keys": {"groq": "gsk_1"}, "base_urls": {"groq": server.base_url}}


@pytest.mark.parametrize("while_reading", [True, False])
def test_another_thread_closes_it(settings: dict[str, Any], while_reading: bool) -> None:
    with Client(**settings) as client:
        stream = client.chat.run_tools(messages=QUESTION, provider="groq", tools=[weather], stream=True)
        said: list[str] = []
        closer = threading.Thread(target=stream.close)
        for chunk in stream:
            said.append(chunk.text)
            if chunk.text == "word1 ":
                closer.start()
                if not while_reading:
                    closer.join()
        closer.join()
        assert "".join(said) == "word0 word1 "
        assert len(stream.run.rounds) == 1
        assert next(stream, None) is None


@pytest.mark.parametrize("while_reading", [True, False])
def test_another_task_closes_it(settings: dict[str, Any], while_reading: bool) -> None:
    async def main() -> None:
        async with AsyncClient(**settings) as client:
            stream = await client.chat.run_tools(messages=QUESTION, provider="groq", tools=[weather], stream=True)
            said: list[str] = []
            closer = None
            async for chunk in stream:
                said.append(chunk.text)
                if chunk.text == "word1 ":
                    closer = asyncio.ensure_future(stream.aclose())
                    if not while_reading:
                        await closer
            assert closer is not None
            await closer
            assert "".join(said) == "word0 word1 "
            assert len(stream.run.rounds) == 1
            assert await anext(stream, None) is None
            await stream.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_it_is_closed_before_its_first_chunk(settings: dict[str, Any], server: FaultServer) -> None:
    with Client(**settings) as client:
        stream = client.chat.run_tools(messages=QUESTION, provider="groq", tools=[weather], stream=True)
        stream.close()
        assert list(stream) == []
    assert server.received == []
