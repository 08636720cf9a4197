"""A process that was forked in the middle of a command of another thread."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.imports import python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def test_the_child_leaves_the_file_alone_and_says_so(tmp_path: Path) -> None:
    """SQLite's locks are those of a process: a child with an inherited and a new connection would damage the file."""
    script = f"""
import os, threading, warnings
from g4f_lite.health.shared_state import Amount, Reserve
from g4f_lite.health.stores import sqlite
warnings.simplefilter("ignore")
sqlite._FORK_S = 0.01
state = sqlite.SQLiteState({str(tmp_path / "state.db")!r})
def reserve(name):
    return state.execute([Reserve(name, (Amount("a", "requests", "total", 9, 1),), 60_000)])[0].left
assert reserve("one") == (8,)
held, done = threading.Event(), threading.Event()
def busy():
    with state._lock:
        held.set()
        done.wait(20)
thread = threading.Thread(target=busy)
thread.start()
held.wait(20)
child = os.fork()
if not child:
    try:
        reserve("two")
    except OSError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
done.set()
thread.join()
print(reserve("three"))
state.close()
"""
    ran = python(script)
    assert ran.returncode == 0, ran.stderr
    said, left = ran.stdout.splitlines()
    assert "the process was forked in the middle of a command" in said
    assert left == "(7,)"
