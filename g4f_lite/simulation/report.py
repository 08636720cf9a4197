"""Simulates a scenario under one policy or several, and reports what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from ..value import JSONObject, Value
from .engine import Run
from .figures import PolicyReport
from .picture import picture
from .scenario import Phase, Scenario
from .traffic import Size

Progress: TypeAlias = Callable[[str, int, float], None]
"""Is told the name of the policy, how many of its calls have ended, and the virtual time, now and then."""


class Report(Value, frozen=True, kw_only=True):
    """What came of each policy, in the order in which they were given."""

    policies: tuple[PolicyReport, ...]
    phases: tuple[dict[str, list[Phase]], ...]
    """Of the services, for each policy: what its picture shades."""

    def to_dict(self) -> JSONObject:
        """Return it as JSON."""
        return {"policies": [one.to_dict() for one in self.policies]}

    def svg(self) -> str:
        """Return the picture: calls and requests that ended well and badly, over time."""
        return picture(self.policies, self.phases)


def simulate(
    scenario: Scenario,
    against: Sequence[Scenario] = (),
    *,
    seed: int | None = None,
    calls: Sequence[tuple[float, Size]] | None = None,
    progress: Progress | None = None,
) -> Report:
    """
    Run a scenario under its own policy, and others beside it. The same seed gives the same report.

    Args:
        against: others, made by `load(path, base=scenario)`: usually other policies for the same services and traffic.
        seed: in place of the scenarios' own.
        calls: when calls begin, and what they ask for, in place of the traffic's; `recorded_traffic` makes them.

    Raises:
        ConfigurationError: a policy cannot work; nothing has run then.
    """
    scenarios = [scenario, *against]
    if seed is not None:
        scenarios = [msgspec.structs.replace(one, seed=seed) for one in scenarios]
    runs = [Run(one, calls, _progress_of(one.name, progress)) for one in scenarios]
    names = _distinct([one.name for one in scenarios])
    reports = (msgspec.structs.replace(run.report(), name=name) for run, name in zip(runs, names, strict=True))
    return Report(
        policies=tuple(reports),
        phases=tuple({name: one.phases for name, one in scenario.services.items()} for scenario in scenarios),
    )


def _progress_of(name: str, progress: Progress | None) -> Callable[[int, float], None] | None:
    return None if progress is None else lambda ended, now: progress(name, ended, now)


def _distinct(names: Iterable[str]) -> list[str]:
    """Return names that differ: of two that are the same, the second one is numbered."""
    found: list[str] = []
    for name in names:
        number, other = 2, name
        while other in found:
            number, other = number + 1, f"{name}-{number}"
        found.append(other)
    return found
