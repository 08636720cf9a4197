"""What becomes of a request at a modelled service: pure, with the times passed in."""

from __future__ import annotations

from collections import Counter
from math import inf
from random import Random
from typing import Any

import pytest

from g4f_lite.simulation.distributions import Spread, sampler
from g4f_lite.simulation.rates import Bucket, FixedWindow, SlidingWindow
from g4f_lite.simulation.reading import scenario_from
from g4f_lite.simulation.services import Reply, Service

PLAIN = {"first_content_s": 0.5, "tokens_per_s": 100}


def service(**settings: Any) -> Service:
    scenario = scenario_from({"services": {"a": {**PLAIN, **settings}}, "traffic": {"rate": 1, "calls": 1}})
    return Service("a", scenario.services["a"], Random("chance"))


def take(one: Service, now: float, prompt: int = 10, tokens: int = 100) -> Reply:
    return one.take(now, prompt=prompt, tokens=tokens)


def shape(reply: Reply) -> tuple[str, int, float]:
    return reply.ending, reply.status, reply.ends_at


def test_an_answer_has_its_first_content_and_its_end() -> None:
    reply = take(service(), 2.0)
    assert shape(reply) == ("whole", 200, 3.5)
    assert (reply.first_at, reply.tokens, reply.ok) == (2.5, 100, True)


def test_an_answer_may_have_a_length_and_a_time_of_its_own() -> None:
    reply = take(service(tokens=7), 0.0, tokens=500)
    assert (reply.tokens, reply.ends_at) == (7, pytest.approx(0.57))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("503", ("whole", 503, 1.05)),
        ("refused", ("refused", 0, inf)),
        ("unreachable", ("unreachable", 0, inf)),
        ("hang", ("hang", 0, inf)),
        ("reset", ("reset", 0, 1.05)),
    ],
)
def test_an_outage_is_as_its_phase_says(how: str, expected: tuple[str, int, float]) -> None:
    one = service(phases=[{"kind": "outage", "from_s": 1, "until_s": 2, "how": how}])
    found = [take(one, now) for now in (0.99, 1.0, 1.99, 2.0)]
    assert [reply.status for reply in found if reply.ok] == [200, 200]
    assert shape(found[1]) == expected
    assert (one.seen, one.seen_failing) == (4, 2)


def test_an_outage_may_cut_the_answers_under_way() -> None:
    phase = {"kind": "outage", "from_s": 1, "until_s": 2}
    assert take(service(phases=[phase]), 0.0).ok
    cut = take(service(phases=[{**phase, "cuts": True}]), 0.0)
    assert shape(cut) == ("cut", 200, 1.0)
    assert cut.tokens == 50
    assert take(service(phases=[{**phase, "cuts": True}]), 0.0, tokens=10).ok


def test_a_flapping_service_fails_in_the_first_part_of_each_period() -> None:
    one = service(phases=[{"kind": "flapping", "from_s": 10, "until_s": 20, "period_s": 4, "share": 0.25}])
    found = [take(one, 9.5 + step * 0.5).status for step in range(24)]
    bad = [9.5 + step * 0.5 for step, status in enumerate(found) if status == 503]
    assert bad == [10.0, 10.5, 14.0, 14.5, 18.0, 18.5]


def test_a_brown_out_is_slower_and_fails_more_often() -> None:
    one = service(phases=[{"kind": "brownout", "from_s": 1, "until_s": 2, "factor": 3, "errors": {"500": 0.5}}])
    found = Counter(shape(take(one, 1.5))[1:] for _ in range(400))
    assert set(found) == {(500, 1.55), (200, 1.5 + 3 * 1.5)}
    assert 150 < found[500, 1.55] < 250


def test_errors_come_in_their_shares() -> None:
    shares = {"429": 0.1, "cut": 0.1, "stall": 0.1, "hang": 0.1, "reset": 0.1}
    one = service(errors=shares)
    found = Counter((reply.status, reply.ending) for reply in (take(one, float(now)) for now in range(2000)))
    assert {(429, "whole"), (200, "cut"), (200, "stall"), (0, "hang"), (0, "reset"), (200, "whole")} == set(found)
    assert all(140 < found[key] < 260 for key in found if key != (200, "whole"))


