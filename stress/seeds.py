"""Runs of a stress test, one for each seed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence


def run_seeds(first: int, runs: int, one_run: Callable[[int], tuple[Sequence[str], str]]) -> None:
    """
    Make the runs, print what each has found, and end the process: with 1 if one was bad.

    Args:
        one_run: takes a seed; returns the problems, and a summary.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends too
    bad = 0
    for seed in range(first, first + runs):
        problems, summary = one_run(seed)
        bad += bool(problems)
        print(f"seed {seed}: {'; '.join(problems[:5]) or 'good'} ({summary})", flush=True)
    print(f"{runs} runs, {bad} bad")
    sys.exit(bool(bad))
