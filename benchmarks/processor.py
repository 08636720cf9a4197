"""
Keeps all processes on one processor, where the upstream runs while the contender waits.

If the upstream has a processor of its own, that processor falls asleep between two requests, and the sender of the next
one pays for waking it. docs/performance.md has the cost, and the ratio measured without this.
"""

from __future__ import annotations

import os


def share() -> None:
    """Keep this process and its children on the last processor that it may use (on Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def give_way(pid: int) -> None:
    """Let a process run only while no other one is ready to, if all share one processor."""
    if hasattr(os, "SCHED_IDLE") and len(os.sched_getaffinity(0)) == 1:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
