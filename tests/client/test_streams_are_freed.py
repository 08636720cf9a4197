"""A stream that has ended is freed at once, with its call: nothing of it waits for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies

MESSAGES = [{"role": "user", "content": "Which day is it?"}]
WAYS = ("read", "completed", "closed")


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


PARAMS: dict[str, Any] = {"messages": MESSAGES, "stream": True, "provider": "groq"}


def settings(server: FaultServer) -> dict[str, Any]:
    server.script(replies.answer("one two three four"))
    return {"base_urls": {"groq": server.base_url}, "keys": {"groq": "k" * 20}}


def by_client(server: FaultServer, way: str) -> Callable[[], object]:
    with Client(**settings(server)) as client:
        stream: Any = client.chat.completions.create(**PARAMS)
        for _ in stream:
            if way == "closed":
                stream.close()
        if way == "completed":
            assert stream.completion.text
        return weakref.ref(stream._call)


async def by_async_client(server: FaultServer, way: str) -> Callable[[], object]:
    async with AsyncClient(**settings(server)) as client:
        stream: Any = await client.chat.completions.create(**PARAMS)
        async for _ in stream:
            if way == "closed":
                await stream.aclose()
        if way == "completed":
            assert stream.completion.text
        return weakref.ref(stream._call)


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_is_freed_when_it_has_ended(server: FaultServer, way: str) -> None:
    assert by_client(server, way)() is None


@pytest.mark.parametrize("way", WAYS)
def test_an_async_stream_is_freed_when_it_has_ended(server: FaultServer, way: str) -> None:
    assert asyncio.run(by_async_client(server, way))() is None
