"""A short fuzz in each run of the suite; `python -m stress.fuzz --minutes 60` makes a long one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers.installing import QUICK, ROOT, unmeasured

CASES = "20" if QUICK else "120"
TARGETS = ("sse,growth", "answers,errors,requests", "http")


@pytest.mark.parametrize("targets", TARGETS)
def test_what_broke_a_promise_once_and_some_new_inputs_break_none(targets: str) -> None:
    """The same cases in each run: the corpus, the sound ones, and those of one seed."""
    ran = subprocess.run(
        [sys.executable, "-m", "stress.fuzz", "--only", targets, "--seed", "7", "--cases", CASES],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "every promise held" in ran.stdout
