"""A signal that comes while an abandoned stream is closed, by the next call, leaves it to the call after that."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from helpers.driving import MESSAGES, QUICK

from g4f_lite import AsyncClient, Attempt, Client, OpenaiTemplate, Trail, hookimpl
from g4f_lite.testing import FaultServer, replies


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "m"


class Interrupting:
    """Raises as the handler of a signal does, when the first attempt has finished; notes the outcomes of calls."""

    def __init__(self) -> None:
        self.interrupted = False
        self.outcomes: list[str | None] = []

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        if not self.interrupted:
            self.interrupted = True
            raise KeyboardInterrupt

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.outcomes.append(trail.outcome)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_abandoned_stream_is_closed_by_the_call_after_the_interrupted_one(mode: str, server: FaultServer) -> None:
    server.script(replies.answer("one two three"))
    plugin = Interrupting()
    settings: dict[str, Any] = {**QUICK, "routes": [Plain(api_base=server.base_url)], "plugins": [plugin]}

    def in_thread() -> None:
        with Client(**settings) as client:
            client.chat.completions.create(messages=MESSAGES, stream=True)  # and nobody reads it
            gc.collect()
            with pytest.raises(KeyboardInterrupt):
                client.chat.completions.create(messages=MESSAGES)
            client.chat.completions.create(messages=MESSAGES)

    async def in_loop() -> None:
        async with AsyncClient(**settings) as client:
            await client.chat.completions.create(messages=MESSAGES, stream=True)
            gc.collect()
            with pytest.raises(KeyboardInterrupt):
                await client.chat.completions.create(messages=MESSAGES)
            await client.chat.completions.create(messages=MESSAGES)

    if mode == "sync":
        in_thread()
    else:
        asyncio.run(in_loop())
    assert plugin.outcomes == ["closed", "ok"]
