"""`breaker=Breaker(…)` says when breakers open, and for how long, with and without a shared state."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain
from helpers.plans import no_jitter

from g4f_lite import Breaker, Client, ConfigurationError, Limits
from g4f_lite.health.breaker import BreakerState
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("failures", [1, 2, 5])
@pytest.mark.parametrize("limits", [None, {"plain": Limits(rpm=1000)}], ids=["alone", "with limits"])
@pytest.mark.parametrize("mode", MODES)
def test_a_leg_is_left_after_so_many_failures(
    mode: str, limits: dict[str, Limits] | None, failures: int, server: FaultServer
) -> None:
    server.on("bad", replies.error(500, "broken"))
    server.on("good", replies.answer("ok"))
    settings = {"routes": [Plain(api_base=server.base_url)], "retries": 9, "limits": limits}
    params = {"model": "plain:bad", "fallback_models": ["good"]}
    seen = run(mode, {**settings, "breaker": Breaker(failures=failures)}, params)
    assert (seen.text, server.models) == ("ok", ["bad"] * failures + ["good"])


def test_a_share_of_the_window_opens_it_and_it_rests_as_long_as_it_is_told() -> None:
    state = BreakerState(Breaker(failures=99, share=0.2, window=10, rest=2, longest_rest=3))
    for now in range(8):
        state.success(now, began_at=now)
    state.failure(8, no_jitter)
    assert not state.is_open
    state.failure(9, no_jitter)
    assert state.is_open and not state.lets_pass(10.9) and state.lets_pass(11)
    state.begin_probe(1, 11)
    state.failure(11, no_jitter, probe=1)
    assert not state.lets_pass(13.9) and state.lets_pass(14)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"failures": 0}, "failures must be a whole number above 0"),
        ({"failures": True}, "failures must be a whole number above 0"),
        ({"failures": 2.0}, "failures must be a whole number above 0"),
        ({"share": 0}, "share must be a number above 0, and 1 at most"),
        ({"share": 1.1}, "share must be a number above 0, and 1 at most"),
        ({"window": float("nan")}, "window must be a number of seconds above 0"),
        ({"rest": float("inf")}, "rest must be a number of seconds above 0"),
        ({"rest": "5"}, "rest must be a number of seconds above 0"),
        ({"rest": 40}, "longest_rest must be at least rest, which is 40"),
        ({"rest": 10**400}, "longest_rest must be at least rest, which is 1000"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Breaker(**values)


def test_the_setting_is_a_breaker() -> None:
    with pytest.raises(ConfigurationError, match=r"breaker must be g4f_lite.Breaker\(…\), not 3"):
        Client(breaker=3)  # type: ignore[arg-type]
