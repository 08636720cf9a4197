"""A client is usable in a forked child."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import textwrap
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from helpers.asking import ask
from helpers.driving import MESSAGES

import g4f_lite
from g4f_lite import Client
from g4f_lite.plugins import registry as plugins
from g4f_lite.testing import FaultServer, replies


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_has_connections_of_its_own(groq: FaultServer) -> None:
    groq.script(lambda request: replies.answer(request.json["user"])(request))
    context = multiprocessing.get_context("fork")
    with Client() as client:
        assert ask(client, user="parent").text == "parent"
        queue = context.Queue()
        child = context.Process(target=lambda: queue.put([ask(client, user=f"child {n}").text for n in range(20)]))
        child.start()
        mine = [ask(client, user=f"parent {number}").text for number in range(20)]
        theirs = queue.get(timeout=20)
        child.join(10)
    assert mine == [f"parent {number}" for number in range(20)]
    assert theirs == [f"child {number}" for number in range(20)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_is_free_of_locks_that_other_threads_held_at_the_fork(groq: FaultServer) -> None:
    plugin = g4f_lite.OpenaiTemplate(name="mine", api_base=groq.base_url, needs_auth=False, default_model="m")
    context = multiprocessing.get_context("fork")

    def both(client: Client) -> str:
        return client.chat.completions.create(messages=MESSAGES, provider=["mine", "groq"]).text

    with Client(plugins=[plugin], strategy="round_robin") as client:
        core = client._calls
        locks: list[Any] = [core.health._lock, core.router.turns._lock, core.registry._lock, core.registry._root._lock]
        locks += [client._driver.http._lock, plugins._process_lock]
        held, free = threading.Event(), threading.Event()

        def hold() -> None:
            with ExitStack() as stack:
                for lock in locks:
                    stack.enter_context(lock)
                held.set()
                free.wait(20)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(20)
        queue = context.Queue()
        child = context.Process(target=lambda: queue.put(both(client)))
        child.start()
        child.join(10)
        hangs = child.is_alive()
        child.kill()
        free.set()
        holder.join()
    assert not hangs
    assert queue.get(timeout=20) == "ok"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("module", ["g4f_lite.errors.classify", "tenacity"])
def test_a_child_waits_for_no_module_that_another_thread_was_importing_at_the_fork(
    module: str, groq: FaultServer
) -> None:
    """The first failure of a client imports tenacity and the code that reads errors: here slowly, while the process forks."""
    script = f"""
        import os, signal, sys, threading, time, g4f_lite
        from importlib.machinery import PathFinder, SourceFileLoader

        class Slow(SourceFileLoader):
            def exec_module(self, module):
                importing.set()
                time.sleep(1)
                super().exec_module(module)

        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name != {module!r}:
                    return None
                spec = PathFinder.find_spec(name, path, target)
                spec.loader = Slow(name, spec.origin)
                return spec

        importing = threading.Event()
        sys.meta_path.insert(0, Finder())
        client = g4f_lite.Client(base_urls={{"groq": {groq.base_url!r}}}, keys={{"groq": "test"}}, retries=0)
        names = {{"provider": "groq", "model": "a", "fallback_models": ["b"]}}
        ask = lambda: client.chat.completions.create(messages={MESSAGES!r}, **names).text
        thread = threading.Thread(target=ask)
        thread.start()
        assert importing.wait(20)
        if os.fork() == 0:
            signal.alarm(15)  # a child that waits for ever ends
            print(ask(), flush=True)
            os._exit(0)
        thread.join()
        os.wait()
    """
    groq.on("a", replies.error(500)).on("b", replies.answer("ok"))
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ok\n", "")