def test_a_cut_answer_ends_within_it_and_one_that_stalls_never_ends() -> None:
    cut, stalled = take(service(errors={"cut": 1}), 1.0), take(service(errors={"stall": 1}), 1.0)
    assert cut.first_at < cut.ends_at == cut.stops_at < 2.5
    assert 0 < cut.tokens < 100
    assert stalled.first_at < stalled.stops_at < 2.5
    assert stalled.ends_at == inf


def test_requests_beyond_the_places_wait_for_their_turn() -> None:
    one = service(parallel=2, total_s=1.0, tokens_per_s=None, first_content_s=0.2)
    found = [take(one, 0.0) for _ in range(5)]
    assert [reply.ends_at for reply in found] == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert [round(reply.first_at, 9) for reply in found] == [0.2, 0.2, 1.2, 1.2, 2.2]
    assert take(one, 2.5).ends_at == 3.5
    assert one.peak == 6


def test_requests_beyond_the_queue_are_refused() -> None:
    one = service(parallel=1, queue=1, full_status=429, total_s=1.0, tokens_per_s=None)
    assert [take(one, 0.0).status for _ in range(3)] == [200, 200, 429]
    assert take(one, 1.5).status == 200


def test_a_limit_says_when_there_is_room() -> None:
    one = service(limits={"rpm": 2})
    found = [take(one, now) for now in (0.0, 10.0, 20.5, 60.0)]
    assert [reply.status for reply in found] == [200, 200, 429, 200]
    assert found[2].headers == {"retry-after": "40"}
    assert take(service(limits={"tpm": 50, "retry_after": False}), 0.0).status == 200
    silent = service(limits={"tpm": 150, "retry_after": False})
    assert [take(silent, 0.0).status, take(silent, 1.0).status] == [200, 429]
    assert take(silent, 2.0).headers == {}
    assert take(service(limits={"rpm": 1, "retry_after": 7}), 0.0).status == 200


def test_windows_count_as_they_say() -> None:
    sliding, fixed, bucket = SlidingWindow(2, 10), FixedWindow(2, 10), Bucket(2, 10, 1.0)
    for window in (sliding, fixed, bucket):
        for now in (8.0, 9.0):
            assert window.wait(now, 1) == 0.0
            window.take(1, now)
    assert [window.wait(10.0, 1) for window in (sliding, fixed, bucket)] == [8.0, 0.0, pytest.approx(3.0)]
    assert sliding.wait(18.0, 1) == 0.0


def test_an_answer_costs_what_came_of_it() -> None:
    one = service(prices={"prompt": 1_000_000, "completion": 2_000_000})
    whole, left, early = take(one, 0.0), take(one, 0.0), take(one, 0.0)
    one.leave(early, 0.25)
    one.leave(left, 1.0)
    one.leave(whole, 1.5)
    one.leave(whole, 1.5)
    assert (whole.cost, left.cost, early.cost) == (10 + 200, 10 + 100, 10)
    assert one.cost == 330
    assert one.in_flight == 0
    assert one.mean_in_flight(3.0) == pytest.approx((0.25 + 1.0 + 1.5) / 3)


def test_an_error_costs_nothing() -> None:
    one = service(errors={"500": 1}, prices={"prompt": 1})
    reply = take(one, 0.0)
    one.leave(reply, reply.ends_at)
    assert one.cost == 0


@pytest.mark.parametrize(
    ("spread", "middle", "high"),
    [
        (Spread(uniform=(1.0, 3.0)), 2.0, 2.9),
        (Spread(median=2.0, p95=5.0), 2.0, 5.0),
        (Spread(exponential=1.0), 0.693, 2.996),
        (Spread(values=[1.0, 2.0, 3.0]), 2.0, 3.0),
        (Spread(quantiles=[0.0, 1.0, 5.0]), 1.0, 4.6),
        (1.5, 1.5, 1.5),
    ],
)
def test_numbers_are_drawn_as_their_distribution_says(spread: Spread | float, middle: float, high: float) -> None:
    draw = sampler(spread, Random(5))
    found = sorted(draw() for _ in range(20_000))
    assert found[10_000] == pytest.approx(middle, rel=0.05)
    assert found[19_000] == pytest.approx(high, rel=0.05)


@pytest.mark.parametrize("speed", [{"values": [0]}, {"uniform": [0, 0]}, {"quantiles": [0, 0]}, 1e-300])
def test_an_answer_without_speed_ends_late(speed: Any) -> None:
    assert take(service(tokens_per_s=speed), 0.0, tokens=5).ends_at == 5000.5
