"""Scenarios in a few words, and the trails of their calls."""

from __future__ import annotations

from typing import Any

from g4f_lite.records.trail import Trail
from g4f_lite.simulation import PolicyReport
from g4f_lite.simulation.engine import Run
from g4f_lite.simulation.figures import Recorder
from g4f_lite.simulation.reading import scenario_from
from g4f_lite.simulation.scenario import Scenario

QUICK = {"first_content_s": 0.2, "tokens_per_s": 200}
"""A service that answers 200 tokens in 1.2 seconds."""


def scenario(
    *, services: dict[str, dict[str, Any]], traffic: dict[str, Any], policy: dict[str, Any] | None = None, **more: Any
) -> Scenario:
    services = {name: {**QUICK, **one} for name, one in services.items()}
    return scenario_from({"services": services, "traffic": traffic, "policy": policy or {}, **more})


def report_of(**given: Any) -> PolicyReport:
    return Run(scenario(**given)).report()


class Trails(Recorder):
    """Keeps the trails."""

    trails: list[Trail]

    def answered(self, began: float, now: float, first: float | None, trail: Trail) -> None:
        self.trails.append(trail)
        super().answered(began, now, first, trail)

    def failed(self, now: float, error: str, trail: Trail, *, has_content: bool) -> None:
        self.trails.append(trail)
        super().failed(now, error, trail, has_content=has_content)


def trails_of(**given: Any) -> list[Trail]:
    run = Run(scenario(**given))
    recorder = Trails(dict.fromkeys(given["services"], ()))
    recorder.trails = []
    run.recorder = recorder
    run.report()
    return recorder.trails
