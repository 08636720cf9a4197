"""The thread that produces an answer has a time limit of its own: the task that reads it sets the call's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from g4f_lite import ChatCompletionChunk, ChatRequest, ChunkChoice, Delta, LocalProvider, Timeouts
from g4f_lite.provider.leg import InProcessRequest, Leg
from g4f_lite.transport.async_in_process import AsyncInProcessTransport
from g4f_lite.types.time_limit import TimeLimit


class Quick(LocalProvider):
    name = "quick"
    default_model = "m"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for number in range(3):
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=str(number))),))


def test_content_that_nobody_has_read_extends_no_limit_of_the_call() -> None:
    async def main() -> None:
        request = ChatRequest(messages=({"role": "user", "content": "Hi"},), model="m")
        limit = TimeLimit(time, Timeouts(first_token=100, stall=200), time.monotonic() + 50, stream=True)
        before = limit.expires_at
        outgoing = InProcessRequest(Leg(Quick(), "m", None, "chat"), request)
        stream = await AsyncInProcessTransport().open(outgoing, limit)
        chunks = []
        while isinstance(chunk := await stream.read(), ChatCompletionChunk):
            chunks.append(chunk.text)
        await stream.close()
        assert chunks == ["0", "1", "2"]
        assert limit.expires_at == before

    asyncio.run(main())
