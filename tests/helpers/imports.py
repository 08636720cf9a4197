"""Code that runs in a process of its own, and what it imports."""

from __future__ import annotations

import subprocess
import sys


def python(code: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run this code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=timeout)


def loaded_by(code: str) -> set[str]:
    """Return the top-level names of all modules that this code imports, in a process of its own."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}
