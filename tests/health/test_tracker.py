"""What a client remembers between calls: breakers, rests, limits; pure first, then on real sockets."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.clocks import FakeClock
from helpers.driving import MESSAGES, QUICK, eventually
from helpers.plans import Here, There, make
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import (
    AsyncClient,
    AuthenticationError,
    Client,
    ConnectionFailedError,
    MalformedResponseError,
    ModelUnavailableError,
    OpenaiTemplate,
    PermissionDeniedError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RoutesExhaustedError,
    ServerError,
    Timeouts,
)
from g4f_lite.keys import Key
from g4f_lite.routing.breaker import Breaker
from g4f_lite.routing.decisions import decide
from g4f_lite.routing.health import Health
from g4f_lite.routing.legs import Leg
from g4f_lite.routing.limits import read_limits
from g4f_lite.routing.plan import Plan, Policy, RestingError
from g4f_lite.testing import FaultServer, replies


def no_jitter() -> float:
    return 1.0


# -- the breaker ---------------------------------------------------------------------------


def test_a_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker()
    for failures in range(3):
        assert not breaker.is_open, failures
        breaker.failure(0, no_jitter)
    assert breaker.is_open
    assert not breaker.lets_pass(4.9)
    assert breaker.lets_pass(5.0)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failure(0, no_jitter)
        breaker.failure(0, no_jitter)
        breaker.success(0)
    assert not breaker.is_open


def test_it_opens_when_half_of_at_least_ten_outcomes_of_the_last_minute_failed() -> None:
    for age, opens in ((0, True), (61, False)):
        breaker = Breaker()
        for _ in range(4):
            breaker.success(0)
            breaker.failure(0, no_jitter)
        breaker.success(age)
        assert not breaker.is_open
        breaker.failure(age, no_jitter)
        assert breaker.is_open is opens


def test_it_stays_open_twice_as_long_after_each_failed_probe_up_to_thirty_seconds() -> None:
    breaker, now, spans = Breaker(), 0.0, []
    for _ in range(3):
        breaker.failure(now, no_jitter)
    for _ in range(5):
        spans.append(breaker.open_until - now)
        now = breaker.open_until
        breaker.probing = True
        breaker.failure(now, no_jitter, probe=True)
    assert spans == [5, 10, 20, 30, 30]
    breaker.probing = True
    breaker.success(now)
    assert breaker.lets_pass(now)


def test_jitter_shortens_by_a_quarter_at_most() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker.failure(0, lambda: 0.0)
    assert breaker.open_until == 3.75


# -- health --------------------------------------------------------------------------------


def leg(model: str = "a", key: str | None = None, provider: type[OpenaiTemplate] = Here) -> Leg:
    return Leg(provider(), model, Key(key, "argument") if key else None)


def hurt(health: Health, one: Leg, error: ProviderError, now: float = 0.0) -> bool:
    admission = health.admit(one, now)
    assert admission.granted
    return health.failed(one, error, decide(error), now, probe=admission.probe)


@pytest.mark.parametrize(
    ("error", "same", "other_model", "other_key"),
    [
        (RateLimitError("x", retry_after=9), 9, 0, 0),
        (RateLimitError("x"), 0, 0, 0),
        (QuotaExceededError("x"), 3600, 3600, 0),
        (QuotaExceededError("x", retry_after=60), 60, 60, 0),
        (AuthenticationError("x"), 600, 600, 0),
        (PermissionDeniedError("x"), 600, 0, 0),
        (ModelUnavailableError("x"), 3600, 0, 0),
        (ServerError("x", retry_after=7), 7, 0, 0),
        (ServerError("x"), 0, 0, 0),
    ],
)
def test_what_rests_and_for_how_long(error: ProviderError, same: float, other_model: float, other_key: float) -> None:
    health = Health(no_jitter)
    hurt(health, leg("a", "k1"), error, now=100)
    for one, rest in ((leg("a", "k1"), same), (leg("b", "k1"), other_model), (leg("a", "k2"), other_key)):
        look = health.look(one, 100)
        assert look.granted is (rest == 0)
        if rest:
            assert look.ready_at == 100 + rest
            assert look.error is not None
            assert (type(look.error), look.error.message) == (type(error), error.message)
    assert health.admit(leg("a", "k1"), 100 + same).granted


def test_one_probe_at_a_time_and_a_cancelled_one_frees_its_place() -> None:
    health, one = Health(no_jitter), leg()
    assert [hurt(health, one, ServerError("x")) for _ in range(3)] == [False, False, True]
    assert not health.admit(one, 4).granted
    assert health.admit(one, 6).probe
    assert not health.admit(one, 6).granted
    health.released(one)  # one that began before the breaker opened: the probe keeps its place
    assert not health.admit(one, 6).granted
    health.released(one, probe=True)
    assert health.admit(one, 6).probe
    health.succeeded(one, 6, wall=0, first_token=None)
    assert health.admit(one, 6).granted
    assert health.admit(one, 6).granted


def test_an_answer_that_is_no_fault_of_the_leg_frees_the_probe() -> None:
    health, one = Health(no_jitter), leg()
    for _ in range(3):
        hurt(health, one, MalformedResponseError("x"))
    assert not hurt(health, one, PermissionDeniedError("x"), now=6)
    assert health.admit(one, 700).probe


@pytest.mark.parametrize(
    ("error", "shared"),
    [
        (ConnectionFailedError("x", kind="refused"), True),
        (ProviderTimeoutError("x", phase="connect"), True),
        (ConnectionFailedError("x", kind="reset"), False),
        (ProviderTimeoutError("x", phase="total"), False),
    ],
)
def test_a_dead_origin_closes_all_its_legs(error: ProviderError, shared: bool) -> None:
    health = Health(no_jitter)
    for _ in range(3):
        hurt(health, leg("a"), error)
    assert not health.look(leg("a"), 1).granted
    assert health.look(leg("b"), 1).granted is not shared
    assert health.look(leg("a", provider=There), 1).granted


def test_limits_of_the_last_answer_are_seen_coming() -> None:
    health, one = Health(no_jitter), leg()
    headers = {
        "x-ratelimit-remaining-requests": "5",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "100",
        "x-ratelimit-reset-tokens": "7.66s",
    }
    assert [tuple(limit) for limit in read_limits(headers, now=50, wall=0)] == [
        ("requests", 5, pytest.approx(229.56)),
        ("tokens", 100, pytest.approx(57.66)),
    ]
    health.admit(one, 50)
    health.succeeded(one, 50, wall=0, headers=headers, first_token=None)
    assert health.look(one, 50, tokens=99).granted
    look = health.look(one, 50, tokens=101)
    assert isinstance(look.error, RateLimitError)
    assert look.ready_at == pytest.approx(57.66)
    assert health.look(one, 58, tokens=101).granted


@given(st.dictionaries(st.sampled_from(["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "x"]), st.text()))
@settings(deadline=None)
def test_no_header_hurts(headers: dict[str, str]) -> None:
    for limit in read_limits(headers, now=0, wall=0):
        assert limit.left >= 0
        assert limit.reset_at >= 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("g4f_lite.routing.health.MOST_LEGS", 10)
    health = Health(no_jitter)
    for number in range(100):
        hurt(health, leg(f"m{number}"), ServerError("x"))
    assert len(health._legs) <= 10


# -- plans that share a health -------------------------------------------------------------


def test_a_plan_waits_for_the_first_leg_that_comes_back() -> None:
    health = Health(no_jitter)
    hurt(health, leg("a"), RateLimitError("slow down", retry_after=30), now=1000)
    hurt(health, leg("b"), RateLimitError("slow down", retry_after=20), now=1000)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    with pytest.raises(RestingError):
        plan.begin()
    assert not plan.stopped
    assert plan.wait_s == 20
    clock.now += 20
    assert plan.begin().leg.model == "b"
    assert [str(skipped).partition(" after")[2] for skipped in plan.trail().skipped] == [
        " RateLimitError (slow down)",
    ] * 2


def test_a_plan_whose_legs_rest_too_long_says_when_to_come_back() -> None:
    health = Health(no_jitter)
    for model, wait in (("a", 900), ("b", 500)):
        hurt(health, leg(model), RateLimitError("slow down", retry_after=wait), now=1000)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    with pytest.raises(RestingError):
        plan.begin()
    assert plan.stopped
    error = plan.final_error()
    assert isinstance(error, RoutesExhaustedError)
    assert error.retry_at == clock.time() + 500
    assert [str(one) for one in error.exceptions] == ["here:a: rests: slow down", "here:b: rests: slow down"]
    assert all(isinstance(one, RateLimitError) for one in error.exceptions)
    plan, _ = make([leg("a")], health=health)
    with pytest.raises(RestingError):
        plan.begin()
    assert isinstance(plan.final_error(), RateLimitError)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([ServerError, RateLimitError, ModelUnavailableError, AuthenticationError, None]),
        st.floats(0, 20),
    ),
    max_size=30,
)


@given(steps=STEPS)
@settings(max_examples=1000, deadline=None)
def test_what_is_looked_at_agrees_with_what_is_then_attempted(steps: list[Any]) -> None:
    health, clock = Health(random.Random(1).random), FakeClock()
    for model, kind, passed in steps:
        one = leg(model, "k1" if model == "a" else "k2")
        admission = health.admit(one, clock.now)
        if admission.granted and kind is None:
            health.succeeded(one, clock.now, wall=0, first_token=passed)
        elif admission.granted:
            error = kind("x", retry_after=passed if kind is RateLimitError else None)
            health.failed(one, error, decide(error), clock.now, probe=admission.probe)
        clock.now += passed
    tiers = [[leg(model, "k1" if model == "a" else "k2")] for model in ("a", "b", "c")]
    usable = [tier[0].model for tier in tiers if health.look(tier[0], clock.now).granted]
    plan = Plan(tiers, policy=Policy(retries=0), clock=clock, random=no_jitter, health=health)
    tried = []
    while not plan.stopped:
        try:
            run = plan.begin()
        except RestingError:
            break
        tried.append(run.leg.model)
        plan.fail(run, PermissionDeniedError("x"))
    assert tried == usable


# -- on real sockets -----------------------------------------------------------------------


class Good(OpenaiTemplate):
    name = "good"
    needs_auth = False
    default_model = "fine"


@pytest.fixture
def outage(server: FaultServer) -> tuple[FaultServer, dict[str, Any]]:
    """A dead leg before a good one, and the settings of a client for them."""
    server.on("dead", replies.error(503, "overloaded")).on("fine", replies.answer("fine"))
    routes = [Good(api_base=server.base_url, name=name, default_model=name) for name in ("dead", "fine")]
    patient = Timeouts(connect=10, first_token=10, stall=10, total=10)  # fifty at once on a busy machine
    return server, {**QUICK, "routes": routes, "retry_wait": lambda state: 0.3, "timeouts": patient}


def test_fifty_threads_are_all_served_and_the_dead_leg_is_soon_left_alone(
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


def test_fifty_tasks_are_all_served_and_the_dead_leg_is_soon_left_alone(
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


def test_a_leg_on_which_other_calls_fail_too_is_not_tried_again() -> None:
    health = Health(no_jitter)
    plan, clock = make([leg("a")], [leg("b")], health=health)
    assert plan.fail(plan.begin(), ServerError("x")).wait == 0.25
    hurt(health, leg("a"), ServerError("x"), now=clock.now)
    clock.now += 0.25
    assert plan.begin().leg.model == "b"
    assert "other calls fail there too" in str(plan.trail())


def test_a_leg_is_in_use_again_after_its_recovery(
    outage: tuple[FaultServer, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("g4f_lite.routing.breaker.OPEN_S", 0.2)
    server, options = outage
    with Client(**options) as client:
        for _ in range(3):
            assert client.chat.completions.create(messages=MESSAGES).provider == "fine"
        assert server.models.count("dead") == 3
        server.on("dead", replies.answer("alive"))

        def recovered() -> bool:
            return client.chat.completions.create(messages=MESSAGES).provider == "dead"

        assert not recovered()
        assert eventually(recovered)


def test_explain_tells_what_rests(groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    with Client() as client:
        before = client.explain(provider="groq")
        assert before.tiers[0][0].model == "openai/gpt-oss-120b"
        client.chat.completions.create(messages=MESSAGES, provider="groq")
        after = client.explain(provider="groq")
        assert [tier[0].model for tier in after.tiers] == ["openai/gpt-oss-20b", "qwen/qwen3.8-27b"]
        assert "ModelUnavailableError (gone)" in str(after)
        assert client.chat.completions.create(messages=MESSAGES, provider="groq").attempts[0].status == 200


def test_a_pool_of_keys_goes_on_when_one_is_refused(server: FaultServer) -> None:
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


def test_a_call_waits_for_a_leg_that_rests_briefly(groq: FaultServer) -> None:
    groq.script(
        replies.answer("ok", headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"})
    )
    with Client() as client:
        for _ in range(2):
            client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
            began = time.monotonic()
        client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
    assert time.monotonic() - began >= 0.25


def test_a_wait_of_a_million_years_hurts_nobody(groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(429, "never", retry_after="999999999999999d"))
    with Client() as client:
        for _ in range(2):
            assert client.chat.completions.create(messages=MESSAGES, provider="groq").text == "ok"
        assert "further notice" in str(client.explain(provider="groq"))


def test_a_kept_failure_keeps_no_call_alive(groq: FaultServer) -> None:
    groq.script(replies.error(401, "Invalid API Key"))
    with Client() as client:
        for _ in range(20):
            with pytest.raises(AuthenticationError):
                client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
        gc.collect()
        assert sum(isinstance(one, Plan) for one in gc.get_objects()) <= 2


def test_the_moment_to_come_back_is_told_whatever_the_failure(groq: FaultServer) -> None:
    groq.script(replies.error(403, "not for you"))
    with Client() as client, pytest.raises(PermissionDeniedError) as caught:
        client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
    assert caught.value.retry_at == pytest.approx(time.time() + 600, abs=5)
