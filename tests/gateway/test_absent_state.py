"""A gateway whose Redis is not there, or does not answer: it goes on with a part of what its keys may use."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables
from helpers.redis_server import redis_server

from g4f_lite.testing import FaultServer

LIMITS: list[dict[str, Any]] = [
    {"rpm": 8},
    {"tpm": 40_000},
    {"parallel": 4},
    {"rpm": 600, "tpm": 400_000, "parallel": 20, "budget": {"usd": 50, "per": "month"}},
]


def ask(gateway: Running) -> int:
    body = {"messages": MESSAGES, "model": "auto", "max_tokens": 50}
    headers = {"Authorization": f"Bearer {KEY}"}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30).status_code


@pytest.mark.parametrize("limits", LIMITS)
def test_calls_are_answered_although_redis_was_never_there(groq: FaultServer, limits: dict[str, Any]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        client = {"routes": ["groq:llama-3.1-8b-instant"]}
        with running(tables(groq, server={"shared": url}, keys=key_table(**limits), client=client)) as gateway:
            assert [ask(gateway), ask(gateway)] == [200, 200]


def test_a_key_that_is_first_used_while_redis_is_paused_is_answered(groq: FaultServer) -> None:
    with redis_server() as server:
        configured = tables(groq, server={"shared": server.url}, keys=key_table(rpm=8))
        server.pause()
        try:
            with running(configured) as gateway:
                assert [ask(gateway), ask(gateway), ask(gateway)] == [200, 200, 429]
        finally:
            server.resume()


def test_what_is_left_of_a_budget_is_not_made_up_while_nobody_knows_it(groq: FaultServer) -> None:
    known, unknown = {"used_usd": 0, "left_usd": 5}, {"used_usd": None, "left_usd": None}
    budget = {"usd": 5, "per": "day"}
    with redis_server() as server:
        configured = tables(groq, server={"shared": server.url}, keys=key_table(budget=budget))
        with running(configured, admin_key="g4f-admin") as gateway:

            def told() -> Any:
                headers = {"Authorization": "Bearer g4f-admin"}
                return requests.get(f"{gateway.url}/admin/api/spend", headers=headers, timeout=30).json()["budgets"]

            def is_one_of(*wanted: dict[str, Any]) -> bool:
                seen.append(found := told()["key/team-a"])
                return any(found == {**budget, **one} for one in wanted)

            seen: list[Any] = []
            assert eventually(lambda: is_one_of(known), 20)
            server.kill()
            assert is_one_of(known, unknown) and eventually(lambda: is_one_of(unknown), 20)
            server.start()
            assert eventually(lambda: is_one_of(known), 30)
            assert {one["left_usd"] for one in seen} <= {5, None}
