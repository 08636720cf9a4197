"""A service that calls a request invalid may be wrong: another one is asked, once."""

from __future__ import annotations

import pytest
from helpers.driving import MODES, run
from helpers.plans import K1, Here, There, leg, legs, make, no_jitter

import g4f_lite
from g4f_lite import ContentFilterError, InvalidRequestError, RateLimitError, ServerError
from g4f_lite.failover.plan import Plan
from g4f_lite.health.tracker import Health
from g4f_lite.provider.leg import Leg
from g4f_lite.testing import FaultServer, replies


def fail_next(plan: Plan, error: g4f_lite.ProviderError) -> str:
    state = plan.begin()
    plan.fail(state, error)
    return f"{state.leg.provider.name}:{state.leg.model}"


def test_another_provider_is_asked_before_other_models_of_the_first_one() -> None:
    plan, _ = make(*legs(), retries=0)
    first = InvalidRequestError("messages are odd")
    assert fail_next(plan, first) == "here:a"
    assert fail_next(plan, InvalidRequestError("what is this?")) == "there:c"
    assert plan.finished
    assert plan.not_retryable
    assert plan.final_error() is first
    assert [entry.reason for entry in plan.trail().entries] == [
        "next leg", "is the model of here:a, which failed (InvalidRequestError)", "stop: another leg said so, too",
    ]  # fmt: skip


def test_another_model_is_asked_if_there_is_no_other_provider() -> None:
    plan, _ = make([leg("a", "k1"), leg("a", "k2")], [leg("b")], [leg("c")])
    assert fail_next(plan, first := InvalidRequestError("x")) == "here:a"
    assert fail_next(plan, InvalidRequestError("y")) == "here:b"
    assert plan.finished
    assert plan.final_error() is first


def test_a_second_opinion_that_fails_otherwise_is_asked_of_the_next_leg() -> None:
    plan, _ = make(*legs(), retries=0)
    assert fail_next(plan, first := InvalidRequestError("x")) == "here:a"
    assert fail_next(plan, ServerError("down")) == "there:c"
    assert not plan.finished
    assert fail_next(plan, InvalidRequestError("y")) == "here:b"
    assert plan.finished
    assert plan.final_error() is first


def test_without_a_second_opinion_the_errors_of_all_legs_are_raised() -> None:
    plan, _ = make([leg("a")], [leg("c", provider=There)], retries=0)
    fail_next(plan, InvalidRequestError("x"))
    fail_next(plan, ServerError("down"))
    assert plan.finished
    assert isinstance(error := plan.final_error(), g4f_lite.RoutesExhaustedError)
    assert [type(one) for one in error.exceptions] == [InvalidRequestError, ServerError]


def test_an_error_that_stops_the_call_is_raised_instead_of_the_first_opinion() -> None:
    plan, _ = make([leg("a")], [leg("c", provider=There)])
    fail_next(plan, InvalidRequestError("x"))
    fail_next(plan, filtered := ContentFilterError("no"))
    assert plan.final_error() is filtered


@pytest.mark.parametrize("tiers", [[[leg("a")]], [[leg("a", "k1"), leg("a", "k2")]]], ids=["one leg", "two keys"])
def test_without_another_provider_or_model_the_call_stops(tiers: list[list[Leg]]) -> None:
    plan, _ = make(*tiers)
    fail_next(plan, error := InvalidRequestError("x"))
    assert plan.finished
    assert plan.final_error() is error
    assert plan.trail().attempts[-1].reason == "stop: no other leg would do better"


@pytest.mark.parametrize(("wait", "finished"), [(2.0, False), (60.0, True)])
def test_a_second_opinion_is_waited_for_as_long_as_patience_allows(wait: float, finished: bool) -> None:
    health = Health(no_jitter)
    plan, clock = make([leg("a")], [leg("c", provider=There)], health=health)
    health.admit(leg("c", provider=There), clock.now)
    error = RateLimitError("x", retry_after=wait)
    other, _ = make([leg("c", provider=There)], health=health)
    other.fail(other.begin(), error)
    fail_next(plan, InvalidRequestError("x"))
    assert plan.finished is finished


def test_a_leg_that_calls_a_request_invalid_is_not_blamed() -> None:
    health = Health(no_jitter)
    for _ in range(5):
        plan, clock = make([leg("a")], [leg("c", provider=There)], health=health)
        fail_next(plan, InvalidRequestError("x"))
    assert health.check(leg("a"), clock.now).granted


def test_an_attempt_under_way_on_another_leg_is_the_second_opinion() -> None:
    plan, _ = make([Leg(Here(), "a", K1)], [Leg(There(), "c", K1)])
    state, hedged = plan.begin(), plan.begin()
    plan.fail(state, InvalidRequestError("x"))
    assert not plan.not_retryable
    plan.succeed(hedged, 200)
    assert [attempt.outcome for attempt in plan.trail().attempts] == ["InvalidRequestError", "ok"]


@pytest.mark.parametrize("mode", MODES)
def test_a_chat_that_groq_refuses_is_answered_by_mistral(mode: str) -> None:
    with FaultServer() as groq, FaultServer() as mistral:
        groq.script(replies.error(400, "messages are odd"))
        mistral.script(replies.answer("Sunday"))
        settings = {
            "routes": ["groq", "mistral"],
            "keys": {"groq": "gsk_secret_1", "mistral": "secret-2"},
            "base_urls": {"groq": groq.base_url, "mistral": mistral.base_url},
        }
        seen = run(mode, settings, {})
        assert seen.text == "Sunday"
        tried = [(attempt.provider, attempt.outcome) for attempt in seen.trail.attempts]
        assert tried == [("groq", "InvalidRequestError"), ("mistral", "ok")]
