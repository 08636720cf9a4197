"""What headers say of limits counts from when they came, however long the body takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK

from g4f_lite import AsyncClient, Client, OpenaiTemplate, Trail
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Pause, Received

SPENT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"}


class Slow(OpenaiTemplate):
    name = "slow"
    needs_auth = False
    default_model = "m"


def headers_first(request: Received) -> Iterator[Action]:
    """Answer with the headers, and half a second later with the rest."""
    whole = b"".join(part for part in replies.answer(headers=SPENT)(request) if isinstance(part, bytes))
    head, end, body = whole.partition(b"\r\n\r\n")
    yield head + end
    yield Pause(0.5)
    yield body


def ask_twice(mode: str, settings: dict[str, Any]) -> Trail:
    """Return the trail of the second call."""
    params: dict[str, Any] = {"messages": MESSAGES, "provider": "slow"}

    async def in_loop() -> Trail:
        async with AsyncClient(**settings) as client:
            if "stream" in mode:
                async for _ in await client.chat.completions.create(**params, stream=True):
                    pass
            else:
                await client.chat.completions.create(**params)
            return (await client.chat.completions.create(**params)).trail

    if mode.startswith("async"):
        return asyncio.run(in_loop())
    with Client(**settings) as client:
        if "stream" in mode:
            for _ in client.chat.completions.create(**params, stream=True):
                pass
        else:
            client.chat.completions.create(**params)
        return client.chat.completions.create(**params).trail


@pytest.mark.parametrize("mode", MODES)
def test_a_limit_that_was_reset_while_the_body_came_rests_no_leg(mode: str, server: FaultServer) -> None:
    server.script(headers_first, replies.answer())
    trail = ask_twice(mode, {**QUICK, "plugins": [Slow()], "base_urls": {"slow": server.base_url}})
    assert [entry.outcome for entry in trail.attempts] == ["ok"]
    assert not trail.skipped
