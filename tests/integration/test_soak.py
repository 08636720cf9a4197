"""A short soak in each run of the suite; `python -m stress.soak 20000` makes a long one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers.installing import ROOT, unmeasured


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_a_thousand_calls_of_all_kinds_get_the_right_answers_and_leave_nothing_behind() -> None:
    """The soak runs in a process of its own, because it forks, counts files and collects every warning."""
    ran = subprocess.run(
        [sys.executable, "-m", "stress.soak", "1200", "7"],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "'answered'" in ran.stdout
