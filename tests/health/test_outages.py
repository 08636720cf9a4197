"""The memory of a client after failures, on real sockets."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.driving import MESSAGES, QUICK, eventually

from g4f_lite import AsyncClient, AuthenticationError, Breaker, Client, OpenaiTemplate, PermissionDeniedError, Timeouts
from g4f_lite.failover.plan import Plan
from g4f_lite.testing import FaultServer, replies


class Good(OpenaiTemplate):
    name = "good"
    needs_auth = False
    default_model = "fine"


@pytest.fixture
def outage(server: FaultServer) -> tuple[FaultServer, dict[str, Any]]:
    """A failing leg before a good one, and the settings of a client for both."""
    server.on("dead", replies.error(503, "overloaded")).on("fine", replies.answer("fine"))
    routes = [Good(api_base=server.base_url, name=name, default_model=name) for name in ("dead", "fine")]
    patient = Timeouts(connect=10, first_token=10, stall=10, total=10)  # fifty at once on a busy machine
    return server, {**QUICK, "routes": routes, "retry_wait": lambda state: 0.3, "timeouts": patient}


def test_fifty_threads_are_all_served_and_the_failing_leg_is_soon_skipped(
    outage: tuple[FaultServer, dict[str, Any]],
) -> None:
    server, options = outage
    with Client(**options) as client, ThreadPoolExecutor(50) as pool:
        barrier = threading.Barrier(50)

        def ask(number: int) -> list[str]:
            barrier.wait(10)
            return [client.chat.completions.create(messages=MESSAGES).text for _ in range(3)]

        assert {text for texts in pool.map(ask, range(50)) for text in texts} == {"fine"}
    assert server.models.count("dead") <= 50
    assert server.models.count("fine") == 150


def test_fifty_tasks_are_all_served_and_the_failing_leg_is_soon_skipped(
    outage: tuple[FaultServer, dict[str, Any]],
) -> None:
    server, options = outage

    async def main() -> None:
        async with AsyncClient(**options) as client:
            for _ in range(3):
                replies = await asyncio.gather(*(client.chat.completions.create(messages=MESSAGES) for _ in range(50)))
                assert {reply.text for reply in replies} == {"fine"}

    asyncio.run(main())
    assert server.models.count("dead") <= 50


def test_a_leg_is_used_again_after_its_recovery(
    outage: tuple[FaultServer, dict[str, Any]],
) -> None:
    server, options = outage
    with Client(**options, breaker=Breaker(rest=1.5)) as client:
        for _ in range(3):
            assert client.chat.completions.create(messages=MESSAGES).provider == "fine"
        assert server.models.count("dead") == 3
        server.on("dead", replies.answer("alive"))

        def recovered() -> bool:
            return client.chat.completions.create(messages=MESSAGES).provider == "dead"

        assert not recovered()
        assert eventually(recovered)


def test_the_other_keys_are_used_when_one_is_refused(server: FaultServer) -> None:
    def reply(request: Any) -> Any:
        bad = "bad" in request.headers["authorization"]
        return (replies.error(401, "Invalid API Key bad-key") if bad else replies.answer("ok"))(request)

    server.script(reply)
    with Client(keys={"groq": ["bad-key", "good-key"]}, base_urls={"groq": server.base_url}) as client:
        first = client.chat.completions.create(messages=MESSAGES, provider="groq")
        assert [attempt.outcome for attempt in first.attempts] == ["AuthenticationError", "ok"]
        assert "bad-key" not in str(first.trail)
        second = client.chat.completions.create(messages=MESSAGES, provider="groq")
        assert [attempt.outcome for attempt in second.attempts] == ["ok"]


def test_a_call_waits_for_a_leg_in_a_short_cooldown(groq: FaultServer) -> None:
    groq.script(
        replies.answer("ok", headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"})
    )
    with Client() as client:
        began = time.monotonic()
        for _ in range(3):
            client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
    assert time.monotonic() - began >= 0.55  # the second and the third waited 0.3 s each


def test_a_leg_that_asks_for_a_wait_of_a_million_years_is_skipped(groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(429, "never", retry_after="999999999999999d"))
    with Client() as client:
        for _ in range(2):
            assert client.chat.completions.create(messages=MESSAGES, provider="groq").text == "ok"
        assert "further notice" in str(client.explain(provider="groq"))


def live_plans() -> int:
    gc.collect()
    return sum(isinstance(one, Plan) for one in gc.get_objects())


def test_a_stored_exception_keeps_no_call_alive(groq: FaultServer) -> None:
    before = live_plans()  # tests that ran in this process may have left some
    groq.script(replies.error(401, "Invalid API Key"))
    with Client() as client:
        for _ in range(20):
            with pytest.raises(AuthenticationError):
                client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
        assert live_plans() <= before


def test_every_failure_says_when_to_retry(groq: FaultServer) -> None:
    groq.script(replies.error(403, "not for you"))
    with Client() as client, pytest.raises(PermissionDeniedError) as caught:
        client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
    assert caught.value.retry_at == pytest.approx(time.time() + 600, abs=5)


def test_explain_shows_which_legs_cool_down(groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    with Client() as client:
        before = client.explain(provider="groq")
        assert before.tiers[0][0].model == "openai/gpt-oss-120b"
        client.chat.completions.create(messages=MESSAGES, provider="groq")
        after = client.explain(provider="groq")
        assert [tier[0].model for tier in after.tiers] == ["openai/gpt-oss-20b", "qwen/qwen3.8-27b"]
        assert "ModelUnavailableError (gone)" in str(after)
        assert client.chat.completions.create(messages=MESSAGES, provider="groq").attempts[0].status == 200
