"""Waits in line are told in the context of the call that waits, whoever wakes it."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from helpers.plain_routes import Plain

from g4f_lite import AsyncClient, Limits, hookimpl
from g4f_lite.testing import FaultServer, replies

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class Contexts:
    """Notes by whom a call is started, and in whose context its waits are told."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []

    @hookimpl
    def call_started(self, call: Any) -> None:
        self.started[call.id] = caller.get()

    @hookimpl
    def call_waiting(self, wait: Any) -> None:
        self.told.append((self.started[wait.call_id], caller.get()))


def test_each_wait_is_told_in_its_own_context(server: FaultServer) -> None:
    server.script(*[reply for _ in range(40) for reply in (replies.error(429, "slow"), replies.answer("hi"))])
    contexts, there = Contexts(), Plain(name="there", api_base=server.base_url, default_model="m")
    limits = {"there": Limits(parallel=1)}

    async def call(client: AsyncClient, number: int) -> None:
        caller.set(str(number))
        await client.chat.completions.create(messages=[{"role": "user", "content": "x"}])

    async def main() -> None:
        settings: dict[str, Any] = {"patience": 60, "deadline": 60, "retries": 9, "limits": limits}
        async with AsyncClient(routes=[there], plugins=[contexts], **settings) as client:
            await asyncio.gather(*(call(client, number) for number in range(8)))

    asyncio.run(main())
    assert contexts.told and not [one for one in contexts.told if one[0] != one[1]]
