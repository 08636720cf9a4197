"""
What users of other routers report of limits in several processes: here it is not so.

Some are tested where they belong. Failed legs come back because the first, shorter end wins:
`test_of_two_ends_the_later_one_holds`. Cooldowns arrive seconds late: `test_others_learn_at_once`. Budgets are overspent
by parallel calls: `test_parallel_calls_never_spend_more_than_the_budget`. Counters are seeded twice:
`test_only_the_largest_of_what_is_told_after_a_loss_counts`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.limited import FastState, settings
from helpers.redis_server import redis_server

from g4f_lite import AsyncClient, Budget, Client, G4FLiteError, Limits, RateLimitError
from g4f_lite.testing import FaultServer, replies

PRICED = {"provider": "groq", "model": "openai/gpt-oss-120b", "fallback_models": [], "max_tokens": 20}


def test_tokens_a_minute_are_not_multiplied_by_the_number_of_replicas(server: FaultServer) -> None:
    state = FastState()
    replicas = [Client(**settings(server, limits={"day": Limits(tpm=600)}, state=state, deadline=1)) for _ in range(4)]

    def ask(number: int) -> bool:
        try:
            replicas[number % 4].chat.completions.create(messages=MESSAGES, provider="day", max_tokens=10)
        except RateLimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        answered = sum(pool.map(ask, range(200)))
    assert state.used("leg/day")["tokens", "minute"].spent == 6 * answered <= 600
    assert answered > 60


def test_a_budget_is_not_refused_because_of_calls_that_failed_or_were_cancelled(groq: FaultServer) -> None:
    state = FastState()
    client_settings: dict[str, Any] = {
        "keys": {"groq": "k"},
        "base_urls": {"groq": groq.base_url},
        "budget": Budget(usd=0.001),
        "state": state,
        "retries": 0,
    }
    for reply in (replies.error(400, "no"), replies.error(500, "broken"), replies.error(429, "slow", retry_after=0)):
        groq.script(reply)
        for _ in range(2):
            assert isinstance(run("sync", {**client_settings, "deadline": 0.2}, PRICED).error, G4FLiteError)

    groq.script(replies.silence())

    async def cancel() -> None:
        async with AsyncClient(**client_settings) as client:
            call = asyncio.create_task(client.chat.completions.create(messages=MESSAGES, **PRICED))
            await asyncio.sleep(0.05)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    asyncio.run(cancel())
    assert state.under_way("budget/default") == 0
    groq.script(replies.answer("ok"))
    assert run("sync", client_settings, PRICED).text == "ok"


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_starts_again_goes_on_with_the_same_counts(
    mode: str, server: FaultServer, tmp_path: Path
) -> None:
    one = settings(server, limits={"day": Limits(rpm=3)}, state=f"sqlite://{tmp_path}/state.db", deadline=2)
    assert [run(mode, one, {"provider": "day"}).text for _ in range(3)] == ["ok"] * 3
    assert isinstance(run(mode, one, {"provider": "day"}).error, RateLimitError)
    assert len(server.received) == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rpm", [2, 1000])
def test_a_redis_that_cannot_be_reached_neither_stops_the_start_nor_slows_calls(
    mode: str, rpm: int, server: FaultServer
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        limits = {"day": Limits(rpm=rpm, parallel=1)}
        one = settings(server, limits=limits, budget=Budget(usd=1, unknown_price="allow"), state=url)
        took = []
        for _ in range(2):  # the first one may import what a busy machine is slow to find
            began = time.monotonic()
            assert run(mode, one, {"provider": "day"}).text == "ok"
            took.append(time.monotonic() - began)
        assert min(took) < 5.0


@pytest.mark.parametrize("mode", MODES)
def test_clients_share_limits_through_redis(mode: str, server: FaultServer) -> None:
    with redis_server() as running:
        one = settings(server, limits={"day": Limits(rpm=3)}, state=running.url, deadline=20)
        assert [run(mode, one, {"provider": "day"}).text for _ in range(3)] == ["ok"] * 3
        error = run(mode, one, {"provider": "day"}).error
    assert isinstance(error, RateLimitError) and "limited to 3 requests a minute" in str(error)
    assert len(server.received) == 3
