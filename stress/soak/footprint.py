"""Measures the resources of the process, and lowers the bounds of the library so that they are reached."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from g4f_lite.health import tracker as health
from g4f_lite.provider import keys, redaction
from g4f_lite.records.prices import price
from g4f_lite.routing import strategies

from .providers import SECRET


class Footprint(NamedTuple):
    """The resources of a process."""

    blocks: int
    """Blocks of Python's own allocator; a leak of one object per call adds one per call."""
    rss_kb: int
    files: int
    threads: int


def footprint() -> Footprint:
    gc.collect()
    gc.collect()
    statm = Path("/proc/self/statm")
    rss = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024 if statm.exists() else 0
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    return Footprint(sys.getallocatedblocks(), rss, files, threading.active_count())


@contextmanager
def quick_memory() -> Iterator[None]:
    """Lower the bounds of memories, so that they are reached often."""
    with ExitStack() as stack:
        for owner, name, value in (
            (health, "PROBE_POLL_S", 0.01),
            (health, "MOST_LEGS", 64),
            (strategies.TurnCounter, "MOST", 64),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        import tenacity  # noqa: F401  # a child that is forked during this import would wait for it forever

        price("groq", "openai/gpt-oss-120b")  # the extra `prices`, if it is there, reads its list at the first question

        for number in range(2000):  # fill the caches with entries of the size that the calls make
            key = f"{SECRET}-of-tenant-{number:04}"
            keys.fingerprint(key)
            redaction.redact_text("a text that could hold it", keys.Key(key, "argument"))
        yield
