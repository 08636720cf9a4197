"""How the time of some work grows with its size."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

FACTOR = 8


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """
    Return whether eight times the size takes about eight times as long; in quadratic time it is 64 times.

    It is the time of the processor, and the shortest of two to nine runs: some are longer because of other programs.
    """
    small = large = inf
    for turn in range(9):
        small, large = min(small, _seconds(work, size)), min(large, _seconds(work, size * FACTOR))
        if turn and large < small * FACTOR * 2:
            return True
    return large < small * FACTOR * 3


def _seconds(work: Callable[[int], object], size: int) -> float:
    started = time.process_time()
    work(size)
    return time.process_time() - started
