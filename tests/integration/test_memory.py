"""A short run of the measures of memory; `python -m stress.memory` measures all cases, with the default limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.installing import ROOT, unmeasured


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="it reads the memory from Linux")
def test_no_call_takes_three_times_the_memory_of_the_largest_answer() -> None:
    """The calls run in a process of their own, because its memory is measured."""
    command = [sys.executable, "-m", "stress.memory", "--limit", "4", "--quick"]
    ran = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 cases took more" in ran.stdout
    assert "answered" in ran.stdout
