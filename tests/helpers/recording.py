"""Keeps the trails of a simulation, as a program keeps those of its calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from g4f_lite import hookimpl
from g4f_lite.records.trail import Trail
from g4f_lite.simulation import Scenario
from g4f_lite.simulation import clients as simulated_clients
from g4f_lite.simulation.engine import Run


class Observer:
    """Writes trails as a program does that keeps them for `--learn`."""

    def __init__(self, file: Path) -> None:
        self.file = file.open("w", encoding="utf-8")

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.file.write(json.dumps(trail.to_dict()) + "\n")


def record(scenario: Scenario, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a scenario, and keep its trails."""
    observer, settings_of = Observer(file), simulated_clients.settings_of

    def observed(*given: Any) -> dict[str, Any]:
        settings = settings_of(*given)
        return {**settings, "plugins": [*settings["plugins"], observer]}

    with monkeypatch.context() as patched, observer.file:
        patched.setattr(simulated_clients, "settings_of", observed)
        Run(scenario).report()
