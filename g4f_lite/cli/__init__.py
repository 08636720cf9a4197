"""
The command `g4f-lite`. docs/cli.md tells how to use it, and what its exit codes mean.

Importing it, `--version` and `--help` load click and nothing else; a command imports what it needs.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> int:
    """Run the command with the process's arguments and return its exit code."""
    if missing := [name for name in ("click", "rich") if find_spec(name) is None]:
        sys.stderr.write(f"g4f-lite needs {' and '.join(missing)}: pip install 'g4f_lite[cli]'\n")
        return 2
    try:
        from .app import run

        return run()
    except KeyboardInterrupt:
        return 130
