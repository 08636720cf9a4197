"""A second leg starts beside a slow one, and only one of them answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from helpers.driving import MESSAGES, eventually
from helpers.plain_routes import Plain, routes
from helpers.plans import Here, There, make

import g4f_lite
from g4f_lite import AsyncClient, Attempt, OpenaiTemplate, hookimpl
from g4f_lite.failover.hedging import race
from g4f_lite.failover.plan import AttemptState
from g4f_lite.health.tracker import Health
from g4f_lite.provider.leg import Leg
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("stream", [False, True])
def test_a_second_leg_starts_beside_a_slow_one_and_the_first_content_wins(stream: bool, server: FaultServer) -> None:
    server.on("first", replies.silence()).on("second", replies.answer("two words"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.1) as client:
            if not stream:
                return await client.chat.completions.create(messages=MESSAGES)
            chunks = await client.chat.completions.create(messages=MESSAGES, stream=True)
            assert "".join([chunk.text async for chunk in chunks]) == "two words"
            assert len(asyncio.all_tasks()) == 1
            return chunks.completion

    began = time.monotonic()
    reply = asyncio.run(main())
    assert time.monotonic() - began < 5
    assert (reply.text, reply.provider) == ("two words", "plain")
    assert [attempt.outcome for attempt in reply.attempts if attempt.provider == "plain"] == ["ok"]


def test_a_quick_leg_runs_alone(server: FaultServer) -> None:
    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=5) as client:
            assert (await client.chat.completions.create(messages=MESSAGES)).provider == "first"

    asyncio.run(main())
    assert server.models == ["first"]


def test_if_the_second_leg_fails_the_first_may_still_answer(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.4), *replies.answer("late")(g4f_lite.testing.Received("POST", "/", {}, b"{}")))
    server.on("first", slow).on("second", replies.error(404, "gone", code="model_not_found"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            return await client.chat.completions.create(messages=MESSAGES)

    reply = asyncio.run(main())
    assert reply.text == "late"
    assert [attempt.outcome for attempt in reply.attempts] == ["ModelUnavailableError", "ok"]


def test_cancelling_a_hedged_call_stops_both_legs(server: FaultServer) -> None:
    server.script(replies.silence())

    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            others = asyncio.all_tasks()
            task = asyncio.create_task(client.chat.completions.create(messages=MESSAGES))
            while len(server.models) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == others

    asyncio.run(asyncio.wait_for(main(), 20))
    assert server.models == ["first", "second"]


def test_the_winners_answer_is_discarded_if_the_caller_is_cancelled_while_the_loser_ends() -> None:
    async def main() -> None:
        health = Health(lambda: 0.5)
        legs = Leg(Here(), "slow"), Leg(There(), "fast")
        plan, _ = make(*([leg] for leg in legs), health=health)
        loser_is_cancelled, loser_may_end = asyncio.Event(), asyncio.Event()

        async def attempt() -> AttemptState:
            state = plan.begin()
            if state.leg.model == "fast":
                return state
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                loser_is_cancelled.set()
                await loser_may_end.wait()
                plan.abort(state, error)
                raise
            raise AssertionError

        async def discard(state: AttemptState) -> None:
            plan.abort(state, asyncio.CancelledError())

        call = asyncio.ensure_future(race(plan, attempt, 0.001, discard))
        await loser_is_cancelled.wait()
        call.cancel()
        await asyncio.sleep(0)
        loser_may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [(one.model, one.outcome) for one in plan.trail().attempts] == [
            ("slow", "LostRace"),
            ("fast", "CancelledError"),
        ]
        assert [health.in_flight(leg) for leg in legs] == [0, 0]
        assert plan.finished
        assert not plan.race_won

    asyncio.run(main())


class Observer:
    """Cancels a task when a hedged leg has lost, while the caller waits for that leg to end."""

    def __init__(self) -> None:
        self.caller: asyncio.Future[Any] | None = None
        self.outcomes: list[str | None] = []

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.outcomes.append(attempt.outcome)
        if attempt.outcome == "LostRace" and self.caller is not None:
            self.caller.cancel()


def slow_and_fast(server: FaultServer) -> list[OpenaiTemplate]:
    names = ("slow", "fast")
    return [OpenaiTemplate(name=name, api_base=server.base_url, default_model=name, needs_auth=False) for name in names]


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_that_is_cancelled_while_the_loser_ends_leaves_nothing_open(stream: bool, server: FaultServer) -> None:
    server.on("slow", replies.silence()).on("fast", replies.silence("stream", 3) if stream else replies.answer("ok"))

    async def main() -> None:
        observer = Observer()
        async with AsyncClient(routes=slow_and_fast(server), hedge_after=0.05, plugins=[observer]) as client:
            create = client.chat.completions.create(messages=MESSAGES, stream=stream)
            observer.caller = asyncio.ensure_future(create)
            with pytest.raises(asyncio.CancelledError):
                await observer.caller
            assert sorted(filter(None, observer.outcomes)) == sorted(["LostRace", "CancelledError" if stream else "ok"])
            assert len(asyncio.all_tasks()) == 1
            if stream:
                assert await asyncio.to_thread(eventually, lambda: server.open_connections == 0)

    asyncio.run(main())


def test_the_trail_says_that_a_slower_leg_lost_the_race(server: FaultServer) -> None:
    server.on("slow", replies.silence()).on("fast", replies.answer("ok"))

    async def main() -> None:
        async with AsyncClient(routes=slow_and_fast(server), hedge_after=0.05) as client:
            reply = await client.chat.completions.create(messages=MESSAGES)
        lost = next(one for one in reply.attempts if one.provider == "slow")
        assert str(lost) == "slow:slow LostRace → another leg was faster"

    asyncio.run(main())


@pytest.mark.parametrize("answers", [True, False])
def test_the_last_attempt_is_the_one_that_has_ended_the_call(answers: bool, server: FaultServer) -> None:
    """Logs, metrics and lists of models are those of the last one."""
    blocked = replies.error(400, "blocked", code="content_filter")
    server.on("slow", replies.silence()).on("fast", replies.answer("ok") if answers else blocked)

    async def main() -> Sequence[Attempt]:
        async with AsyncClient(routes=slow_and_fast(server), hedge_after=0.05) as client:
            try:
                return (await client.chat.completions.create(messages=MESSAGES)).attempts
            except g4f_lite.ContentFilterError as error:
                return error.attempts

    found = [(one.provider, one.outcome) for one in asyncio.run(main())]
    assert found == [("slow", "LostRace"), ("fast", "ok" if answers else "ContentFilterError")]


def test_it_is_so_if_both_legs_have_answered_while_the_program_was_held_up(server: FaultServer) -> None:
    server.script(lambda request: [replies.Pause(0.1), *replies.answer("ok")(request)])

    async def main() -> None:
        async with AsyncClient(routes=slow_and_fast(server), hedge_after=0.02) as client:
            for _ in range(6):
                call = asyncio.ensure_future(client.chat.completions.create(messages=MESSAGES))
                await asyncio.sleep(0.05)
                time.sleep(0.15)
                reply = await call
                assert reply.attempts[-1].provider == reply.provider

    asyncio.run(main())


def test_a_list_of_models_is_that_of_the_key_which_was_faster(server: FaultServer) -> None:
    class Nearby(OpenaiTemplate):
        name, default_model, needs_auth, lists_models = "nearby", "", False, True

    server.on("/models", replies.silence(), replies.models("of-two"), replies.models("of-one"))
    keys = {"nearby": ["key-number-one", "key-number-two"]}

    async def main() -> None:
        async with AsyncClient(routes=[Nearby(api_base=server.base_url)], keys=keys, hedge_after=0.05) as client:
            assert (await client.models.list(provider="nearby")).ids == ("of-two",)
            await client.chat.completions.create(messages=MESSAGES)

    asyncio.run(main())
    chat = server.received[-1]
    assert (chat.headers["authorization"][-3:], chat.model) == ("one", "of-one")


def test_a_bug_in_a_loser_is_not_called_a_lost_race() -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")])
    cancelled, failed = plan.begin(), plan.begin()
    plan.race_won = True
    assert plan.abort(cancelled, asyncio.CancelledError()).outcome == "LostRace"
    assert plan.abort(failed, RuntimeError("a bug")).outcome == "RuntimeError"
