"""Timeouts and deadlines bound the phases of a call that they name, and no others."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from helpers.asking import aask, ask
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import AsyncClient, Client, Timeouts
from g4f_lite.failover.plan import Plan
from g4f_lite.testing import FaultServer, replies

DRIPS = {
    "silence": replies.silence(),
    "silence in the body": replies.silence("body"),
    "headers drip": replies.drip(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500),
    "body drips": replies.drip(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + b" " * 999),
    "chunk sizes drip": replies.drip(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"0" * 999),
    "comments for ever": replies.comments(),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DRIPS)
def test_the_deadline_bounds_a_slow_answer(name: str, mode: str, groq: FaultServer) -> None:
    groq.script(DRIPS[name])
    began = time.monotonic()
    outcome = run(mode, {"timeouts": Timeouts()}, {"provider": "groq", "timeout": 0.4})
    assert time.monotonic() - began < 0.4 + 5  # the 50 ms of the contract and a busy machine; all drips take 20 s
    assert isinstance(outcome.error, g4f_lite.DeadlineExceededError)
    assert len(groq.received) <= 1


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_deadline_ends_at_the_first_content_and_a_timeout_bounds_the_whole_stream(
    mode: str, groq: FaultServer
) -> None:
    parts: list[object] = []
    for number in range(6):
        parts += [{"choices": [{"delta": {"content": f"{number}"}}]}, replies.Pause(0.4)]
    groq.script(replies.stream([*parts, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]))
    settings = {"timeouts": Timeouts(stall=2)}
    assert run(mode, settings, {"provider": "groq", "deadline": 1.0}).text == "012345"
    outcome = run(mode, settings, {"provider": "groq", "timeout": 1.0})
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert outcome.error.partial_text == outcome.text
    assert outcome.text.startswith("01")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_slow_reader_is_not_a_stall(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    settings: dict[str, Any] = {"timeouts": Timeouts(stall=0.2)}

    async def slowly() -> str:
        said = ""
        async with AsyncClient(**settings) as client:
            async for chunk in await aask(client, stream=True):
                said += chunk.text
                await asyncio.sleep(0.3 if chunk.text else 0)
        return said

    if mode == "async":
        assert asyncio.run(slowly()) == "one two three"
        return
    said = ""
    with Client(**settings) as client:
        for chunk in ask(client, stream=True):
            said += chunk.text
            time.sleep(0.3 if chunk.text else 0)
    assert said == "one two three"


def test_default_limits_are_lifted_on_the_last_leg_and_the_callers_are_not(groq: FaultServer) -> None:
    from g4f_lite.failover.policy import Policy
    from g4f_lite.provider.leg import Leg
    from g4f_lite_providers.groq import Groq

    for timeouts, lifted in ((Timeouts(), True), (Timeouts(total=120.0), False)):
        legs = [[Leg(Groq(), "a")], [Leg(Groq(), "b")]]
        plan = Plan(legs, policy=Policy(timeouts=timeouts), clock=time, random=lambda: 0.5)
        run = plan.begin()
        first = run.limit
        plan.fail(run, g4f_lite.PermissionDeniedError("no"))
        last = plan.begin().limit
        assert first.expires_at - first.started_at == pytest.approx(120)
        assert (last.expires_at - last.started_at > 250) is lifted
