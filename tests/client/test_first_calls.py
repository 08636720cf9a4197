"""The first calls of a process, made by many threads at once."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc, sys, threading
from g4f_lite.client.chat_request import check_request

sys.setswitchinterval(1e-6)
gc.callbacks.append(lambda phase, info: [None for _ in range(50)])  # a switch of threads inside C code
gc.set_threshold(5)
together = threading.Barrier(50)

def ask():
    together.wait()
    check_request({"messages": [{"role": "user", "content": "Hi"}]})
    checked.append(1)

checked = []
threads = [threading.Thread(target=ask) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(checked))
"""


def test_fifty_threads_may_make_the_first_call_together() -> None:
    for _ in range(4):  # before the types were read at import, about a third of such processes crashed
        ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout) == (0, "50\n"), ran.stderr
