"""`limits=`: never more than declared, and all of it; calls wait in line, or go on to the next leg."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from helpers.driving import MESSAGES, MODES, eventually, run
from helpers.limited import Counted, Day, FastState, settings
from helpers.sharing import ask_all

import g4f_lite
from g4f_lite import AsyncClient, AuthenticationError, Client, Limits, RateLimitError, RoutesExhaustedError
from g4f_lite.health import gate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Pause, Received


class Count(msgspec.Struct):
    count: int


def used(client: Any, scope: str = "leg/day") -> dict[Any, Any]:
    return client._calls.link._state.used(scope)  # type: ignore[no-any-return]


def texts(answers: list[Any]) -> set[Any]:
    return {getattr(one, "text", one) for one in answers}


@pytest.mark.parametrize("mode", MODES)
def test_there_are_never_more_calls_at_once_than_declared_and_all_of_them_are_used(
    mode: str, server: FaultServer
) -> None:
    service, state = Counted(0.02), FastState()
    server.script(service)
    limits = {"day": Limits(parallel=4)}
    answers = ask_all(mode, settings(server, limits=limits, state=state), {"provider": "day"}, 40, 16)
    assert texts(answers) == {"Sunday"}
    assert service.most == 4
    assert state.under_way("leg/day") == 0
    assert state.asked <= 40 * 3  # those in line do not ask all the time


@pytest.mark.parametrize("mode", MODES)
def test_a_rate_is_never_exceeded_in_any_window_and_is_used_up(mode: str, server: FaultServer) -> None:
    state = FastState(speed=60.0)
    limits = {"day": Limits(rpm=10)}
    answers = ask_all(mode, settings(server, limits=limits, state=state, deadline=60), {"provider": "day"}, 25, 6)
    assert texts(answers) == {"ok"}
    assert len(server.received) == len(state.granted) == 25
    assert state.most_in(60_000) == 10
    assert state.granted[-1][0] - state.granted[0][0] < 4 * 61_000


@pytest.mark.parametrize(("unit", "limits"), [("requests", Limits(rpm=60)), ("tokens", Limits(tpm=1500))])
def test_callers_of_uneven_appetite_reach_a_declared_rate(unit: str, limits: Limits, server: FaultServer) -> None:
    state, minutes = FastState(speed=30.0), 2
    most = limits.rpm or limits.tpm or 0
    stop = threading.Event()

    def service(request: Received) -> Iterable[Action]:
        words = 1 + request.json["messages"][0]["content"].count("day")
        return replies.answer(" ".join(["Sunday"] * words))(request)

    server.script(service)
    with Client(**settings(server, limits={"day": limits}, state=state, deadline=60)) as client:

        def ask(appetite: int) -> int:
            answered = 0
            while not stop.is_set():
                messages = [{"role": "user", "content": "day " * (1 + appetite)}]
                client.chat.completions.create(messages=messages, provider="day")
                answered += 1
                time.sleep(0.002 * appetite)
            return answered

        with ThreadPoolExecutor(8) as pool:
            callers = [pool.submit(ask, appetite) for appetite in range(8)]
            eventually(lambda: bool(state.granted) and state.now_ms() - state.granted[0][0] >= minutes * 61_000, 30)
            stop.set()
    assert state.most_in(60_000, unit) <= most
    assert state.used_until(state.granted[0][0] + minutes * 61_000, unit) >= 0.95 * most * minutes
    assert all(one.result() > 0 for one in callers)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_goes_on_to_the_next_leg_if_the_wait_is_longer_than_patience(mode: str, server: FaultServer) -> None:
    state = FastState()
    client_settings = settings(server, limits={"day": Limits(rpm=1)}, state=state, routes=["day", "night"])
    first, second = run(mode, client_settings, {}), run(mode, client_settings, {})
    assert first.trace == ["day:sunday 200 in T"]
    assert second.trace[1] == "night:moon 200 in T"
    assert second.trace[0].startswith(
        "day:sunday skipped: limited to 1 requests a minute (limits of 'day'): the wait is"
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_call_waits_in_line_if_the_wait_is_within_its_patience(mode: str, server: FaultServer) -> None:
    state = FastState(speed=120.0)
    client_settings = settings(
        server, limits={"day": Limits(rpm=1)}, state=state, routes=["day", "night"], patience=20, deadline=60
    )
    outcomes = [run(mode, client_settings, {}) for _ in range(2)]
    assert [one.completion and one.completion.provider for one in outcomes] == ["day", "day"]
    assert len(outcomes[1].trail.attempts) == 1 and len(outcomes[1].trail.skipped) == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_error_says_which_limit_it_is_and_when_it_may_work_again(mode: str, server: FaultServer) -> None:
    state = FastState()
    client_settings = settings(server, limits={"day:sunday": Limits(rpm=1)}, state=state, deadline=5)
    assert run(mode, client_settings, {"provider": "day"}).text == "ok"
    began = time.monotonic()
    error = run(mode, client_settings, {"provider": "day"}).error
    assert time.monotonic() - began < 4  # it does not wait for what comes too late
    assert type(error) is RateLimitError
    assert str(error) == "day:sunday: limited to 1 requests a minute (limits of 'day:sunday')"
    assert error.retry_at is not None and 40 < error.retry_at - time.time() < 62
    assert error.attempts == () and len(server.received) == 1


@pytest.mark.parametrize("mode", MODES)
def test_the_error_of_several_legs_names_the_limit_of_each(mode: str, server: FaultServer) -> None:
    limits = {"day": Limits(rpm=1), "night": Limits(rpd=1)}
    client_settings = settings(server, limits=limits, state=FastState(), deadline=5, routes=["day", "night"])
    assert [run(mode, client_settings, {}).text for _ in range(2)] == ["ok", "ok"]
    error = run(mode, client_settings, {}).error
    assert isinstance(error, RoutesExhaustedError) and isinstance(error, RateLimitError)
    assert "limited to 1 requests a minute (limits of 'day')" in str(error)
    assert "limited to 1 requests in 24 hours (limits of 'night')" in str(error)
    assert error.retry_at is not None and error.retry_at - time.time() < 62


@pytest.mark.parametrize("mode", MODES)
def test_tokens_are_reserved_before_a_call_and_settled_with_its_usage(mode: str, server: FaultServer) -> None:
    state = FastState()
    client_settings = settings(server, limits={"day": Limits(tpm=2000)}, state=state, deadline=5)
    params = {"provider": "day", "max_tokens": 500}
    assert run(mode, client_settings, params).text == "ok"
    (_, reserve), *_ = state.granted
    assert 500 < reserve.amounts[0].amount < 700
    assert state.used("leg/day")["tokens", "minute"].spent == 6
    answers = ask_all(mode, client_settings, params, 12, 12)  # three at once
    assert texts(answers) == {"ok"}
    assert state.used("leg/day")["tokens", "minute"].spent == 13 * 6


def test_a_request_that_seems_larger_than_the_limit_goes_alone(server: FaultServer) -> None:
    with Client(**settings(server, limits={"day": Limits(tpm=100)})) as client:
        assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"
        assert used(client)["tokens", "minute"].spent == 6


def no_usage(request: Received) -> Iterable[Action]:
    choice = {"index": 0, "finish_reason": "stop"}
    said = {"role": "assistant", "content": "Sunday"}
    if request.stream:
        yield from replies.stream([{"choices": [{**choice, "delta": said}]}, "[DONE]"])(request)
    else:
        yield from replies.body(json.dumps({"choices": [{**choice, "message": said}]}).encode())(request)


SENT = {
    "a usage": (replies.answer("Sunday"), (1, 6)),
    "an error status": (replies.error(400, "no"), (1, 0)),
    "no usage": (no_usage, None),
    "a cut": (replies.cut(1), None),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SENT)
def test_what_was_used_follows_from_the_answer(mode: str, name: str, server: FaultServer) -> None:
    reply, spent = SENT[name]
    server.script(reply)
    state = FastState()
    limits = {"day": Limits(rpm=100, tpm=5000, parallel=2)}
    run(mode, settings(server, limits=limits, state=state, retries=0), {"provider": "day", "max_tokens": 100})
    found = state.used("leg/day")
    reserved = next(amount.amount for amount in state.granted[0][1].amounts if amount.unit == "tokens")
    assert found["requests", "minute"].spent >= 1
    attempts = found["requests", "minute"].spent
    expected = (1, reserved * attempts) if spent is None else spent
    tokens = found.get(("tokens", "minute"))
    assert (0 if tokens is None else tokens.spent) == expected[1]
    assert state.under_way("leg/day") == 0


@pytest.mark.parametrize("mode", MODES)
def test_what_was_not_sent_uses_nothing(mode: str, server: FaultServer) -> None:
    server.close()
    state = FastState()
    limits = {"day": Limits(rpm=100, tpm=5000, parallel=2)}
    outcome = run(mode, settings(server, limits=limits, state=state), {"provider": "day"})
    assert isinstance(outcome.error, g4f_lite.ConnectionFailedError)
    assert state.granted
    assert [(one.spent, one.reserved) for one in state.used("leg/day").values()] == [(0, 0), (0, 0)]


def test_a_stream_holds_its_place_until_its_end(server: FaultServer) -> None:
    with Client(**settings(server, limits={"day": Limits(parallel=1)}, deadline=1)) as client:
        stream = client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)
        with pytest.raises(RateLimitError, match="limited to 1 calls at once"):
            client.chat.completions.create(messages=MESSAGES, provider="day")
        stream.close()
        assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"
        client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)  # abandoned
        assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"
        assert used(client) == {}


def test_a_client_that_is_closed_under_a_stream_gives_everything_back(server: FaultServer) -> None:
    state = FastState()
    client = Client(**settings(server, limits={"day": Limits(parallel=1)}, state=state, deadline=1))
    stream = client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)
    client.close()
    stream.close()
    assert state.under_way("leg/day") == 0
    assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"


def test_who_came_first_goes_first(server: FaultServer) -> None:
    server.script(Counted(0.1))
    with Client(**settings(server, limits={"day": Limits(parallel=1)}, deadline=60)) as client:

        def ask(number: int) -> None:
            messages = [{"role": "user", "content": str(number)}]
            client.chat.completions.create(messages=messages, provider="day")

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
        line = client._calls.shared.quotas.scopes["leg/day"].gate  # type: ignore[union-attr]
        for number, thread in enumerate(threads):
            thread.start()
            assert eventually(lambda: len(server.received) + len(line) > number)  # noqa: B023  # called at once
        for thread in threads:
            thread.join()
        assert len(line) == 0
    assert [one.json["messages"][0]["content"] for one in server.received] == ["0", "1", "2", "3", "4"]


def test_the_deadline_ends_the_wait_of_a_call_that_nobody_wakes(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BACKSTOP_S", 60.0)
    with Client(**settings(server, limits={"day": Limits(parallel=1)}, deadline=0.5)) as client:
        stream = client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)
        began = time.monotonic()

        def ask(_: int) -> BaseException:
            with pytest.raises(RateLimitError, match="limited to 1 calls at once") as caught:
                client.chat.completions.create(messages=MESSAGES, provider="day")
            return caught.value

        with ThreadPoolExecutor(3) as pool:
            assert len(list(pool.map(ask, range(3)))) == 3
        assert time.monotonic() - began < 20
        stream.close()


@pytest.mark.parametrize("mode", MODES)
def test_calls_in_line_learn_one_after_another_what_they_wait_for_in_vain(
    mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BACKSTOP_S", 60.0)

    def refuse(request: Received) -> Iterable[Action]:
        yield Pause(0.2)
        yield from replies.error(401, "no such key")(request)

    server.on("sunday", refuse)
    limited = settings(server, limits={"day": Limits(parallel=1)}, deadline=30)
    answers = ask_all(mode, limited, {"provider": "day"}, 6, 6)
    assert {type(one) for one in answers} == {AuthenticationError}
    assert len(server.received) == 1
    answers = ask_all(mode, {**limited, "patience": 20}, {"provider": ["day", "night"]}, 6, 6)
    assert texts(answers) == {"ok"}
    assert sorted(server.models) == ["moon"] * 6 + ["sunday"] * 2


@pytest.mark.parametrize("mode", MODES)
def test_a_correction_a_second_key_and_a_stream_that_starts_over_are_further_requests(
    mode: str, server: FaultServer
) -> None:
    state = FastState()
    limits = {"day": Limits(rpm=100, parallel=1), "night": Limits(rpm=100, parallel=1)}
    one = settings(server, limits=limits, state=state, deadline=10)
    server.on("sunday", replies.answer('{"count": "many"}'), replies.answer('{"count": 3}'))
    outcome = run(mode, one, {"provider": "day", "response_model": Count, "on_interrupt": "restart"})
    assert state.under_way("leg/day", "leg/night") == 0
    assert state.used("leg/day")["requests", "minute"].spent == len(outcome.trail.attempts) == len(server.received)
    server.on("moon", replies.error(401, "no"), replies.answer("yes"))
    many = {**one, "keys": {"night": ["first", "second"]}}
    outcome = run(mode, many, {"provider": "night"})
    assert outcome.text == "yes"
    assert state.used("leg/night")["requests", "minute"].spent == 2
    server.on("sunday", replies.cut(2))
    run(mode, {**one, "state": state}, {"provider": ["day", "night"], "on_interrupt": "restart", "retries": 0})
    assert state.under_way("leg/day", "leg/night") == 0


def test_a_cancelled_call_leaves_the_line_and_wakes_nobody_for_nothing(server: FaultServer) -> None:
    server.script(Counted(0.3))
    state = FastState()

    async def main() -> None:
        limits = {"day": Limits(parallel=1)}
        async with AsyncClient(**settings(server, limits=limits, state=state, deadline=60)) as client:

            async def ask() -> str:
                return (await client.chat.completions.create(messages=MESSAGES, provider="day")).text

            tasks = [asyncio.create_task(ask()) for _ in range(4)]
            await asyncio.sleep(0.1)
            tasks[1].cancel()
            tasks[0].cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert answers[2:] == ["Sunday", "Sunday"]
            assert len(client._calls.shared.quotas.scopes["leg/day"].gate) == 0  # type: ignore[union-attr]

    asyncio.run(main())
    assert state.under_way("leg/day") == 0


def test_the_loser_of_a_race_gives_back_its_place(server: FaultServer) -> None:
    server.on("sunday", replies.silence()).on("moon", replies.answer("moon"))
    state = FastState()
    limits = {"day": Limits(parallel=1, rpm=5), "night": Limits(parallel=1, rpm=5)}

    async def main() -> None:
        client_settings = settings(server, limits=limits, state=state, routes=["day", "night"])
        async with AsyncClient(hedge_after=0.05, **client_settings) as client:
            assert (await client.chat.completions.create(messages=MESSAGES)).text == "moon"

    asyncio.run(main())
    assert state.under_way("leg/day", "leg/night") == 0
    assert state.used("leg/day")["requests", "minute"].spent == 1


def test_limits_hold_for_a_provider_a_route_and_an_alias_at_once(server: FaultServer) -> None:
    state = FastState()

    class Aliased(Day):
        name = "aliased"
        model_aliases = {"sun": "sunday"}

    limits = {"aliased": Limits(rpm=3), "aliased:sun": Limits(rpm=2), "aliased:monday": Limits(rpm=1)}
    client_settings = settings(server, limits=limits, state=state, deadline=1, plugins=[Aliased])
    client_settings["base_urls"] = {"aliased": server.base_url}
    with Client(**client_settings) as client:
        for _ in range(2):
            client.chat.completions.create(messages=MESSAGES, provider="aliased")
        with pytest.raises(RateLimitError, match="limits of 'aliased:sun'"):
            client.chat.completions.create(messages=MESSAGES, provider="aliased")
        client.chat.completions.create(messages=MESSAGES, model="aliased:monday")
        with pytest.raises(RateLimitError, match="limits of 'aliased'"):
            client.chat.completions.create(messages=MESSAGES, model="aliased:tuesday")


def test_other_endpoints_and_the_list_of_models_count_as_requests(two: dict[str, Any]) -> None:
    state = FastState()
    with Client(**two, limits={"alpha": Limits(rpm=3, tpm=1000)}, state=state, deadline=1) as client:
        client.embeddings.create(input="a text", provider="alpha")
        client.models.list(provider="alpha")
        client.images.generate(prompt="a sun", provider="alpha")
        found = state.used("leg/alpha")
        assert found["requests", "minute"].spent == 3
        assert state.under_way("leg/alpha") == 0
        with pytest.raises(RateLimitError, match="3 requests a minute"):
            client.images.generate(prompt="a sun", provider="alpha")


def test_explain_tells_what_is_left_and_uses_nothing(server: FaultServer) -> None:
    with Client(**settings(server, limits={"day": Limits(rpm=1, tpd=5_000)}, deadline=1)) as client:
        before = str(client.explain(provider="day"))
        assert (
            "1 of 1 requests a minute are left (limits of 'day'); 5,000 of 5,000 tokens in 24 hours are left" in before
        )
        client.chat.completions.create(messages=MESSAGES, provider="day")
        assert "; 0 of 1 requests a minute are left" in str(client.explain(provider="day"))
        with pytest.raises(RateLimitError):
            client.chat.completions.create(messages=MESSAGES, provider="day")
        (skipped,) = client.explain(provider="day").skipped
        assert skipped.reason.startswith("limited to 1 requests a minute (limits of 'day'): the wait is about ")


def test_a_withdrawn_attempt_is_told_to_no_observer(server: FaultServer) -> None:
    told: list[str] = []

    class Observer:
        @g4f_lite.hookimpl
        def attempt_started(self, attempt: g4f_lite.Attempt) -> None:
            told.append("started")

        @g4f_lite.hookimpl
        def attempt_finished(self, attempt: g4f_lite.Attempt) -> None:
            told.append("finished")

    client_settings = settings(server, limits={"day": Limits(rpm=1)}, deadline=1)
    client_settings["plugins"].append(Observer())
    with Client(**client_settings) as client:
        client.chat.completions.create(messages=MESSAGES, provider="day")
        with pytest.raises(RateLimitError):
            client.chat.completions.create(messages=MESSAGES, provider="day")
    assert told == ["started", "finished"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"limits": [Limits(rpm=1)]}, "limits must be a mapping from provider names, not list"),
    ({"limits": {"groq": 30}}, r"limits\['groq'\] must be g4f_lite.Limits\(…\), not 30"),
    ({"limits": {1: Limits(rpm=1)}}, "limits must be named by providers or routes, not by 1"),
    ({"budget": 5}, r"budget must be g4f_lite.Budget\(…\), not 5"),
    ({"state": "postgres://x"}, "state must be a URL .*begins with 'postgres'"),
    ({"state": "sqlite://"}, "with the absolute path of a file"),
    ({"state": 5}, "or a SharedState, not int"),
    ({"state": SimpleNamespace(execute=list, wait=list, close=list)}, "or a SharedState, not SimpleNamespace"),
]


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(("given", "message"), WRONG)
def test_settings_that_cannot_work_are_refused_before_anything_is_sent(
    client: Any, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match=message):
        client(**given)


@pytest.mark.parametrize("wrong", [{"rpm": 0}, {"rpm": 1.5}, {"tpm": True}, {"parallel": -1}, {"rpd": "9"}, {}])
def test_limits_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match=r"Limits"):
        Limits(**wrong)


def test_a_misspelt_name_of_a_limit_warns() -> None:
    with pytest.warns(UserWarning, match="limits names 'grok', .* did you mean 'groq'"):
        Client(limits={"grok:some-model": Limits(rpm=1)})
    Client(limits={"mine-alone": Limits(rpm=1)})
