"""What is reported: the same for the same seed, in a memory that does not grow, and true to what was drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from helpers.simulating import report_of, scenario

from g4f_lite.records import prices
from g4f_lite.simulation import simulate
from g4f_lite.simulation.quantiles import Quantiles
from g4f_lite.simulation.timelines import timelines_of

BUSY: dict[str, Any] = {
    "services": {
        "a": {
            "first_content_s": {"median": 0.3, "p95": 1.0},
            "errors": {"500": 0.03, "cut": 0.01, "hang": 0.005},
            "limits": {"rpm": 300, "window": "bucket", "burst": 0.1},
            "phases": [{"kind": "outage", "from_s": 5, "until_s": 10}],
        },
        "b": {"parallel": 10, "first_content_s": {"exponential": 0.5}},
    },
    "traffic": {"rate": 10, "duration_s": 20, "stream": 0.5},
    "policy": {"hedge_after": 1.0},
}


def test_the_same_seed_gives_the_same_report_and_another_one_another() -> None:
    one = scenario(**BUSY)
    first, again = simulate(one).to_dict(), simulate(one).to_dict()
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    assert simulate(one, seed=2).to_dict() != first


def test_what_becomes_of_calls_adds_up() -> None:
    report = report_of(**BUSY)
    assert report.answered + report.refused + report.failed + report.interrupted == report.calls > 150
    assert sum(report.errors.values()) == report.calls - report.answered
    assert sum(one.requests for one in report.services.values()) == report.attempts
    for one in report.services.values():
        assert one.answered + one.failed == one.requests
    for name, line in report.timelines.lines.items():
        whole = report.services[name].answered if name else report.answered
        assert sum(line.ok) == whole


def test_policies_meet_the_same_calls() -> None:
    one = scenario(**{**BUSY, "policy": {}})
    other = msgspec.structs.replace(one, policy=msgspec.structs.replace(one.policy, routes=["b"]))
    first, second = simulate(one, [other]).policies
    assert first.calls == second.calls
    assert (first.name, second.name) == ("policy", "policy-2")
    assert second.services["a"].requests == 0


def test_a_service_is_back_once_it_has_half_of_its_share() -> None:
    report = report_of(
        services={"a": {"phases": [{"kind": "outage", "from_s": 30, "until_s": 60}]}, "b": {}},
        traffic={"rate": 10, "duration_s": 120},
    )
    (back,) = report.recoveries
    assert (back.service, back.until_s) == ("a", 60)
    assert 0 < (back.seconds or 0.0) < 32  # the breaker stays open for 30 s at most
    unused = report_of(
        services={"b": {}, "a": {"phases": [{"kind": "outage", "from_s": 30, "until_s": 60}]}},
        traffic={"rate": 10, "duration_s": 120},
    )
    assert unused.recoveries == ()


def test_a_service_that_is_not_used_again_is_never_back() -> None:
    report = report_of(
        services={
            "a": {"errors": {"401": 0.0}, "phases": [{"kind": "outage", "from_s": 30, "until_s": 40, "how": "401"}]},
            "b": {},
        },
        traffic={"rate": 5, "duration_s": 120},
    )
    assert [back.seconds for back in report.recoveries] == [None]  # a key that was refused rests for ten minutes


def test_calls_without_a_limit_that_wait_for_ever_are_reported() -> None:
    report = report_of(
        services={"a": {"errors": {"stall": 1}}},
        traffic={"bursts": [{"at_s": 1, "calls": 3}]},
        policy={"timeouts": {"stall": False}},
    )
    assert (report.calls, report.failed, report.errors) == (3, 3, {"NeverEnded": 3})


def test_workers_make_one_call_after_another() -> None:
    report = report_of(services={"a": {}}, traffic={"workers": 5, "calls": 100})
    assert report.answered == 100
    assert report.services["a"].peak_in_flight == 5
    assert report.seconds == pytest.approx(20 * 1.2)


def test_workers_whose_calls_are_refused_at_once_do_not_go_on_without_end() -> None:
    report = report_of(
        services={"a": {"prices": {"prompt": 1, "completion": 1}}},
        traffic={"workers": 2, "duration_s": 10},
        policy={"budget": {"usd": 1e-6}},
    )
    assert 200 <= report.refused == report.calls <= 204


def test_quantiles_are_wrong_by_half_a_percent_at_most() -> None:
    chance, quantiles = Random(3), Quantiles()
    values = [chance.lognormvariate(0, 2) for _ in range(5000)]
    for value in values:
        quantiles.add(value)
    values.sort()
    shares = (0.0, 0.01, 0.5, 0.95, 0.99, 1.0)
    for share, found in zip(shares, quantiles.at(shares), strict=True):
        assert found == pytest.approx(values[max(0, ceil(share * 5000) - 1)], rel=0.00501)
    assert Quantiles().at(shares) == [None] * 6
    zero = Quantiles()
    zero.add(0.0)
    assert zero.at([0.5]) == [0.0]


def test_timelines_grow_wider_and_lose_nothing() -> None:
    timelines = timelines_of(["a"])
    for second in range(5000):
        timelines.add("a", second + 0.5, ok=second % 3 > 0)
    line = timelines.lines["a"]
    assert (sum(line.ok), sum(line.failed)) == (3333, 1667)
    assert timelines.bin_s * len(line.ok) >= 5000
    assert len(line.ok) <= 480


def test_declared_prices_hold_in_their_block_and_in_its_thread_alone() -> None:
    own = prices.Price(1.0, 2.0)
    with prices.declared({("groq", "mine"): own}), ThreadPoolExecutor() as pool:
        assert prices.price("groq", "mine") == own
        assert pool.submit(prices.price, "groq", "mine").result() is None
    assert prices.price("groq", "mine") is None
    report = report_of(services={"mine": {"prices": {"prompt": 1, "completion": 1}}}, traffic={"times_s": [0.0]})
    assert report.cost == pytest.approx(700e-6)
    assert prices.price("mine", "default") is None


_MEMORY = """
import resource, sys
from helpers.simulating import report_of
services = {"a": {"errors": {"500": 0.02, "cut": 0.01}, "prices": {"prompt": 1, "completion": 1}}, "b": {}}
traffic = {"rate": 50, "calls": int(sys.argv[1]), "stream": 0.5}
report = report_of(services=services, traffic=traffic, policy={"budget": {"usd": 1000}})
assert report.calls == int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_calls() -> None:
    few, many = (
        int(
            subprocess.run(
                [sys.executable, "-c", _MEMORY, count],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        for count in ("1000", "6000")
    )
    assert many < 1.25 * few


_OBSERVED = """
import g4f_lite
class Observer:
    @g4f_lite.hookimpl
    def call_finished(self, trail):
        raise SystemExit("a simulated call is no call")
g4f_lite.register(Observer())
from helpers.simulating import report_of
assert report_of(services={"a": {}}, traffic={"times_s": [0.0]}).answered == 1
"""


def test_observers_of_the_process_are_told_nothing() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _OBSERVED], env=env, check=True, cwd=Path(__file__).parent)
