"""Many callers at a service that refuses requests beyond a rate, on real sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK, eventually, run
from helpers.limited_service import Service, waiting
from helpers.sharing import ask_all

import g4f_lite
from g4f_lite import AsyncClient, AuthenticationError, Client, OpenaiTemplate, RateLimitError, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Pause, Received

PROMPTS = 120
PATIENT = {"timeouts": Timeouts(connect=30, first_token=30, stall=30, total=30)}


class Limited(OpenaiTemplate):
    name = "limited"
    needs_auth = False
    default_model = "sunday"


class Limiter(Service):
    """A service on a real socket: it refuses requests while its bucket is empty."""

    def __init__(self, rate: float, burst: float, retry_after: str | None = None) -> None:
        super().__init__(rate, burst, lambda wait: wait, 0.0)
        self._retry_after = retry_after
        self._lock, self._began = threading.Lock(), time.monotonic()

    def __call__(self, request: Received) -> Iterable[Action]:
        with self._lock:
            error = self.receive(time.monotonic() - self._began)
        if error is None:
            return replies.answer("Sunday")(request)
        if self._retry_after is None:
            return replies.error(429, f"Please try again in {error.retry_after:.3f}s")(request)
        return replies.error(429, "slow down", retry_after=self._retry_after)(request)


@pytest.mark.parametrize("retry_after", [None, "0"])
@pytest.mark.parametrize("stream", [False, True])
def test_sixteen_threads_are_all_answered(server: FaultServer, retry_after: str | None, stream: bool) -> None:
    limiter = Limiter(60, 20, retry_after)
    server.script(limiter)
    provider = Limited(api_base=server.base_url)
    with Client(**PATIENT) as client, ThreadPoolExecutor(16) as pool:

        def ask(_: int) -> str:
            if not stream:
                return client.chat.completions.create(messages=MESSAGES, provider=provider).text
            chunks = client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
            return "".join(chunk.text for chunk in chunks)

        assert list(pool.map(ask, range(PROMPTS))) == ["Sunday"] * PROMPTS
        assert waiting(client._calls.health) == 0
    assert limiter.refused <= 50


def test_calls_that_come_all_at_once_are_all_answered(server: FaultServer) -> None:
    limiter = Limiter(60, 20)
    server.script(limiter)
    provider = Limited(api_base=server.base_url)

    async def main() -> list[Any]:
        async with AsyncClient(**PATIENT) as client:
            calls = (client.chat.completions.create(messages=MESSAGES, provider=provider) for _ in range(PROMPTS))
            answers = await asyncio.gather(*calls)
            assert waiting(client._calls.health) == 0
            return answers

    answers = asyncio.run(main())
    assert [answer.text for answer in answers] == ["Sunday"] * PROMPTS
    assert limiter.refused <= 2 * PROMPTS
    for answer in answers:  # one entry for each refusal, none for each look at the line
        assert len(answer.trail.entries) <= 12
        assert all("waits in line, about" in str(entry) for entry in answer.trail.entries[:-1])


@pytest.mark.parametrize("asynchronous", [False, True])
def test_two_legs_of_a_tier_share_the_work(asynchronous: bool) -> None:
    with FaultServer() as first, FaultServer() as second:
        limiters = Limiter(40, 10), Limiter(20, 10)
        providers = []
        for number, (server, limiter) in enumerate(zip((first, second), limiters, strict=True)):
            server.script(limiter)
            providers.append(Limited(name=f"limited{number}", api_base=server.base_url))

        async def gather() -> list[Any]:
            async with AsyncClient(**PATIENT) as client:
                return await asyncio.gather(
                    *(client.chat.completions.create(messages=MESSAGES, provider=providers) for _ in range(PROMPTS))
                )

        if asynchronous:
            answers = asyncio.run(gather())
        else:
            with Client(**PATIENT) as client, ThreadPoolExecutor(16) as pool:
                answers = list(
                    pool.map(
                        lambda _: client.chat.completions.create(messages=MESSAGES, provider=providers), range(PROMPTS)
                    )
                )
    assert [answer.text for answer in answers] == ["Sunday"] * PROMPTS
    assert sum(limiter.answered for limiter in limiters) == PROMPTS
    assert all(limiter.answered >= PROMPTS / 6 for limiter in limiters)


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_of_zero_seconds_does_not_mean_three_tries_at_once(mode: str, server: FaultServer) -> None:
    server.script(*[replies.error(429, "slow down", retry_after="0")] * 4, replies.answer("Sunday"))
    began = time.monotonic()
    outcome = run(mode, {"retry_wait": None}, {"provider": Limited(api_base=server.base_url)})
    assert outcome.text == "Sunday"
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["RateLimitError"] * 4 + ["ok"]
    waits = [attempt.wait for attempt in outcome.trail.attempts[:-1]]
    assert all(wait is not None and wait >= 0.05 * 2**number for number, wait in enumerate(waits))
    assert time.monotonic() - began >= 0.05 + 0.1 + 0.2 + 0.4


@pytest.mark.parametrize("mode", MODES)
def test_a_call_in_line_fails_with_what_ended_its_wait(mode: str, server: FaultServer) -> None:
    both_are_there = threading.Barrier(2)

    def too_many(request: Received) -> Iterable[Action]:
        both_are_there.wait(20)
        yield from replies.error(429, "slow down", retry_after="1")(request)

    def no_key(request: Received) -> Iterable[Action]:
        both_are_there.wait(20)
        yield Pause(0.3)  # by then, the other call waits
        yield from replies.error(401, "no such key")(request)

    server.script(too_many, no_key)
    answers = ask_all(mode, {}, {"provider": Limited(api_base=server.base_url)}, 2, 2)
    assert {type(one) for one in answers} == {AuthenticationError}
    assert sorted(len(one.attempts) for one in answers) == [1, 1] and len(server.received) == 2


def test_a_cancelled_call_leaves_the_line(server: FaultServer) -> None:
    server.script(replies.error(429, "slow down", retry_after="30"))
    provider = Limited(api_base=server.base_url)

    async def main() -> None:
        async with AsyncClient() as client:
            task = asyncio.ensure_future(client.chat.completions.create(messages=MESSAGES, provider=provider))
            while not waiting(client._calls.health):
                await asyncio.sleep(0.01)
            assert "cooling down until" in str(client.explain(provider=provider))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert waiting(client._calls.health) == 0

    asyncio.run(asyncio.wait_for(main(), 20))


def test_explain_tells_the_rate_and_the_wait(server: FaultServer) -> None:
    server.script(replies.error(429, "slow down", retry_after="9"))
    provider = Limited(api_base=server.base_url)
    with Client(**{**QUICK, "retry_wait": None}) as client:
        with pytest.raises(RateLimitError):
            client.chat.completions.create(messages=MESSAGES, provider=provider, deadline=8)
        planned = client.explain(provider=provider)
        assert planned.tiers == ()
        assert "limited to about 4 requests per second: the wait is about" in str(planned)
        assert "after RateLimitError (slow down)" in str(planned)


@pytest.mark.parametrize("mode", MODES)
def test_the_deadline_bounds_the_wait_in_line(mode: str, server: FaultServer) -> None:
    # The last wait is longer than the deadline, so that no attempt is under way when that passes.
    server.script(*(replies.error(429, "slow down", retry_after=wait) for wait in ("0", "0", "90")))
    began = time.monotonic()
    outcome = run(mode, {"retry_wait": None}, {"provider": Limited(api_base=server.base_url), "deadline": 60.0})
    assert isinstance(outcome.error, RateLimitError)
    assert time.monotonic() - began < 30
    assert [attempt.wait is None for attempt in outcome.trail.attempts] == [False, False, True]


def test_a_hedged_call_does_not_wait_in_line_while_its_first_attempt_is_under_way(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.6), *replies.answer("late")(Received("POST", "/", {}, b"{}")))
    server.on("first", slow).on("second", replies.error(429, "slow down", retry_after="30"))
    routes = [Limited(api_base=server.base_url, name=name, default_model=name) for name in ("first", "second")]

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(routes=routes, hedge_after=0.1, **PATIENT) as client:
            with pytest.raises(RateLimitError):
                await client.chat.completions.create(messages=MESSAGES, provider=routes[1], deadline=5)
            call = asyncio.ensure_future(client.chat.completions.create(messages=MESSAGES))
            while len(server.models) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            assert waiting(client._calls.health) == 0
            return await call

    assert asyncio.run(asyncio.wait_for(main(), 20)).text == "late"
    assert eventually(lambda: server.models == ["second", "first"])
