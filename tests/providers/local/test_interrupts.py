"""Ctrl-C at each step of the engine: the process reacts, leaves nothing running and ends by itself."""

from __future__ import annotations

import os

import pytest
from helpers.local_model import CAPITAL, LOCAL, run_script

pytestmark = [*LOCAL, pytest.mark.skipif(os.name != "posix", reason="signals")]

# Raises KeyboardInterrupt in the main thread at the first bytecode of a call, at the second, and so on. From Python
# 3.12 on, bytecodes are not always traced, so it raises at each line as well.
AT_EACH_STEP = """
import dis, sys, threading, time, xllamacpp
import g4f_lite_providers.local_engine as engine
made = []
ended = []
nothing = dis.opmap["NOP"]  # no signal is handled there, and no `except` covers it

class Loaded:
    answer = engine.Engine.answer
    close = engine.Engine.close
    _server = None
    def __init__(self, weights, **settings):
        made.append(self)
        time.sleep(0.003)
        self._slots = threading.BoundedSemaphore(engine.SLOTS)
        ended.append(self)

def interrupted_at(step, call):
    def interrupt(frame, event, arg):
        nonlocal step
        frame.f_trace_opcodes = True
        if event in ("opcode", "line") and frame.f_code.co_code[frame.f_lasti] != nothing:
            step -= 1
            if not step:
                sys.settrace(None)
                raise KeyboardInterrupt
        return interrupt
    def traced():  # called last here, so that nothing but the call is traced
        sys.settrace(interrupt)
        try:
            call()
        finally:
            sys.settrace(None)
    try:
        traced()
    except KeyboardInterrupt:
        return True
    return False

def sweep(call, check):
    step = 1
    while interrupted_at(step, call):
        check()
        step += 1
    check()
    print(step > 20)
"""


def test_an_interrupt_at_any_step_of_loading_waits_for_its_end_and_the_next_call_loads() -> None:
    script = """
engine.Engine = Loaded
def load():
    return engine.engine_for("weights", template="", context_window=1, threads=1)
def check():
    assert made == ended and not engine._jobs and not engine._lock.locked()
    assert load() is made[-1]
    engine._engines.clear()
    made.clear()
    ended.clear()
sweep(load, check)
"""
    assert run_script(AT_EACH_STEP + script) == (0, "True\n", "")


def test_an_interrupt_at_any_step_of_an_answer_ends_it_and_frees_its_slot() -> None:
    script = """
class Server:
    def handle_chat_completions(self, body, callback):
        for _ in range(2):
            if callback(b"piece"):
                return
            time.sleep(0.001)

loaded = Loaded("weights")
loaded._server = Server()
def ask():
    return list(loaded.answer(b"", lambda: False))
def check():
    assert loaded._slots._value == engine.SLOTS and not engine._jobs
    assert len(ask()) == 2
sweep(ask, check)
"""
    assert run_script(AT_EACH_STEP + script) == (0, "True\n", "")


def test_interrupts_inside_loading_wait_for_it_and_the_loaded_model_is_kept() -> None:
    script = f"""
import os, signal, time
import g4f_lite
import g4f_lite_providers.local_engine as engine
start, loads = engine._start, []
def start_and_interrupt(*args):
    loads.append(args)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    return start(*args)
engine._start = start_and_interrupt
try:
    g4f_lite.chat("hi", provider="local")
except KeyboardInterrupt:
    print(len(engine._engines), engine._jobs)
print("Paris" in g4f_lite.chat({CAPITAL!r}, provider="local", temperature=0, max_tokens=2).text, len(loads))
"""
    assert run_script(script) == (0, "1 set()\nTrue 1\n", "")


def test_loading_needs_no_import_lock() -> None:
    script = """
import _imp
import g4f_lite
_imp.acquire_lock()  # as a Ctrl-C within an import can leave it
print(bool(g4f_lite.chat("hi", provider="local", max_tokens=1)))
"""
    assert run_script(script) == (0, "True\n", "")


def test_a_server_answers_from_its_loop_before_it_is_handed_out_and_can_be_discarded_at_once() -> None:
    script = """
import xllamacpp
from g4f_lite_providers.local_engine import Engine
from g4f_lite_providers.local_weights import bundled_weights
metrics = []
class Server(xllamacpp.Server):
    def handle_metrics(self):
        metrics.append(super().handle_metrics())
xllamacpp.Server = Server
for _ in range(3):
    Engine(bundled_weights(), template="", context_window=256, threads=1).close()
print([text.startswith("# HELP llamacpp:") for text in metrics])
"""
    assert run_script(script) == (0, "[True, True, True]\n", "")


@pytest.mark.parametrize("step", ["Engine.close", "_Job.forsake"])
def test_interrupts_do_not_keep_the_engine_from_closing(step: str) -> None:
    script = f"""
import signal
import g4f_lite
import g4f_lite_providers.local_engine as engine
print(bool(g4f_lite.chat("hi", provider="local", max_tokens=1)))
engine._jobs.add(engine._Job(print))
real, left = engine.{step}, [1, 2, 3]
def interrupted(self):
    if left:
        left.pop()
        signal.raise_signal(signal.SIGINT)
    real(self)
    print("closed" if not any(loaded._server for loaded in engine._engines.values()) else "stopped")
engine.{step} = interrupted
"""
    ended = "closed" if step == "Engine.close" else "stopped"
    assert run_script(script) == (0, f"True\n{ended}\n", "")
