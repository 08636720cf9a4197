"""The rules of a simulation are those of the library: what trails say, and what limits, budgets and hedging do."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.simulating import report_of, trails_of

ONE: dict[str, Any] = {"times_s": [0.0], "stream": True, "answer_tokens": 200}
TWO_SERVICES: dict[str, dict[str, Any]] = {"a": {}, "b": {}}
MODES = pytest.mark.parametrize("stream", [True, False])


@pytest.mark.parametrize(
    ("patience", "reason", "answers"),
    [(1.0, "a asks to wait", "b"), (30.0, "waits in line, about", "a")],
)
@MODES
def test_patience_decides_whether_a_call_waits_for_a_limit(
    patience: float, reason: str, answers: str, stream: bool
) -> None:
    trails = trails_of(
        services={"a": {"limits": {"rpm": 1, "window_s": 10}}, "b": {}},
        traffic={"times_s": [0.0, 1.0], "stream": stream},
        policy={"patience": patience},
    )
    (waited,) = [trail for trail in trails if len(trail.attempts) > 1]
    refused = waited.attempts[0]
    assert (refused.status, refused.outcome) == (429, "RateLimitError")
    assert waited.attempts[-1].provider == answers
    if answers == "a":
        assert str(refused.reason).startswith(reason)
        assert waited.attempts[-1].started_at - refused.started_at == pytest.approx(9, abs=0.2)


@MODES
@pytest.mark.parametrize(
    ("ending", "timeouts", "outcome", "after_s"),
    [
        ("hang", {"first_token": 2.0, "total": 2.0}, "ProviderTimeoutError", 2.0),
        ("unreachable", {"connect": 3.0}, "ProviderTimeoutError", 3.0),
        ("refused", {}, "ConnectionFailedError", 0.0),
    ],
)
def test_the_time_limits_of_an_attempt_end_it(
    ending: str, timeouts: dict[str, float], outcome: str, after_s: float, stream: bool
) -> None:
    (trail,) = trails_of(
        services={"a": {"errors": {ending: 1}}, "b": {}},
        traffic={**ONE, "stream": stream},
        policy={"timeouts": timeouts},
    )
    first, second = trail.attempts
    assert (first.outcome, first.duration) == (outcome, pytest.approx(after_s))
    assert (second.provider, second.outcome) == ("b", "ok")


@MODES
def test_a_failing_service_is_tried_again_by_backoff_and_its_breaker_opens(stream: bool) -> None:
    (first,) = trails_of(
        services={"a": {"errors": {"500": 1}}, "b": {}},
        traffic={"times_s": [0.0], "stream": stream},
        policy={"routes": ["a"], "retries": 3},
    )
    assert [attempt.outcome for attempt in first.attempts] == ["ServerError"] * 4
    assert str(first.attempts[0].reason).startswith("again in")
    opened, probe = first.attempts[2:]
    assert probe.started_at - opened.started_at > 0.75 * 5  # three failures in a row open the breaker


@pytest.mark.parametrize(("way", "outcome"), [("raise", "StreamInterruptedError"), ("restart", "ok")])
def test_a_stream_that_is_cut_ends_as_the_policy_says(way: str, outcome: str) -> None:
    (trail,) = trails_of(services={"a": {"errors": {"cut": 1}}, "b": {}}, traffic=ONE, policy={"on_interrupt": way})
    assert trail.outcome == outcome
    assert trail.attempts[0].outcome == "StreamInterruptedError"
    assert trail.attempts[0].first_token == pytest.approx(0.2)


def test_silence_in_a_stream_ends_it_once_its_last_piece_is_old() -> None:
    (trail,) = trails_of(
        services={"a": {"errors": {"stall": 1}, "chunk_s": 0.1}},
        traffic={**ONE, "answer_tokens": 2000},
        policy={"timeouts": {"stall": 4.0}},
    )
    (attempt,) = trail.attempts
    assert attempt.outcome == "StreamInterruptedError"
    assert 4.2 < (attempt.duration or 0.0) < 10.2 + 4.1


def test_a_long_stream_is_no_stall_as_long_as_pieces_come() -> None:
    (trail,) = trails_of(
        services={"a": {"chunk_s": 1.0}}, traffic={**ONE, "answer_tokens": 20_000}, policy={"timeouts": {"stall": 2.0}}
    )
    assert trail.outcome == "ok"
    assert trail.duration == pytest.approx(100.2)
    (broken,) = trails_of(
        services={"a": {"chunk_s": 3.0}}, traffic={**ONE, "answer_tokens": 20_000}, policy={"timeouts": {"stall": 2.0}}
    )
    assert broken.outcome == "StreamInterruptedError"
    assert broken.duration == pytest.approx(2.2)


@MODES
def test_a_hedge_answers_for_a_slow_service_and_the_loser_costs_something(stream: bool) -> None:
    given: dict[str, Any] = {
        "services": {
            "slow": {"first_content_s": 5.0, "prices": {"prompt": 1, "completion": 1}},
            "quick": {"prices": {"prompt": 1, "completion": 1}},
        },
        "traffic": {"rate": 2, "arrivals": "even", "duration_s": 60, "stream": stream},
    }
    plain, hedged = report_of(**given), report_of(**given, policy={"hedge_after": 1.0})
    assert plain.end.p50 == pytest.approx(6.0)
    assert hedged.end.p50 == pytest.approx(1.0 + 1.2)
    assert (plain.attempts_wasted, hedged.attempts_wasted) == (0, hedged.calls)
    assert (plain.cost_wasted, hedged.cost_wasted > 0) == (0.0, True)
    assert hedged.services["slow"].answered == 0


def test_two_that_would_win_at_one_moment_give_the_same_report_each_time() -> None:
    given: dict[str, Any] = {
        "services": {"a": {"first_content_s": 1.0}, "b": {"first_content_s": 0.5}},
        "traffic": {"rate": 20, "duration_s": 30},
        "policy": {"hedge_after": 0.5},
    }
    first = report_of(**given)
    assert first.services["a"].answered == first.calls
    assert first.to_dict() == report_of(**given).to_dict()


@MODES
@pytest.mark.parametrize("shared", [True, False])
def test_a_budget_is_never_passed(stream: bool, shared: bool) -> None:
    report = report_of(
        services={"a": {"prices": {"prompt": 10, "completion": 40}, "errors": {"cut": 0.05, "500": 0.05}}},
        traffic={
            "rate": 20, "duration_s": 20, "stream": stream, "max_tokens": 400,
            "answer_tokens": {"uniform": [50, 400]},
        },
        policy={"budget": {"usd": 0.1}},
        clients={"count": 4, "shared_state": shared},
    )  # fmt: skip
    most = 0.1 if shared else 0.4
    assert 0.5 * most < report.cost <= most
    assert report.refused > 50
    assert report.refused <= report.errors["BudgetExceededError"] <= report.refused + report.failed


def test_declared_limits_keep_a_client_from_being_refused() -> None:
    services = {"a": {"limits": {"rpm": 60}}}
    traffic = {"bursts": [{"at_s": 0.0, "calls": 120}]}
    learnt = report_of(services=services, traffic=traffic)
    declared = report_of(services=services, traffic=traffic, policy={"limits": {"a": {"rpm": 60}}})
    assert (learnt.answered, declared.answered) == (120, 120)
    assert learnt.services["a"].failed > declared.services["a"].failed == 0
    assert 55 < (declared.end.p99 or 0.0) < 70


def test_clients_with_a_shared_state_learn_of_an_outage_from_each_other() -> None:
    given: dict[str, Any] = {
        "services": {"a": {"phases": [{"kind": "outage", "from_s": 5, "until_s": 25}]}, "b": {}},
        "traffic": {"rate": 40, "duration_s": 30},
    }
    alone = report_of(**given, clients={"count": 20})
    together = report_of(**given, clients={"count": 20, "shared_state": True})
    assert together.services["a"].requests_while_failing * 2 < alone.services["a"].requests_while_failing
    assert alone.answered == together.answered == alone.calls


def test_strategies_are_the_librarys() -> None:
    services: dict[str, dict[str, Any]] = {
        "dear": {"prices": {"prompt": 10, "completion": 10}},
        "cheap": {"prices": {"prompt": 1, "completion": 1}, "first_content_s": 2.0},
    }
    traffic = {"rate": 5, "duration_s": 60}
    for strategy, preferred in (("cheapest", "cheap"), ("fastest", "dear")):
        policy = {"routes": [["dear", "cheap"]], "strategy": strategy}
        report = report_of(services=services, traffic=traffic, policy=policy)
        assert report.services[preferred].answered > 0.8 * report.calls
    report = report_of(
        services=TWO_SERVICES, traffic=traffic, policy={"routes": [["a", "b"]], "strategy": "round_robin"}
    )
    assert abs(report.services["a"].answered - report.services["b"].answered) <= 1
