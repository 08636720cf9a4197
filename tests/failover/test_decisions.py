"""The consequences of each kind of failure: the other legs that it rules out, and whether it is remembered."""

from __future__ import annotations

import pytest
from helpers.plans import K1, Here, There, legs, make

from g4f_lite import (
    AuthenticationError,
    ConnectionFailedError,
    ContentFilterError,
    DeadlineExceededError,
    InvalidRequestError,
    MalformedResponseError,
    ModelUnavailableError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RedirectError,
    RoutesExhaustedError,
    ServerError,
    StreamInterruptedError,
    ToolCallError,
)
from g4f_lite.errors import exceptions as error_tree
from g4f_lite.failover.candidates import AllCoolingDownError
from g4f_lite.failover.decisions import DECISIONS, Decision, RetryMode, decide
from g4f_lite.health.tracker import Health, Memory
from g4f_lite.provider.leg import Leg
from g4f_lite.routing.tiers import FailureScope


def after(error: ProviderError) -> list[str]:
    """The legs that are tried when each of them fails with this error at once."""
    plan, _ = make(*legs(), retries=0, patience=0)
    tried: list[str] = []
    while not plan.finished:
        try:
            state = plan.begin()
        except AllCoolingDownError:  # it waits in the lines of all legs
            return tried
        leg = state.leg
        tried.append(f"{leg.model}{1 if leg.key is K1 else 2}" if leg.provider.name == "here" else "c")
        plan.fail(state, error)
    return tried


@pytest.mark.parametrize(
    ("error", "tried"),
    [
        (ServerError("x"), ["a1", "a2", "b1", "b2", "c"]),
        (RateLimitError("x"), ["a1", "a2", "b1", "b2", "c"]),
        (ModelUnavailableError("x"), ["a1", "b1", "c"]),
        (AuthenticationError("x"), ["a1", "a2", "c"]),
        (ConnectionFailedError("x", kind="refused"), ["a1", "c"]),
        (ConnectionFailedError("x", kind="reset"), ["a1", "a2", "b1", "b2", "c"]),
        (RedirectError("x"), ["a1", "a2", "b1", "b2", "c"]),
        (ProviderTimeoutError("x", phase="connect"), ["a1", "c"]),
        (ProviderTimeoutError("x", phase="total"), ["a1", "a2", "b1", "b2", "c"]),
        (InvalidRequestError("x"), ["a1", "c"]),
        (ContentFilterError("x"), ["a1"]),
        (DeadlineExceededError("x"), ["a1"]),
    ],
    ids=lambda value: (
        f"{type(value).__name__}{getattr(value, 'kind', getattr(value, 'phase', ''))}"
        if isinstance(value, Exception)
        else ""
    ),
)
def test_a_failure_rules_out_other_legs_that_would_fail_too(error: ProviderError, tried: list[str]) -> None:
    assert after(error) == tried


def test_every_provider_error_has_a_row() -> None:
    tree = {
        value for value in vars(error_tree).values() if isinstance(value, type) and issubclass(value, ProviderError)
    }
    assert set(DECISIONS) == tree - {RoutesExhaustedError}


def test_a_plugins_own_error_takes_the_row_of_its_ancestor() -> None:
    class TooBusy(RateLimitError):
        pass

    assert decide(TooBusy("x")) is DECISIONS[RateLimitError]


def misfit() -> ProviderError:
    error = StreamInterruptedError("it does not fit its type")
    error.__cause__ = ToolCallError("x")
    return error


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (MalformedResponseError("it cannot be built"), False),
        (misfit(), True),
        (ToolCallError("it is cut", code="length"), True),
    ],
    ids=["not sent", "misfit", "cut"],
)
def test_a_failure_that_the_service_did_not_cause_is_neither_retried_nor_remembered(
    error: ProviderError, sent: bool
) -> None:
    health = Health(lambda: 0.5)
    for _ in range(5):  # three in a row open a breaker
        plan, clock = make([Leg(Here(), "a")], [Leg(There(), "b")], health=health, on_interrupt="restart")
        state = plan.begin()
        assert plan.fail(state, error, sent=sent).wait is None
        assert plan.begin().leg.model == "b"
    assert health.check(state.leg, clock.now).granted


def test_a_missing_model_is_not_remembered_for_a_leg_that_names_no_model() -> None:
    error = ModelUnavailableError("gone", retry_after=60)
    assert decide(error).memory is Memory.LEG
    decision = decide(error, names_model=False)
    assert (decision.memory, decision.scope) == (Memory.NOTHING, FailureScope.MODEL)
    assert error.retry_after == 60
    assert decide(RateLimitError("x"), names_model=False) is DECISIONS[RateLimitError]


def test_a_request_that_was_not_sent_does_not_penalize_the_leg() -> None:
    error = MalformedResponseError("it cannot be built")
    assert decide(error).again is RetryMode.ONCE
    assert decide(error, sent=False) == Decision()


@pytest.mark.parametrize(("on_interrupt", "stops"), [("raise", True), ("restart", False), ("continue", False)])
def test_an_interrupted_stream_stops_the_call_only_if_the_caller_says_so(on_interrupt: object, stops: bool) -> None:
    error = StreamInterruptedError("cut")
    assert decide(error, on_interrupt=on_interrupt).stops is stops  # type: ignore[arg-type]
    assert decide(error, on_interrupt=on_interrupt).memory is Memory.BREAKER  # type: ignore[arg-type]


def test_a_cooldown_is_as_long_as_the_service_asks() -> None:
    row = DECISIONS[ModelUnavailableError]
    assert row.cooldown_after(ModelUnavailableError("x")) == 3600
    assert row.cooldown_after(ModelUnavailableError("x", retry_after=5)) == 5
    assert row.cooldown_after(ModelUnavailableError("x", retry_after=0)) == 0


def test_a_refused_key_of_a_function_is_replaced_once_and_then_rests_for_seconds() -> None:
    refused = AuthenticationError("x", status=401)
    plain = decide(refused)
    assert (plain.again, plain.memory, plain.cooldown_s) == (RetryMode.NEVER, Memory.KEY, 600)
    first = decide(refused, asks_for_key=True)
    assert (first.again, first.memory) == (RetryMode.NEW_KEY, Memory.NOTHING)
    again = decide(refused, asks_for_key=True, before=AuthenticationError("x"))
    assert (again.again, again.memory, again.cooldown_s) == (RetryMode.NEVER, Memory.KEY, 10)
    assert decide(refused, asks_for_key=True, before=ServerError("x")) == first
    failed = decide(refused, asks_for_key=True, sent=False)
    assert (failed.again, failed.scope, failed.memory) == (RetryMode.NEVER, FailureScope.KEY, Memory.NOTHING)
    assert decide(ServerError("x"), asks_for_key=True) == decide(ServerError("x"))


def test_a_quota_of_one_model_leaves_the_key_to_the_others() -> None:
    error = QuotaExceededError("tokens per day")
    assert (decide(error).scope, decide(error).memory) == (FailureScope.KEY, Memory.KEY)
    error.of_model = True
    decision = decide(error)
    assert (decision.scope, decision.memory, decision.cooldown_after(error)) == (FailureScope.LEG, Memory.LEG, 3600)
    assert after(error) == ["a1", "a2", "b1", "b2", "c"]
