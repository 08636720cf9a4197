"""Imports that a call makes late are made before a process forks."""

from __future__ import annotations

from helpers.arrows import MODULES, imports_of, room_of
from helpers.imports import python

NO_CALLS = ("cli", "gateway", "observability", "testing")
"""Rooms that import late when something is made, not when a call is."""
NO_CALL = ("g4f_lite", "g4f_lite.plugins.subprocess_load")


def test_late_imports_are_loaded_before_a_fork() -> None:
    """An import inside a function must be named with `preload_before_fork`."""
    late = {
        target
        for module in MODULES
        if room_of(module) not in NO_CALLS and module not in NO_CALL
        for target in imports_of(module, late=True)
    }
    script = "import os, sys\nfrom g4f_lite import *\nclient, aclient = Client(), AsyncClient()\n"
    script += "if os.fork() == 0: print(*sys.modules, flush=True); os._exit(0)\nos.wait()"
    done = python(script)
    assert done.returncode == 0, done.stderr
    assert "g4f_lite.errors.classify" in late
    assert late <= set(done.stdout.split())
