"""The benchmarks run, and their statistics are right. Their figures are not tested."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.installing import MEASURING

spread = pytest.importorskip("benchmarks.spread", reason="a source distribution has no benchmarks")

from benchmarks import nginx, rounds  # noqa: E402  # they are not there without it
from benchmarks.cases import CALLS, OURS  # noqa: E402
from benchmarks.spread import Spread, agree, figure, units  # noqa: E402
from benchmarks.sweeps import sweeps  # noqa: E402


def test_a_spread_is_the_median_and_the_middle_ninety_percent() -> None:
    assert Spread.of([float(value) for value in range(100, -1, -1)]) == Spread(50, 5, 95)
    assert Spread.of([3.0]) == Spread(3, 3, 3)
    assert Spread.of([1.0, 2.0]) * 10 == Spread(15, 10.5, 19.5)


def test_runs_agree_when_the_middle_of_each_lies_in_the_interval_of_every_other() -> None:
    one, like_it, wide, apart = Spread(10, 8, 12), Spread(11, 9, 13), Spread(14, 5, 15), Spread(20, 18, 22)
    assert agree([one]) and agree([one, like_it]) and agree([like_it, one])
    assert not agree([one, wide])
    assert not agree([wide, one])
    assert not agree([one, like_it, apart])


@pytest.mark.parametrize(
    ("cpu_s", "expected"),
    [(0.00002, 5000), (0.001, 100), (0.03, 3), (0.07, 1), (2.0, 1)],
)
def test_a_measurement_has_as_many_calls_as_its_time_allows_and_at_least_one(cpu_s: float, expected: int) -> None:
    tried: list[int] = []

    def cpu_of(count: int) -> float:
        tried.append(count)
        return count * cpu_s

    assert units(cpu_of) == expected
    assert sum(tried) * cpu_s <= max(spread.AIM_S, cpu_s), "warming up takes longer than measuring"


def test_rounds_are_spread_over_sweeps() -> None:
    assert (sweeps(25), sweeps(7), sweeps(2)) == ([5, 5, 5, 5, 5], [5, 2], [2])


@pytest.mark.parametrize(
    ("value", "shown"), [(0.4239, "0.424"), (1, "1.00"), (33.34, "33.3"), (141.4, "141"), (5537, "5537")]
)
def test_figures_have_three_digits(value: float, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize("served_by", ["our own", "nginx"])
def test_calls_and_streams_are_measured_in_turn_with_the_bare_call(
    served_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MEASURING, raising=False)  # as they run outside of tests
    if served_by == "our own":
        monkeypatch.setattr(rounds, "binary", lambda: None)
    elif not nginx.binary():
        pytest.skip("nginx is not installed here")
    python = Path(sys.executable)
    with (
        rounds.upstream() as bases,
        rounds.Worker(python, f"benchmarks.contenders.{OURS}") as ours,
        rounds.Worker(python, "benchmarks.contenders.bare_requests") as requests,
        rounds.Worker(python, "benchmarks.contenders.bare_aiohttp") as aiohttp,
    ):
        workers = {OURS: ours, "bare_requests": requests, "bare_aiohttp": aiohttp}
        for worker in workers.values():
            assert worker.wait() is None
        for case in (CALLS[0], CALLS[2]):  # a complete answer, and a stream in one piece
            (row,) = rounds.measure(case, workers, 1, bases)
            assert row.keys() == {OURS, case.base}
            assert all(figures["cpu"] > 0 and figures["wall"] > 0 and figures["walls"] for figures in row.values())
            assert rounds.ratio([row], OURS, case.base).middle > 0
