"""What it costs to begin: an import, and the first answer of a process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from .contenders import MESSAGES
from .rounds import QUIET

_RESIDENT = "\nprint(int(open('/proc/self/statm').read().split()[1]) * 4096)"


def _run(python: Path, code: str, path: str) -> tuple[float, int]:
    """Return CPU seconds of a new process that runs this code, and the bytes it has in memory at the end."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **QUIET}
    with subprocess.Popen(
        [str(python), "-c", code + _RESIDENT], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not told.strip():
        raise RuntimeError(f"{python} failed to run {code!r}")
    return usage.ru_utime + usage.ru_stime, int(told.split()[-1])


def imports(statements: Mapping[str, tuple[Path, str]], rounds: int, path: str) -> dict[str, list[dict[str, float]]]:
    """Return for each contender what its import adds to a bare interpreter, by turns."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in statements}
    for _ in range(rounds + 1):  # the first round writes the compiled files
        for name, (python, statement) in statements.items():
            bare_cpu, bare_memory = _run(python, "", path)
            cpu, memory = _run(python, statement, path)
            taken[name].append({"cpu": cpu - bare_cpu, "memory": memory - bare_memory})
    return {name: rows[1:] for name, rows in taken.items()}


def first_answers(
    codes: Mapping[str, tuple[Path, str]], rounds: int, origin: str, path: str
) -> dict[str, list[dict[str, float]]]:
    """Return for each contender the CPU time of a process that asks once, by turns."""
    before = f"BASE = {origin + '/answer/openai/v1'!r}\nMESSAGES = {MESSAGES!r}\n"
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(rounds + 1):
        for name, (python, code) in codes.items():
            taken[name].append({"cpu": _run(python, before + code, path)[0]})
    return {name: rows[1:] for name, rows in taken.items()}


def middle(rows: list[dict[str, float]], what: str) -> float:
    return median(row[what] for row in rows)
