"""Ctrl-C after the answer, while the process ends: no traceback, and no success."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from helpers.commands import run

CLOSES_SLOWLY = """
import atexit, sys, time
from g4f_lite.cli import main

def close():
    print("closing", file=sys.stderr, flush=True)
    time.sleep(60)

atexit.register(close)
sys.exit(main())
"""


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_ctrl_c_while_the_process_ends_needs_no_traceback(handler: object) -> None:
    """A process that was started to ignore it, as in the background of a shell's script, goes on ignoring it."""
    ignores = handler is signal.SIG_IGN
    code = CLOSES_SLOWLY.replace("sleep(60)", "sleep(1)") if ignores else CLOSES_SLOWLY
    before = signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"closing\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err) == (f"{run('--version').out}".encode(), b"")
    assert process.returncode == (0 if ignores else -signal.SIGINT)  # which shells report as 130
