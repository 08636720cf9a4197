"""The first calls of a process, made by many threads at once: each use of a type by msgspec is its first."""

from __future__ import annotations

from helpers.imports import python

_FIRST_CALLS = """
import gc, sys, threading
from g4f_lite.client.chat_request import check_request

sys.setswitchinterval(1e-6)
gc.callbacks.append(lambda phase, info: [None for _ in range(50)])  # a switch of threads inside C code
gc.set_threshold(5)
together = threading.Barrier(50)
checked = []

def ask():
    together.wait(30)
    check_request({"messages": [{"role": "user", "content": "Hi"}]})
    checked.append(1)

threads = [threading.Thread(target=ask) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(checked))
"""

_FIRST_ANSWERS = """
import sys, threading
import msgspec
from g4f_lite.call.structured import response_model

sys.setswitchinterval(1e-6)

def parse():
    together.wait(30)
    parsed.append(response_model(Day).parse('{"first": {"hour": 1}, "others": [{"hour": 2}], "last": null}'))

parsed = []
for _ in range(200):  # a new type each time
    class Hour(msgspec.Struct):
        hour: int
    class Day(msgspec.Struct):
        first: Hour
        others: list[Hour]
        last: "Hour | None"
    together = threading.Barrier(8)
    threads = [threading.Thread(target=parse) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(len(parsed))
"""


def printed_by(program: str) -> str:
    ran = python(program, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_fifty_threads_may_make_the_first_call_together() -> None:
    for _ in range(10):  # before the types were read at import, about a third of such processes crashed
        assert printed_by(_FIRST_CALLS) == "50\n"


def test_eight_threads_may_be_the_first_to_use_a_response_model() -> None:
    assert printed_by(_FIRST_ANSWERS) == "1600\n"
