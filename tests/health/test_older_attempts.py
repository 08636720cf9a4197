"""An attempt that began, or was answered, before others says nothing against what they have found."""

from __future__ import annotations

import pytest
from helpers.plans import leg, no_jitter

from g4f_lite import RateLimitError, ServerError
from g4f_lite.health.tracker import Health, Memory


def spent(tokens: int, reset: str = "60s") -> dict[str, str]:
    return {"x-ratelimit-remaining-tokens": str(tokens), "x-ratelimit-reset-tokens": reset}


@pytest.mark.parametrize(("older", "newer", "granted"), [(500, 0, False), (0, 500, True)])
def test_of_two_reports_of_a_limit_the_one_that_came_last_holds(older: int, newer: int, granted: bool) -> None:
    """The headers of a long answer come before those of a short one, which ends first."""
    health, one = Health(no_jitter), leg()
    long, short = health.admit(one, 0, number=1), health.admit(one, 0, number=2)
    assert long.granted and short.granted
    health.answered(one, 5, began_at=0, number=2, wall=0, headers=spent(newer), headers_age=1)
    health.answered(one, 9, began_at=0, number=1, wall=0, headers=spent(older), headers_age=8)
    assert health.check(one, 10, tokens=100).granted is granted


def refuse(health: Health, now: float, began_at: float) -> None:
    health.failed(leg(), RateLimitError("x"), now, memory=Memory.RATE, cooldown_s=0.5, began_at=began_at)


@pytest.mark.parametrize(("began_at", "refusals"), [(0.0, 3), (4.0, 1)])
def test_refusals_in_a_row_are_ended_by_an_attempt_that_began_after_them(began_at: float, refusals: int) -> None:
    health = Health(no_jitter)
    refuse(health, 1, 0.5)
    refuse(health, 3, 2)
    health.answered(leg(), 5, began_at=began_at, wall=0)
    assert health.refusals(leg(), 6) == refusals


def test_the_end_of_an_older_probe_leaves_the_origin_to_the_probe_of_another_leg() -> None:
    health, one, other = Health(no_jitter), leg("a"), leg("b")
    for _ in range(3):
        health.failed(one, ServerError("x"), 0, memory=Memory.BREAKER, origin_failed=True)
    first = health.admit(one, 10).probe
    second = health.admit(other, 100).probe  # the first has not ended in time
    assert first and second and first != second
    health.released(one, first)
    assert not health.check(one, 101).granted
    health.failed(one, ServerError("x"), 101, memory=Memory.NOTHING, probe=first)
    assert not health.check(one, 102).granted
    health.released(other, second)
    assert health.check(one, 102).granted
