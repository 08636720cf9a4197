"""A provider that answers in-process and has one method: `stream`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import (
    AsyncClient,
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    Client,
    Delta,
    LocalProvider,
    StreamInterruptedError,
    Usage,
)


class Parrot(LocalProvider):
    name = "parrot"
    default_model = "grey"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for word in request.messages[-1]["content"].split():
            if cancelled():
                return
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=f"{word} ")),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),), usage=Usage(total_tokens=4))


@pytest.mark.parametrize("mode", MODES)
def test_a_complete_answer_is_what_the_stream_yields(mode: str) -> None:
    outcome = run(mode, {}, {"provider": Parrot()})
    assert outcome.completion is not None
    assert outcome.completion.text == "Which day is it? "
    assert outcome.completion.usage == Usage(total_tokens=4)
    assert outcome.completion.choices[0].finish_reason == "stop"


WHO = ContextVar("who", default="nobody")


@pytest.mark.parametrize("mode", MODES)
def test_its_code_sees_the_context_variables_of_its_caller(mode: str) -> None:
    class Witness(Parrot):
        def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=WHO.get()), finish_reason="stop"),))

    token = WHO.set("the caller")
    try:
        assert run(mode, {}, {"provider": Witness()}).text == "the caller"
    finally:
        WHO.reset(token)


@pytest.mark.parametrize("words", ["", "never whole"])
def test_an_answer_that_was_stopped_early_is_not_complete(words: str) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    class Mute(Parrot):
        def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
            yield from (chunk for chunk in super().stream(request, cancelled=cancelled) if chunk.has_content())

    request = ChatRequest(messages=({"role": "user", "content": words},), model="grey")
    with pytest.raises(StreamInterruptedError) as caught:
        Mute().complete(request, cancelled=cancelled)
    assert caught.value.partial_text == ("never " if words else "")


class Deaf(LocalProvider):
    """Yields for ten seconds, whether or not the call was cancelled."""

    name, default_model = "deaf", "m"

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["made"] = []

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for number in range(100):
            self.__dict__["made"].append(number)
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="x")),))
            time.sleep(0.1)


async def leave(way: str, provider: LocalProvider) -> None:
    async with AsyncClient() as client:
        chunks = await client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
        if way == "closed":
            await anext(aiter(chunks))
            await chunks.aclose()
            return
        try:
            async with asyncio.timeout(0.1):
                async for _ in chunks:
                    pass
        except TimeoutError:
            await chunks.aclose()


@pytest.mark.parametrize("way", ["closed", "cancelled", "sync"])
def test_a_stream_that_is_left_early_ends_at_the_next_chunk_of_a_provider_that_does_not_ask(way: str) -> None:
    provider = Deaf()
    if way == "sync":
        with Client() as client:
            stream = client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
            next(iter(stream))
            stream.close()
    else:
        asyncio.run(leave(way, provider))
    assert len(provider.__dict__["made"]) < 50
