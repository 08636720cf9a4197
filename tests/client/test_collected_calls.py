"""What Python raises while it ends the call of a closed loop is no failure of the leg."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain

from g4f_lite import AsyncClient
from g4f_lite.testing import FaultServer, replies


async def ask(client: AsyncClient, begun: list[Any], **params: Any) -> str:
    answer = await client.chat.completions.create(messages=MESSAGES, **params)
    begun.append(answer)
    return "".join([chunk.text async for chunk in answer]) if params else str(answer.text)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("params", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize("raised", [ValueError("coroutine already executing"), RuntimeError("Event loop is closed")])
def test_no_leg_is_blamed(params: dict[str, Any], raised: Exception, server: FaultServer) -> None:
    """The collector may end a coroutine from within one that it awaits: that one raises it."""
    server.script(replies.silence("stream", 3) if params else replies.silence(), replies.answer("next"))
    client = AsyncClient(routes=[Plain(api_base=server.base_url)], retries=0, deadline=20)
    begun: list[Any] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(ask(client, begun, **params))
    while not (server.received and bool(begun) == bool(params)):
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    coroutine: Any = task.get_coro()
    with pytest.raises((ValueError, RuntimeError)):
        coroutine.throw(raised)
    health = client._calls.health
    assert [state.breaker.in_a_row for state in [*health._legs.values(), *health._origins.values()]] in ([0], [0, 0])
    begun.clear()
    assert asyncio.run(ask(client, begun)) == "next"
    del task, loop, coroutine
    gc.collect()  # while the warnings of what the program has left are ignored
