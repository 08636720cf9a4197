"""Imports that a call makes late are made before a process forks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import g4f_lite


def test_late_imports_are_loaded_before_a_fork() -> None:
    """A new import inside a function must be named with `loaded_late`."""
    package = Path(g4f_lite.__file__).parent
    late = set()
    for path in package.rglob("*.py"):
        room, *below = path.relative_to(package).parts
        if room in ("cli", "testing", "__init__.py", "plugin_trials.py"):  # no call gets there
            continue
        for dots, name in re.findall(r"^ {8,}from (\.+)([\w.]+) import", path.read_text("utf-8"), re.MULTILINE):
            parents = ["g4f_lite", *([room] if below else [])]
            late.add(".".join([*parents[: len(parents) - len(dots) + 1], name]))
    script = "import os, sys\nfrom g4f_lite import *\nclient, aclient = Client(), AsyncClient()\n"
    script += "if os.fork() == 0: print(*sys.modules, flush=True); os._exit(0)\nos.wait()"
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "g4f_lite.faults.classify" in late
    assert late <= set(there)
