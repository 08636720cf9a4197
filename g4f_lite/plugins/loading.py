"""Run the code of a plugin while it is loaded, and watch what it does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from .sources import PluginSource, log

SLOW_S = 1.0
"""Seconds of loading after which a plugin is told of in the log."""


@contextmanager
def capture_load(source: PluginSource) -> Iterator[None]:
    """
    Measure how long a plugin takes to load, and keep what it prints out of the program's output.

    Both are in its notes, and in the log when they are remarkable.
    """
    began, printed, before = time.perf_counter(), _Printed(sys.stdout), sys.stdout
    if source.kind == "third-party":
        sys.stdout = cast("TextIO", printed)
    try:
        yield
    finally:
        printed.release()
        if sys.stdout is printed:
            sys.stdout = before
        source.load_time = time.perf_counter() - began
        if source.kind == "third-party":
            if text := " ".join(printed.text.split()):
                source.notes.append(f"prints while it is loaded: {text[:80]!r}")
            if source.load_time > SLOW_S:
                source.notes.append(f"takes {source.load_time:.1f} s to load")
            for note in source.notes:
                log.warning("the plugin %s %s", source, note)


class _Printed:
    """
    Stands for the standard output: collects what this thread writes until released.

    What a plugin keeps of it, such as a handler of logging, then writes where it would have written.
    """

    def __init__(self, before: TextIO) -> None:
        self.text = ""
        self._before = before
        self._thread: int | None = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._before.write(text)
        self.text += text
        return len(text)

    def release(self) -> None:
        self._thread = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)
