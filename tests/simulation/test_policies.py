"""The worlds of `benchmarks/policies.py` can be simulated, and a changed default is put back."""

from __future__ import annotations

import msgspec
import pytest

policies = pytest.importorskip("benchmarks.policies", reason="a source distribution has no benchmarks")
FAMILIES, Figures, line, run, world = (
    policies.FAMILIES, policies.Figures, policies.line, policies.run, policies.world
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_worlds_can_be_simulated_and_are_the_same_each_time(family: str) -> None:
    worlds = [world(family, seed) for seed in range(30)]
    assert worlds == [world(family, seed) for seed in range(30)]
    assert any(one.phases for world in worlds for one in world.services.values()) == (family == "failing")
    small = msgspec.structs.replace(worlds[0], traffic=msgspec.structs.replace(worlds[0].traffic, calls=20))
    assert run(small) == run(small)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_default_is_changed_for_one_run_and_put_back(family: str) -> None:
    small = world(family, 1)
    small = msgspec.structs.replace(small, traffic=msgspec.structs.replace(small.traffic, calls=150))
    before = run(small)
    changed = [run(small, change) for change in FAMILIES[family]]
    assert set(changed) != {before}
    for change in FAMILIES[family]:
        assert change.module is None or getattr(change.module, change.name) == change.default != change.value
    assert run(small) == before


def test_a_row_says_what_a_change_does() -> None:
    before, after = [Figures(0.9, 10.0, 0.2, 1.0)] * 4, [Figures(0.95, 5.0, 0.1, 2.0)] * 4
    row = line(FAMILIES["failing"][0], before, after)
    assert row == "| `breaker.failures` 3 → 2 | +5.00 ± 0.00 | -50.0 ± 0.0 | -50 | +100 |"
