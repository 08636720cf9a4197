"""What is special about a state in memory: threads, forks, and a clock that may be set."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time

import pytest
from helpers.installing import ROOT
from helpers.states import calls, in_use, requests, reserve, settle, usd

from g4f_lite.health.stores.memory import MemoryState


def test_threads_share_it() -> None:
    state = MemoryState()
    most, now = [0], [0]
    lock = threading.Lock()

    def work(number: int) -> None:
        for index in range(300):
            if reserve(state, calls(3), usd(1, 1000), id=f"{number}-{index}").refused_by is not None:
                continue
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0)
            with lock:
                now[0] -= 1
            settle(state, f"{number}-{index}", 1, 1)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= 3
    assert in_use(state, calls()) == 0
    assert 0 < in_use(state, usd(0)) <= 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_a_forked_child_begins_with_nothing_even_if_a_thread_was_in_it() -> None:
    code = (
        "import os, signal, sys, warnings\n"
        "sys.path.insert(0, 'tests')\n"
        "warnings.simplefilter('ignore')\n"
        "from helpers.states import *\n"
        "state = MemoryState()\n"
        "reserve(state, usd(60, 100), id='a')\n"
        "state._lock.acquire()\n"  # as a thread does that is in a command
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(20)\n"
        "    settle(state, 'a', 5)\n"
        "    os._exit(0 if in_use(state, usd(0)) == 0 else 1)\n"
        "state._lock.release()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert in_use(state, usd(0)) == 60\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_clock_that_is_set_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    state = MemoryState()
    reserve(state, requests(1), calls(1), id="a")
    settle(state, "a", 1)
    reserve(state, calls(1), id="b")
    for seconds in (3600, -3600):
        real = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda now=real + seconds * 10**9: now)
        monkeypatch.setattr(time, "time", lambda now=real / 1e9 + seconds: now)
        assert reserve(state, calls(1)).held
        assert 50_000 < reserve(state, requests(1)).wait_ms <= 61_250


def test_it_is_not_copied() -> None:
    with pytest.raises(TypeError, match="MemoryState can be neither copied nor pickled"):
        pickle.dumps(MemoryState())
