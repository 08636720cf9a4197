"""Short runs of `stress.limits`: processes that share limits are killed and paused, and their clocks differ."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers.installing import ROOT, unmeasured


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_limits_hold_whatever_happens_to_the_processes_that_share_them() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "stress.limits", "--runs", "20"]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 faults" in done.stdout
