"""What is learnt from attempts, one part at a time: limits, outages, brown-outs, prices, the order of routes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from math import inf
from random import Random

import pytest

from g4f_lite.records.trail import Attempt, Skipped, Trail
from g4f_lite.simulation.distributions import Spread
from g4f_lite.simulation.learning.attempts import ANSWERED, LIMITED, Seen
from g4f_lite.simulation.learning.phases import outages, segments
from g4f_lite.simulation.learning.rates import rate_limits
from g4f_lite.simulation.learning.routes import tiers
from g4f_lite.simulation.learning.services import distribution, service_from
from g4f_lite.simulation.rates import RateLimiter
from g4f_lite.simulation.reading import scenario_from
from g4f_lite.simulation.recorded import RecordedCall
from g4f_lite.simulation.scenario import (
    Phase,
    PolicyTable,
    Prices,
    RateLimits,
    Scenario,
    ServiceSettings,
    Traffic,
)
from g4f_lite.simulation.writing import to_toml
from g4f_lite.types.usage import Usage


def arrivals(random: Random, rate: float, count: int) -> Iterator[float]:
    now = 0.0
    for _ in range(count):
        now += random.expovariate(rate)
        yield now


LIMITS = {
    "a bucket": RateLimits(rpm=600, window="bucket", burst=20 / 600),
    "a slow bucket": RateLimits(rpm=30, window="bucket"),
    "any minute": RateLimits(rpm=30),
    "any ten seconds": RateLimits(rpm=10, window_s=10.0),
    "each minute": RateLimits(rpm=100, window="fixed"),
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("seed", range(3))
def test_a_limit_is_found_again(kind: str, seed: int) -> None:
    limits = LIMITS[kind]
    assert limits.rpm is not None
    limiter, random = RateLimiter(limits), Random(seed)
    accepted, refused = [], []
    for at in arrivals(random, 1.15 * limits.rpm / limits.window_s, 1000):
        (refused if limiter.take(at, 0.0) else accepted).append(at + random.uniform(0.0, 0.002))
    found = rate_limits(accepted, refused, [])
    assert found is not None and found.window == limits.window and found.rpm is not None
    assert found.rpm / found.window_s == pytest.approx(limits.rpm / limits.window_s, rel=0.05)
    if limits.window == "bucket":
        held, holds = (one.rpm * (1.0 if one.burst is None else one.burst) for one in (found, limits))
        assert held == pytest.approx(holds, rel=0.1)


@pytest.mark.parametrize(
    ("asked", "said"), [([], False), ([2.0] * 50, 2.0), ([1.0 + index % 9 for index in range(50)], True)]
)  # fmt: skip
def test_how_a_service_says_when_there_is_room_is_found(asked: list[float], said: bool | float) -> None:
    limiter = RateLimiter(LIMITS["any minute"])
    sent = [(at, limiter.take(at, 0.0)) for at in arrivals(Random(1), 1.0, 200)]
    found = rate_limits([at for at, wait in sent if not wait], [at for at, wait in sent if wait][:50], asked)
    assert found is not None and found.retry_after == said


def test_no_limit_is_made_up_from_one_refusal() -> None:
    assert rate_limits([0.0, 1.0, 2.0], [3.0], []) is None


def attempts(count: int, kind_at: Callable[[float], str], latency_at: Callable[[float], float]) -> list[Seen]:
    """Return an attempt a second."""
    seen = []
    for second in range(count):
        at = float(second)
        kind = kind_at(at)
        answered = kind == ANSWERED
        seen.append(Seen(at, kind, latency_at(at) if answered else 0.05, latency_at(at) if answered else None))
    return seen


def test_an_outage_of_few_attempts_is_found_and_accidents_are_not() -> None:
    random = Random(3)

    def kind(at: float) -> str:
        if 300 <= at < 304 or 500 <= at < 560:
            return "503"
        return "500" if random.random() < 0.02 else ANSWERED

    seen = attempts(1200, kind, lambda at: 1.0)
    service = service_from("m", seen)
    found = [(phase.kind, phase.how, round(phase.from_s), round(phase.until_s)) for phase in service.phases]
    assert found == [("outage", "503", 300, 304), ("outage", "503", 500, 560)]
    assert service.errors == {"500": pytest.approx(0.02, abs=0.01)}


def test_chance_alone_is_no_outage_and_no_brownout() -> None:
    for seed in range(10):
        random = Random(seed)
        draw, latency = random.random, random.lognormvariate
        seen = attempts(
            600, lambda at, draw=draw: "503" if draw() < 0.2 else ANSWERED, lambda at, latency=latency: latency(0, 0.5)
        )
        assert service_from("m", seen).phases == [], seed


@pytest.mark.parametrize("factor", [2.0, 5.0])
def test_a_slow_time_is_a_brownout(factor: float) -> None:
    random = Random(5)
    seen = attempts(
        900,
        lambda at: "500" if 300 <= at < 400 and random.random() < 0.3 else ANSWERED,
        lambda at: (factor if 300 <= at < 400 else 1.0) * random.lognormvariate(0, 0.4),
    )
    [phase] = service_from("m", seen).phases
    assert (phase.kind, phase.from_s, phase.until_s) == (
        "brownout",
        pytest.approx(300, abs=5),
        pytest.approx(400, abs=5),
    )
    assert phase.factor == pytest.approx(factor, rel=0.2)
    assert phase.errors["500"] == pytest.approx(0.3, abs=0.12)


def test_a_time_that_lasts_to_the_end_has_no_end() -> None:
    seen = attempts(200, lambda at: "refused" if at >= 150 else ANSWERED, lambda at: 1.0)
    [phase] = service_from("m", seen).phases
    assert (phase.from_s, phase.until_s, phase.how) == (149.5, inf, "refused")


def test_answers_that_break_off_when_an_outage_begins_are_cut_by_it() -> None:
    seen = attempts(200, lambda at: "503" if 100 <= at < 150 else ANSWERED, lambda at: 1.0)
    cut = [Seen(98.0 + index / 10, "cut", 1.8 - index / 10) for index in range(5)]
    [phase] = service_from("m", sorted([*seen, *cut], key=lambda one: one.at)).phases
    assert phase.cuts and phase.from_s == pytest.approx(99.8, abs=0.1)
    cut = [Seen(9.5 + 18 * index, "cut", 0.5) for index in range(5)]
    service = service_from("m", sorted([*seen[:95], *cut], key=lambda one: one.at))
    assert service.errors == {"cut": pytest.approx(5 / 100, abs=0.001)} and not service.phases


def test_refusals_are_no_failures() -> None:
    seen = attempts(300, lambda at: LIMITED if at % 60 >= 30 else ANSWERED, lambda at: 1.0)
    service = service_from("m", seen)
    assert service.errors == {} and not service.phases and service.limits is not None


def test_segments_are_exact() -> None:
    seen = attempts(1200, lambda at: "503" if at % 60 < 20 else ANSWERED, lambda at: 1.0)
    assert [one.first for one in segments(seen)][1:] == [
        at for start in range(0, 1200, 60) for at in (start, start + 20)
    ][1:]
    assert segments([]) == [] and outages([]) == []


@pytest.mark.parametrize("varies", [True, False])
def test_prices_are_found(varies: bool) -> None:
    random, seen = Random(7), []
    for at in range(50):
        prompt, tokens = (random.randrange(100, 900), random.randrange(50, 300)) if varies else (100, 50)
        usage = Usage(prompt_tokens=prompt, completion_tokens=tokens, cost=prompt * 2e-6 + tokens * 8e-6)
        attempt = Attempt(provider="acme", model="m", outcome="ok", duration=1.0, usage=usage)
        seen.append(Seen(float(at), ANSWERED, 1.0, 1.0, attempt))
    prices = service_from("m", seen).prices
    assert prices is not None
    if varies:
        assert (prices.prompt, prices.completion) == (pytest.approx(2.0, rel=0.01), pytest.approx(8.0, rel=0.01))
    assert prices.prompt * 100 + prices.completion * 50 == pytest.approx(600, rel=0.01)


def test_a_distribution_keeps_its_quantiles() -> None:
    values = [Random(index).lognormvariate(0, 1) for index in range(1000)]
    found = distribution(values, 0.0)
    assert isinstance(found, Spread) and found.quantiles is not None
    assert found.quantiles[50] == pytest.approx(sorted(values)[499], rel=0.01)
    assert (found.quantiles[0], found.quantiles[-1]) == (round(min(values), 4), round(max(values), 4))
    assert distribution([], 3.0) == 3.0 and distribution([2.0, 2.0001], 0.0) == 2.0 and distribution([5.0], 0.0) == 5.0


def call(*tried: str, skipped: tuple[str, ...] = ()) -> RecordedCall:
    left_out = [Skipped(provider=one, model="m", reason="cooling down") for one in skipped]
    made = [Attempt(provider=one, model="m", index=index) for index, one in enumerate(tried, 1)]
    return RecordedCall(0.0, Trail(entries=(*left_out, *made), outcome="ok", duration=1.0))


def test_the_order_of_routes_is_found_though_the_first_is_often_left_out() -> None:
    calls = [call("a"), *[call("b", skipped=("a",))] * 5, call("a", "b", "c"), call("c", skipped=("a", "b"))]
    assert tiers(calls) == [["a:m"], ["b:m"], ["c:m"]]
    assert tiers([*[call("a")] * 5, *[call("b")] * 5, call("a", "c")]) == [["a:m", "b:m"], ["c:m"]]


def test_a_scenario_is_written_as_it_is_read() -> None:
    phase = Phase(kind="brownout", from_s=1.5, factor=3.0, errors={"503": 0.25, "cut": 0.1})
    service = ServiceSettings(
        models=("acme/large-2", "b"), first_content_s=Spread(quantiles=[0.1, 0.2]), total_s=Spread(values=[0.1] * 60), errors={"429": 0.5},
        limits=RateLimits(rpm=30, retry_after=False), prices=Prices(prompt=1.0),
        phases=[phase, Phase(kind="outage", from_s=0.0, until_s=2.0, how="refused", cuts=True)],
    )  # fmt: skip
    policy = PolicyTable(
        routes=["acme:b", ["acme", "other"]], retries=0, timeouts={"total": False, "stall": 3.0},
        limits={"acme": {"rpm": 3}}, budget={"usd": 1.0, "per": "total"},
    )  # fmt: skip
    traffic = Traffic(times_s=[0.0, 0.125], stream=0.5, answer_tokens=Spread(exponential=7.0))
    scenario = Scenario(
        services={"acme": service, "other": ServiceSettings()}, traffic=traffic, policy=policy, seed=3, name='with "quotes"'
    )  # fmt: skip
    assert scenario_from(tomllib.loads(to_toml(scenario))) == scenario
