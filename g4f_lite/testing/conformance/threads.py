"""Runs the same work in several threads at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

_ROUNDS = 10


def in_threads(work: Callable[[int], str | None], threads: int) -> list[str]:
    """Return the problems that the threads report; the interpreter switches between them as often as it can."""
    problems: list[str] = []
    barrier = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            for _ in range(_ROUNDS):
                barrier.wait(30)
                if (problem := work(number)) is not None:
                    problems.append(problem)
        except BaseException as error:  # including a failed check
            problems.append(str(error))
            barrier.abort()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        running = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    return problems
