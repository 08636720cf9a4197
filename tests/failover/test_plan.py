"""The plan without any I/O: what it does after each failure, with clock and chance passed in."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.plans import K1, Here, There, legs, make
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    MalformedResponseError,
    ModelUnavailableError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    RoutesExhaustedError,
    ServerError,
    StreamInterruptedError,
    ToolCallError,
)
from g4f_lite import errors as error_tree
from g4f_lite.routing.decisions import DECISIONS, decide
from g4f_lite.routing.health import Health
from g4f_lite.routing.legs import Leg
from g4f_lite.routing.plan import RestingError
from g4f_lite.routing.waits import LONGEST_BACKOFF, backoff


def after(error: ProviderError) -> list[str]:
    """The legs that are tried when each of them fails with this error at once."""
    plan, _ = make(*legs(), retries=0)
    tried = []
    while not plan.stopped:
        run = plan.begin()
        leg = run.leg
        tried.append(f"{leg.model}{1 if leg.key is K1 else 2}" if leg.provider.name == "here" else "c")
        plan.fail(run, error)
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
        (ProviderTimeoutError("x", phase="connect"), ["a1", "c"]),
        (ProviderTimeoutError("x", phase="total"), ["a1", "a2", "b1", "b2", "c"]),
        (InvalidRequestError("x"), ["a1"]),
        (DeadlineExceededError("x"), ["a1"]),
    ],
    ids=lambda value: (
        f"{type(value).__name__}{getattr(value, 'kind', getattr(value, 'phase', ''))}"
        if isinstance(value, Exception)
        else ""
    ),
)
def test_a_failure_says_what_else_is_useless(error: ProviderError, tried: list[str]) -> None:
    assert after(error) == tried


def test_every_provider_error_has_a_row() -> None:
    tree = {
        value for value in vars(error_tree).values() if isinstance(value, type) and issubclass(value, ProviderError)
    }
    assert set(DECISIONS) == tree


def test_a_plugins_own_error_takes_the_row_of_its_ancestor() -> None:
    class TooBusy(RateLimitError):
        pass

    assert decide(TooBusy("x")) is DECISIONS[RateLimitError]


def not_sent() -> ProviderError:
    error = MalformedResponseError("it cannot be built")
    error.sent = False
    return error


def misfit() -> ProviderError:
    error = StreamInterruptedError("it does not fit its type")
    error.__cause__ = ToolCallError("x")
    return error


@pytest.mark.parametrize("error", [not_sent(), misfit()], ids=lambda error: type(error).__name__)
def test_what_the_service_is_not_to_blame_for_is_neither_tried_again_nor_remembered(error: ProviderError) -> None:
    health = Health(lambda: 0.5)
    for _ in range(5):  # three in a row open a breaker
        plan, clock = make([Leg(Here(), "a")], [Leg(There(), "b")], health=health, on_interrupt="restart")
        run = plan.begin()
        assert plan.fail(run, error).wait is None
        assert plan.begin().leg.model == "b"
    assert health.look(run.leg, clock.now).granted


@pytest.mark.parametrize(
    ("error", "policy", "waits"),
    [
        (ServerError("x"), {}, [0.25, 0.5, None]),
        (ServerError("x"), {"retries": 0}, [None]),
        (ServerError("x", retry_after=1.5), {}, [1.5, 1.5, None]),
        (RateLimitError("x", retry_after=2), {}, [2, 2, None]),
        (RateLimitError("x", retry_after=9), {}, [None]),
        (RateLimitError("x", retry_after=9), {"patience": 10}, [9, 9, None]),
        (RateLimitError("x"), {"patience": 0.3}, [0.25, None]),
        (MalformedResponseError("x"), {}, [0.25, None]),
        (ToolCallError("x"), {"retries": 5}, [0.25, None]),
        (ConnectionFailedError("x"), {}, [0.25, None]),
        (ProviderTimeoutError("x"), {}, [None]),
        (RateLimitError("x", retry_after=2), {"deadline": 1.0}, [None]),
        (ServerError("x"), {"retry_wait": lambda state: state.attempt_number / 100}, [0.01, 0.02, None]),
        (RateLimitError("x", retry_after=1), {"retry_wait": lambda state: 0.1}, [1, 1, None]),
        (ServerError("x"), {"retry_stop": lambda state: state.attempt_number >= 2}, [0.25, None]),
        (ProviderTimeoutError("x"), {"retry_stop": lambda state: False}, [None]),
    ],
)
def test_the_same_leg_again(error: ProviderError, policy: dict[str, Any], waits: list[float | None]) -> None:
    plan, clock = make([Leg(Here(), "a")], [Leg(There(), "b")], **policy)
    for number, wait in enumerate(waits, 1):
        run = plan.begin()
        leg = run.leg
        assert leg.model == "a"
        attempt = plan.fail(run, error)
        assert (attempt.number, attempt.wait) == (number, wait)
        clock.now += plan.wait_s
    assert plan.begin().leg.model == "b"


def test_on_the_last_leg_a_long_wait_is_waited_for_if_the_deadline_allows() -> None:
    plan, clock = make([Leg(Here(), "a")])
    run = plan.begin()
    assert plan.fail(run, RateLimitError("x", retry_after=60)).wait == 60
    clock.now += 60
    run = plan.begin()
    assert plan.fail(run, RateLimitError("x", retry_after=3600)).wait is None
    assert plan.stopped
    error = plan.final_error()
    assert isinstance(error, RateLimitError)
    assert error.retry_at == pytest.approx(clock.time() + 3600)


def test_a_state_of_the_leg_alone_reaches_the_callers_objects() -> None:
    seen: list[tuple[int, float]] = []

    def wait(state: Any) -> float:
        seen.append((state.attempt_number, state.idle_for))
        assert isinstance(state.outcome.exception(), ServerError)
        return 1.0

    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retry_wait=wait)
    while not plan.stopped:
        run = plan.begin()
        plan.fail(run, ServerError("x"))
    assert seen == [(1, 0), (2, 1.0), (1, 0), (2, 1.0)]


@pytest.mark.parametrize("own", [{"retry_wait": lambda state: 1 / 0}, {"retry_stop": lambda state: {}["x"]}])
def test_a_mistake_in_the_callers_objects_ends_the_call_and_stands_in_the_trail(own: dict[str, Any]) -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], **own)
    attempt = plan.fail(plan.begin(), ServerError("x"))
    assert plan.stopped
    error = plan.final_error()
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"{next(iter(own))} failed: ")
    assert error.trail.attempts == (attempt,)
    assert attempt.reason == f"stop: {error}"


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf"), "soon", None])
def test_a_wait_must_be_seconds(wait: Any) -> None:
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retry_wait=lambda state: wait)
    plan.fail(plan.begin(), ServerError("x"))
    assert isinstance(plan.final_error(), ConfigurationError)


def test_one_leg_raises_its_error_and_several_raise_all() -> None:
    plan, _ = make([Leg(Here(), "a")], retries=0)
    run = plan.begin()
    plan.fail(run, failure := ServerError("down", status=503))
    assert plan.final_error() is failure
    assert str(failure) == "here:a: 503 down"
    plan, _ = make([Leg(Here(), "a")], [Leg(There(), "b")], retries=0)
    for error in (ServerError("down"), ModelUnavailableError("gone")):
        run = plan.begin()
        plan.fail(run, error)
    group = plan.final_error()
    assert isinstance(group, RoutesExhaustedError)
    matched, rest = group.split(ServerError)
    assert isinstance(matched, RoutesExhaustedError)
    assert isinstance(rest, RoutesExhaustedError)
    assert matched.trail == group.trail == plan.trail()
    assert [type(error) for error in rest.exceptions] == [ModelUnavailableError]


def test_backoff_is_exponential_with_full_jitter() -> None:
    assert [backoff(number, lambda: 0.999999) for number in (1, 2, 3)] == pytest.approx([0.5, 1, 2], rel=1e-3)
    assert backoff(500, lambda: 1.0) == LONGEST_BACKOFF
    assert backoff(5, lambda: 0.0) == 0


ERRORS = st.builds(
    lambda kind, wait: kind("x", retry_after=wait) if kind is not ConnectionFailedError else kind("x"),
    st.sampled_from(
        [ServerError, RateLimitError, ModelUnavailableError, AuthenticationError, MalformedResponseError, ConnectionFailedError]
    ),
    st.none() | st.floats(0, 500),
)  # fmt: skip


@given(failures=st.lists(ERRORS, min_size=1, max_size=60), retries=st.integers(0, 4), deadline=st.floats(0.1, 600))
@settings(max_examples=200, deadline=None)
def test_attempts_and_waits_stay_within_what_the_settings_allow(
    failures: list[ProviderError], retries: int, deadline: float
) -> None:
    plan, clock = make(*legs(), retries=retries, deadline=deadline)
    began = clock.now
    attempts = 0
    for failure in failures * 10:
        if plan.stopped:
            break
        try:
            run = plan.begin()
        except RestingError:
            assert plan.stopped or plan.wait_s > 0
        else:
            attempts += 1
            plan.fail(run, failure)
        clock.now += plan.wait_s
        assert clock.now - began <= deadline
    assert attempts <= 5 * (retries + 1)
    if plan.stopped:
        assert len(plan.trail().attempts) == attempts
        assert plan.final_error().trail.attempts
