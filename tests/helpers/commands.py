"""The command `g4f-lite` in a process of its own: on pipes (`start`, `run`) or in a terminal (`in_terminal`)."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import g4f_lite
from g4f_lite.testing import replies

A, B, C = "openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"
KEY = "gsk_secret_of_the_tests"
NOT_FOUND = replies.error(404, "The model does not exist", code="model_not_found")


class Ran(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


class Free(g4f_lite.OpenaiTemplate):
    """A provider that needs no key."""

    name, api_base, needs_auth = "free", "http://127.0.0.1:9/v1", False


@contextmanager
def start(*arguments: str, env: dict[str, str] | None = None, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the real command; it is killed at the end of the block."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    with subprocess.Popen(
        [sys.executable, "-m", "g4f_lite.cli", *arguments],
        env={**os.environ, **(env or {})},
        start_new_session=True,  # the developer's terminal is not its terminal
        **streams,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Ran:
    """Run the real command to its end."""
    piped = {} if stdin is None else {"stdin": subprocess.PIPE}
    with start(*arguments, env=env, **piped) as process:
        out, err = process.communicate(stdin, timeout=20)
    return Ran(process.returncode, out.decode(), err.decode())


def interrupt(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """
    Send Ctrl-C until the command ends, and return what it printed.

    Once is not always enough: Python loses a signal that arrives just before a blocking read, which waits on.
    """
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=5)


def in_terminal(
    *arguments: str, typed: bytes | signal.Signals = b"", after: bytes = b"", env: dict[str, str] | None = None
) -> Ran:
    """
    Run the real command in a terminal, and type or send `typed` once `after` is on the screen; `out` is the screen.

    A signal is sent again if nothing comes of it, as in `interrupt`.
    """
    ours, its = pty.openpty()
    with start(*arguments, env={"TERM": "xterm", **(env or {})}, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        screen, due, end = b"", bool(typed), time.monotonic() + 60
        try:
            while time.monotonic() < end:
                if select.select([ours], [], [], 5)[0]:
                    if not (piece := os.read(ours, 65536)):
                        break
                    screen += piece
                elif isinstance(typed, signal.Signals):
                    due = True
                if due and after in screen:
                    due = False
                    if isinstance(typed, bytes):
                        os.write(ours, typed)
                    else:
                        process.send_signal(typed)
        except OSError:
            pass  # the other side is closed
        process.wait(20)
    os.close(ours)
    return Ran(process.returncode, screen.decode().replace("\r\n", "\n"), "")
