"""A table of what can happen to a call; each row runs through both clients, with and without streaming."""

from __future__ import annotations

import pickle

import pytest
from helpers.driving import MODES, Outcome, kind_of, run
from helpers.scenarios import DOWN, SCENARIOS, STREAMS, TWO, A, B, Scenario, not_found

import g4f_lite
from g4f_lite.testing import FaultServer


def play(server: FaultServer, scenario: Scenario, mode: str) -> Outcome:
    server.received.clear()
    server.on(A, *scenario.a).on(B, *scenario.b)
    return run(mode, scenario.settings, scenario.params or TWO)


def check(outcome: Outcome, scenario: Scenario, server: FaultServer, stream: bool) -> None:
    expected = (scenario.stream_error if stream else None) or scenario.error
    assert kind_of(outcome.error) is expected, outcome.error
    models = (scenario.stream_models if stream else None) or scenario.models
    assert tuple(server.models) == models
    assert [attempt.model for attempt in outcome.trail.attempts] == list(models)
    if outcome.completion is not None:
        assert outcome.completion.provider == "groq"
        assert outcome.completion.text == outcome.text
        assert outcome.trail.attempts[-1].outcome == "ok"
        assert pickle.loads(pickle.dumps(outcome.completion)) == outcome.completion
    else:
        assert outcome.error is not None
        again = pickle.loads(pickle.dumps(outcome.error))
        assert (type(again), str(again), again.trail) == (type(outcome.error), str(outcome.error), outcome.trail)
        assert len(str(outcome.error)) < 2000
    assert "gsk_secret" not in str(outcome) + repr(outcome)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_all_four_modes_see_the_same(scenario: Scenario, groq: FaultServer) -> None:
    outcomes = {}
    for mode in MODES:
        outcomes[mode] = play(groq, scenario, mode)
        check(outcomes[mode], scenario, groq, "stream" in mode)
    assert outcomes["sync"].trace == outcomes["async"].trace
    assert outcomes["sync stream"].trace == outcomes["async stream"].trace


@pytest.mark.parametrize("scenario", STREAMS, ids=lambda scenario: scenario.name)
def test_both_streams_see_the_same(scenario: Scenario, groq: FaultServer) -> None:
    outcomes = {}
    for mode in ("sync stream", "async stream"):
        outcomes[mode] = play(groq, scenario, mode)
        check(outcomes[mode], scenario, groq, stream=True)
    assert outcomes["sync stream"].trace == outcomes["async stream"].trace
    assert outcomes["sync stream"].text == outcomes["async stream"].text


@pytest.mark.parametrize("mode", MODES)
def test_the_error_of_an_exhausted_plan_lists_every_attempt(mode: str, groq: FaultServer) -> None:
    groq.on(A, not_found()).on(B, DOWN)
    outcome = run(mode, {}, TWO)
    assert isinstance(outcome.error, g4f_lite.RoutesExhaustedError)
    assert [type(one).__name__ for one in outcome.error.exceptions] == ["ModelUnavailableError", "ServerError"]
    for part in (A, B, "404", "503", "overloaded", "does not exist"):
        assert part in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_the_legs_of_an_unreachable_origin_are_skipped_at_once(
    mode: str, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer() as gone:
        address = gone.base_url
    monkeypatch.setenv("GROQ_API_BASE", address)
    outcome = run(mode, {}, {"provider": "groq"})
    assert isinstance(outcome.error, g4f_lite.RoutesExhaustedError)
    assert [str(attempt.outcome) for attempt in outcome.trail.attempts] == ["ConnectionFailedError"]
    assert len(outcome.trail.skipped) == 2
