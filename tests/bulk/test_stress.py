"""Some runs in each run of the suite; `python -m stress.bulk` makes many."""

from __future__ import annotations

import subprocess
import sys

from helpers.installing import ROOT, unmeasured


def test_jobs_end_whole_and_pass_no_cap() -> None:
    command = [sys.executable, "-m", "stress.bulk", "--kills", "2", "--caps", "4", "--rows", "400"]
    ran = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 bad" in ran.stdout
