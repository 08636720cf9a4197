"""
Where the processes run: all on one processor, the upstream in the time that the contender waits.

On a processor of its own the upstream falls asleep between two requests, and whoever sends the next one pays for waking
that processor. docs/performance.md has the cost, and the ratio measured without this.
"""

from __future__ import annotations

import os


def share() -> None:
    """Keep this process, and those that it starts, on the last processor that it may use (on Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def give_way(pid: int) -> None:
    """Have a process run only when nothing else there wants to, if all share one processor."""
    if hasattr(os, "SCHED_IDLE") and len(os.sched_getaffinity(0)) == 1:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
