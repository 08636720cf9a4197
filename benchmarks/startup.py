"""The cost of a start: an import, and the first answer of a process."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from .cases import OWN
from .contenders import MESSAGES
from .rounds import BUDGET_S, QUIET, Round

_RESIDENT = "\nprint(int(open('/proc/self/statm').read().split()[1]) * 4096)"


def _run(python: Path, code: str, path: str) -> dict[str, float]:
    """Return CPU seconds of a new process that runs this code, and the bytes it has in memory at the end."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **QUIET}
    with subprocess.Popen(
        [str(python), "-c", code + _RESIDENT], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not output.strip():
        raise RuntimeError(f"{python} failed to run {code!r}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "memory": int(output.split()[-1])}


def imports(statements: Mapping[str, tuple[Path, str]], rounds: int, path: str) -> list[Round]:
    """Return what each contender's import adds to a bare interpreter, measured in turn."""
    taken: list[Round] = [{} for _ in range(rounds)]
    spent: Counter[str] = Counter()
    for row in taken:
        added: dict[tuple[Path, str], dict[str, float]] = {}  # two contenders may use the same library
        for name, which in statements.items():
            if spent[name] > BUDGET_S and name not in OWN:
                continue
            if which not in added:
                bare, total = _run(which[0], "", path), _run(*which, path)
                added[which] = {what: total[what] - bare[what] for what in total}
            row[name] = added[which]
            spent[name] += row[name]["cpu"]
    return taken


def first_answers(codes: Mapping[str, tuple[Path, str]], rounds: int, base: str, path: str) -> list[Round]:
    """Return the CPU time of a process that makes one call, measured in turn."""
    before = f"BASE = {base!r}\nMESSAGES = {MESSAGES!r}\n"
    return [
        {name: dict(_run(python, before + code, path)) for name, (python, code) in codes.items()}
        for _ in range(rounds)
    ]  # fmt: skip
