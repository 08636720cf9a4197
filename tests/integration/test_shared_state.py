"""Some runs in each run of the suite; `python -m stress.shared_state --runs 200` and `stress.outages` make many."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers.installing import ROOT, unmeasured


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks and sends signals")
@pytest.mark.parametrize(
    ("program", "seed"), [("shared_state", "4"), ("shared_state", "2001"), ("outages", "5"), ("outages", "10")]
)
def test_four_processes_pass_no_limit_while_they_and_redis_are_broken(program: str, seed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"stress.{program}", "--runs", "1", "--seed", seed],
        cwd=ROOT, env=unmeasured(), capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 runs, 0 bad" in ran.stdout
