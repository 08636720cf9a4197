"""The clock of this machine: all its processes read the same, it never goes back, and it goes on during a suspend."""

from __future__ import annotations

import time
from pathlib import Path

_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""On Linux, `CLOCK_MONOTONIC` stops during a suspend; Windows has neither."""


def uptime_ms() -> int:
    """Return the milliseconds since a moment that is the same for all processes until the machine starts again."""
    return (time.monotonic_ns() if _CLOCK is None else time.clock_gettime_ns(_CLOCK)) // 1_000_000


def boot_id() -> str:
    """Return what names this start of the machine; "" if the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
