"""A stream of the smallest events, which take longest to read: the event loop runs other tasks in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from helpers.driving import MESSAGES

from g4f_lite import AsyncClient
from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import head
from g4f_lite.testing.script import Action, Received
from g4f_lite.transport.common import STREAM_PIECE

CONTENT = b'data:{"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}\n\n'
END = b'data:{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata:[DONE]\n\n'
SMALL = b'data:{"choices":[]}\n\n'
SIZE = 1 << 20


def flood(request: Received) -> Iterator[Action]:
    events = SMALL * (SIZE // len(SMALL))
    yield head(200, {"content-type": "text/event-stream", "content-length": f"{len(CONTENT + events + END)}"})
    yield CONTENT + events + END


def test_other_tasks_run_between_parts_of_a_piece(groq: FaultServer) -> None:
    groq.script(flood)
    # What comes in pieces of the network is read as it comes; of what is there, no more than two parts at once.
    assert asyncio.run(turns_meanwhile(groq.base_url)) >= SIZE // (2 * STREAM_PIECE)


async def turns_meanwhile(url: str) -> int:
    """Return how often another task runs while a stream is read."""
    turns, done = 0, asyncio.Event()

    async def other() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    async with AsyncClient(keys={"groq": "gsk_x"}, base_urls={"groq": url}, retries=0) as client:
        stream = await client.chat.completions.create(
            provider="groq", model="m", fallback_models=[], messages=MESSAGES, stream=True
        )
        task = asyncio.create_task(other())
        assert "".join([chunk.text async for chunk in stream]) == "x"
        done.set()
        await task
    return turns
