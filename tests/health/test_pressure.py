"""Calls that wait in line at a leg that limits the rate: a simulation with plans, a fake clock and no I/O."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest
from helpers.installing import QUICK
from helpers.limited_service import Callers, Service, waiting
from helpers.plans import fail, leg, make, no_jitter

from g4f_lite import RateLimitError, ServerError
from g4f_lite.failover.candidates import AllCoolingDownError
from g4f_lite.health import places, pressure
from g4f_lite.health.places import Ticket
from g4f_lite.health.pressure import Line
from g4f_lite.health.tracker import Health

SERVICES = int(os.environ.get("PRESSURE_SERVICES", "40" if QUICK else "150"))
"""How many random services are tried."""
HINTS: dict[str, Callable[[float], float | None]] = {
    "exact": lambda wait: wait,
    "none": lambda wait: None,
    "zero": lambda wait: 0.0,
    "seconds": lambda wait: float(max(1, -(-wait // 1))),
}


def random_service(seed: int) -> tuple[Service, int, int, float, str]:
    """Return a service, prompts, callers, the time of a caller who knows the rate, and a description."""
    random = Random(seed)
    rate, burst = 10 ** random.uniform(0, 2.7), random.randint(1, 50)
    callers, latency = random.choice([1, 2, 4, 8, 16, 32, 64]), 10 ** random.uniform(-2, 0.3)
    hint = random.choice(list(HINTS))
    prompts = max(40, min(1500, int(burst + rate * 10)))
    ideal = max((prompts - burst) / rate, prompts / callers * latency * 1.3) + latency * 1.3
    about = f"seed {seed}: {rate:.1f}/s, burst {burst}, {callers} callers, latency {latency:.2f}, hint {hint}"
    return Service(rate, burst, HINTS[hint], latency), prompts, callers, ideal, about


@pytest.mark.no_cover
def test_everybody_is_answered_in_little_more_than_the_ideal_time() -> None:
    slower: list[str] = []
    for seed in range(SERVICES):
        service, prompts, callers, ideal, about = random_service(seed)
        result = Callers([[service]], seed).run(prompts, callers)
        assert (result.answered, result.failed) == (prompts, []), about
        assert waiting(result.health) == 0, about
        bound = 2.0 if service.burst > 2 else 6.0  # latencies that vary by more than a burst of one or two allows
        assert result.wall <= bound * ideal + 3.0, f"{about}: {result.wall:.1f} s, ideal {ideal:.1f} s"
        assert service.refused <= 1.5 * callers + 0.1 * prompts + 10, f"{about}: {service.refused} of {prompts} refused"
        assert result.longest <= 3.0 * callers / service.rate + 5.0 * service.latency + 10.0, about
        assert result.asked <= 25 * prompts, about
        if result.wall > 1.5 * ideal:
            slower.append(about)
    assert len(slower) <= 0.05 * SERVICES, slower


@pytest.mark.no_cover
@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("callers", [16, 500])
def test_five_hundred_prompts_at_fifty_per_second(callers: int, hint: str) -> None:
    service = Service(50.0, 20.0, HINTS[hint], 0.01)
    result = Callers([[service]], seed=1).run(500, callers)
    assert (result.answered, result.failed) == (500, [])
    assert result.wall <= (1.4 if hint == "seconds" else 1.15) * 9.6
    assert service.refused <= (50 if callers == 16 else 600)


@pytest.mark.no_cover
@pytest.mark.parametrize("callers", [16, 64, 500])
@pytest.mark.parametrize("rates", [(30, 20), (30, 20, 10, 10)])
@pytest.mark.parametrize("seed", range(3))
def test_the_legs_of_a_tier_share_the_work_by_what_each_allows(callers: int, rates: tuple[int, ...], seed: int) -> None:
    services = [Service(rate, 5.0, HINTS["exact"], 0.01) for rate in rates]
    result = Callers([services], seed).run(500, callers)
    assert (result.answered, result.failed) == (500, [])
    assert result.wall <= 1.2 * (500 - 5 * len(rates)) / sum(rates)
    assert result.asked <= 20 * 500
    for rate, service in zip(rates, services, strict=True):
        assert service.answered == pytest.approx(500 * rate / sum(rates), rel=0.15)


@pytest.mark.no_cover
def test_a_thousand_waiting_calls_ask_as_seldom_as_a_hundred() -> None:
    asked = []
    for callers in (100, 1000):
        service = Service(100.0, 10.0, HINTS["exact"], 0.01)
        asked.append(Callers([[service]], seed=1).run(callers, callers).asked / callers)
    assert asked[1] <= asked[0] + 8


@pytest.mark.no_cover
def test_a_rate_that_rises_is_used_by_calls_whose_turn_was_far_away() -> None:
    service = Service(5.0, 20.0, HINTS["exact"], 0.01)
    result = Callers([[service]], seed=1).run(500, 500)
    assert (result.answered, result.failed) == (500, [])
    assert result.wall <= 1.1 * 96


def test_calls_are_answered_in_the_order_in_which_they_came() -> None:
    service = Service(20.0, 5.0, HINTS["exact"], 0.01)
    callers = Callers([[service]], seed=1, slow_s=1e-6, jitter=0.0)
    callers.run(200, 200)
    last = {prompt: place for place, prompt in enumerate(callers.sent)}
    order = sorted(last, key=last.__getitem__)
    assert max(abs(prompt - place) for place, prompt in enumerate(order, 1)) <= 3


# -- one line ------------------------------------------------------------------------------


def line_at(now: float = 0.0, rate: float = 10.0) -> Line:
    """Return a line that knows the rate: for two seconds it was refused after each second."""
    line = Line(now - 2.0, rate, RateLimitError("x"))
    for second in range(-1, 1):
        for _ in range(int(rate) + 1):
            line.go()
        line.refused(now + second, began_at=now + second, hold_s=0.0, error=RateLimitError("x"))
    return line


def test_a_refusal_lowers_the_rate_to_a_share_of_what_was_accepted_and_time_raises_it() -> None:
    line = line_at(rate=10.0)
    lowered = line.rate(0.0)
    assert lowered == pytest.approx(10 * pressure.LOWERED_TO, rel=0.15)
    rates = [line.rate(float(second)) for second in range(12)]
    assert rates == sorted(rates)
    assert line.rate(pressure.RECOVERY_S) == pytest.approx(lowered / pressure.LOWERED_TO)
    assert line.rate(4 * pressure.RECOVERY_S) > 2 * lowered


def test_refusals_of_attempts_that_began_before_the_last_one_lower_the_rate_no_more() -> None:
    line = line_at()
    line.go()
    line.refused(0.2, began_at=0.1, hold_s=0.0, error=RateLimitError("x"))
    lowered = line.rate(0.2)
    for _ in range(50):
        line.refused(0.2, began_at=0.1, hold_s=0.0, error=RateLimitError("x"))
    assert line.rate(0.2) == lowered


def test_time_in_which_nobody_used_the_rate_does_not_raise_it() -> None:
    line = Line(0.0, 4.0, RateLimitError("x"))
    line.refused(0.0, began_at=0.0, hold_s=0.0, error=RateLimitError("x"))
    for request in range(20):  # two a second for ten seconds
        assert line.turn(None, 1.0 + request / 2) is None
        line.go()
    line.turn(None, 11.0)
    used = line.rate(11.0)
    assert used < 200
    line.turn(None, 50.0)
    assert used <= line.rate(50.0) < 2 * used


@pytest.mark.parametrize("hold_s", [0.0, 0.5])
def test_a_refusal_during_a_longer_hold_lowers_the_rate_that_is_used_after_it(hold_s: float) -> None:
    line = line_at(0.0, rate=10.0)
    known = line.rate(0.0)
    for _ in range(5):
        line.go()
    line.hold(0.5, 60.0)
    line.refused(0.6, began_at=0.4, hold_s=hold_s, error=RateLimitError("x"))
    assert line.rate(60.0) < known
    assert line.turn(None, 59.9) is not None
    passed = 0
    while line.turn(None, 60.5) is None:
        line.go()
        passed += 1
    assert passed <= 10


def test_nobody_goes_before_the_time_that_the_service_named_and_then_one_goes() -> None:
    line = line_at()
    line.hold(0.0, 30.0)
    turn = line.turn(None, 1.0)
    assert turn is not None
    assert turn.at == turn.ask_at == 30.0
    assert line.turn(None, 30.0) is None
    line.go()
    assert line.turn(None, 30.0) is not None


def test_a_call_that_leaves_lets_the_others_move_up() -> None:
    line, tickets = line_at(), [Ticket() for _ in range(20)]
    for ticket in tickets:
        line.join(ticket, 5.0)
    before = line.turn(tickets[-1].number, 0.0)
    for ticket in tickets[:10]:
        ticket.leave()
    after = line.turn(tickets[-1].number, 0.0)
    assert before is not None and after is not None
    assert (before.ahead, after.ahead, len(line)) == (19, 9, 10)
    assert after.at < before.at
    tickets[0].leave()
    assert len(line) == 10


def test_a_call_that_does_not_ask_when_its_turn_comes_blocks_nobody_and_finds_its_place_again() -> None:
    line, absent = line_at(), Ticket()
    others = [Ticket() for _ in range(5)]
    behind = Ticket()
    for ticket in (absent, *others, behind):
        line.join(ticket, 0.5)
    assert line.turn(behind.number, 0.1) is not None
    assert line.turn(behind.number, 0.6 + places.ABSENT_S) is None
    line.go()
    behind.leave()
    line.join(behind, 9.0)
    line.join(absent, 9.0)
    turn = line.turn(absent.number, 0.6 + places.ABSENT_S)
    assert turn is None or turn.ahead == 0


def test_a_leg_without_limits_has_no_line_and_one_that_no_longer_refuses_loses_it() -> None:
    health, one = Health(no_jitter), leg()
    health.admit(one, 0)
    health.answered(one, 0, began_at=0, wall=0)
    assert health._legs[one.identity].line is None
    health.admit(one, 0)
    fail(health, one, RateLimitError("x", retry_after=5), 0)
    assert not health.check(one, 1).granted
    later = 6 + pressure.FORGET_S
    assert [health.admit(one, later).granted for _ in range(100)] == [True] * 100
    assert health._legs[one.identity].line is None


def test_after_a_fork_the_calls_of_the_parent_do_not_stand_in_line() -> None:
    health, one = Health(no_jitter), leg()
    health.admit(one, 0)
    fail(health, one, RateLimitError("x", retry_after=5), 0)
    turn = health.check(one, 1).turn
    assert turn is not None
    health.join_line(one, turn, Ticket(), 1)
    assert waiting(health) == 1
    health.after_fork()
    assert waiting(health) == 0


def test_the_line_of_a_leg_that_has_no_requests_left_is_held_until_the_reset() -> None:
    health, one = Health(no_jitter), leg()
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7s"}
    health.admit(one, 0)
    health.answered(one, 0, began_at=0, wall=0, headers=headers)
    check = health.check(one, 1)
    assert check.ready_at == 7
    assert str(check.error) == "its last response reported that no requests are left"
    assert [health.admit(one, 7).granted for _ in range(3)] == [True, False, False]


# -- plans in line -------------------------------------------------------------------------


def limited(*tiers: list[str], wait: float, **policy: float) -> tuple[Health, list[list[object]]]:
    """Return a health in which the first leg has a line that is held for some seconds."""
    health = Health(no_jitter)
    health.admit(leg("a"), 1000)
    fail(health, leg("a"), RateLimitError("slow down", retry_after=wait), 1000)
    return health, [[leg(model) for model in tier] for tier in tiers]  # type: ignore[misc]


def test_a_new_call_waits_as_long_as_patience_allows_although_a_leg_of_a_later_tier_is_free() -> None:
    health, tiers = limited(["a"], ["b"], wait=2)
    plan, clock = make(*tiers, health=health)  # type: ignore[arg-type]
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert plan.next_wait == 2
    clock.now += 2
    assert plan.begin().leg.model == "a"
    health, tiers = limited(["a"], ["b"], wait=4)
    plan, _ = make(*tiers, health=health)  # type: ignore[arg-type]
    assert plan.begin().leg.model == "b"
    assert waiting(health) == 0


def test_a_free_leg_of_the_same_tier_is_taken_at_once() -> None:
    health, tiers = limited(["a", "b"], wait=1)
    plan, _ = make(*tiers, health=health)  # type: ignore[arg-type]
    assert plan.begin().leg.model == "b"
    plan, _ = make([leg("a"), leg("b")])
    attempt = plan.fail(plan.begin(), RateLimitError("x", retry_after=1))
    assert (attempt.wait, attempt.reason) == (None, "next leg")
    assert plan.begin().leg.model == "b"


def test_a_wait_that_does_not_fit_the_deadline_is_not_begun() -> None:
    health, tiers = limited(["a"], wait=60)
    plan, _ = make(*tiers, health=health, deadline=30)  # type: ignore[arg-type]
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert plan.finished
    assert isinstance(plan.final_error(), RateLimitError)
    assert waiting(health) == 0


def test_a_call_that_is_given_up_leaves_all_its_lines() -> None:
    health, tiers = limited(["a", "b"], wait=20)
    health.admit(leg("b"), 1000)
    fail(health, leg("b"), RateLimitError("slow down", retry_after=30), 1000)
    plan, _ = make(*tiers, health=health)  # type: ignore[arg-type]
    with pytest.raises(AllCoolingDownError):
        plan.begin()
    assert waiting(health) == 2
    assert plan.in_line
    plan.leave_lines()
    assert waiting(health) == 0


def test_a_call_with_another_attempt_under_way_stands_in_no_line() -> None:
    health = Health(no_jitter)
    plan, _ = make([leg("a")], [leg("b")], health=health)
    first = plan.begin()
    second = plan.begin()
    plan.fail(first, RateLimitError("slow down", retry_after=2))
    assert waiting(health) == 0
    plan.fail(second, RateLimitError("slow down", retry_after=2))
    assert waiting(health) > 0


def test_refusals_for_rate_are_not_taken_for_failures_of_the_call() -> None:
    health = Health(no_jitter)
    plan, clock = make([leg("a")], [leg("b")], health=health, retries=5)
    for error in (RateLimitError("x"), RateLimitError("x"), RateLimitError("x"), ServerError("x")):
        state = plan.begin()
        assert state.leg.model == "a"
        plan.fail(state, error)
        clock.now += plan.next_wait
    fail(health, leg("a"), ServerError("of another call"), clock.now)
    assert plan.begin().leg.model == "b"
    assert plan.trail().entries[-1].reason == "other calls fail there too"
