"""A quick sweep in each run of the suite; `python -m stress.cancellation --minutes 60` makes a long one."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from helpers.installing import ROOT


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="it sends signals")
def test_a_call_that_is_cancelled_interrupted_or_closed_at_any_step_leaves_nothing_behind() -> None:
    """The sweep runs in a process of its own, because it sends signals, counts files and collects every warning."""
    ran = subprocess.run(
        [sys.executable, "-m", "stress.cancellation", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "tried: " in ran.stdout
