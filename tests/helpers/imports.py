"""Code that runs in a process of its own, and what it imports."""

from __future__ import annotations

import subprocess
import sys

from .installing import unmeasured


def python(code: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run this code in a process of its own, which coverage does not measure."""
    return subprocess.run(
        [sys.executable, "-c", code], env=unmeasured(), capture_output=True, text=True, check=False, timeout=timeout
    )


def loaded_by(code: str) -> set[str]:
    """Return the top-level names of all modules that this code imports, in a process of its own."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, env=unmeasured(), capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}
