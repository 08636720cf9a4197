"""The callers: threads, tasks, successive event loops and forked children, all at once."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from g4f_lite import AsyncClient, Breaker, Client

from .ask import Ask, ask
from .floods import MOST
from .ledger import Ledger
from .noise import Noise
from .providers import SECRET, Observer

LONGEST_S = 300.0
"""A thread that takes longer hangs."""


class Soak:
    def __init__(self, calls: int, seed: int, base_urls: list[str], refused: str) -> None:
        self.seed = seed
        self.ledger = Ledger(calls)
        self.observers = [Observer(), Observer(), Observer()]
        settings: Any = {
            "base_urls": dict(
                zip(
                    ("alpha", "beta", "gamma", "tenant", "down", "odd"),
                    [*base_urls * 2, refused, base_urls[0]],
                    strict=True,
                )
            ),
            "keys": {
                "alpha": [f"{SECRET}-of-alpha-{number}" for number in (1, 2)],
                **{name: f"{SECRET}-of-{name}" for name in ("beta", "gamma", "down", "odd")},
            },
            "retry_wait": lambda state: 0.001,
            "deadline": 20.0,
            "max_response_bytes": MOST,
            "breaker": Breaker(rest=0.02, longest_rest=0.1),
        }
        self.client = Client(plugins=[self.observers[0]], **settings)
        self.async_client = AsyncClient(plugins=[self.observers[1]], **settings)
        self.hedging = AsyncClient(plugins=[self.observers[2]], hedge_after=0.005, **settings)

    @property
    def clients(self) -> tuple[Client, AsyncClient, AsyncClient]:
        return self.client, self.async_client, self.hedging

    def run(self, nonces: range) -> None:
        """Make these calls in all ways at once."""
        third = len(nonces) // 20
        forked, threaded, looped = nonces[:third], nonces[third : third * 9], nonces[third * 9 :]
        pending = iter(threaded)
        half = len(looped) // 2
        workers = [
            *(lambda: self._in_thread(pending) for _ in range(4)),
            lambda: self._in_loops(looped[:half]),
            lambda: self._in_loops(looped[half:]),
        ]
        threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in workers]
        for thread in threads:
            thread.start()
        for start in range(0, len(forked), 25):
            self._in_child(forked[start : start + 25])
            time.sleep(0.05)
        for thread in threads:
            thread.join(LONGEST_S)
            if thread.is_alive():
                faulthandler.dump_traceback(file=sys.__stderr__)
                self.ledger.problem("a thread hangs")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self.ledger.problem(traceback.format_exc())

    # -- threads ---------------------------------------------------------------------------

    def _in_thread(self, pending: Iterator[int]) -> None:
        for nonce in pending:
            asked = ask(self.seed, nonce)
            try:
                self._call(asked)
            except BaseException as error:
                self.ledger.failed(asked, error)

    def _call(self, asked: Ask) -> None:
        answer: Any = self.client.chat.completions.create(**asked.params)
        if not asked.params["stream"]:
            self.ledger.answered(asked, answer)
            return
        if asked.how == "unread":
            answer.close()
        if asked.how in ("unread", "forgotten"):
            self.ledger.ended(asked.how)
            return
        said = ""
        for number, chunk in enumerate(answer):
            said = self.ledger.add_chunk(asked, said, chunk)
            if asked.how in ("close", "with", "drop") and number == asked.at:
                self.ledger.check_owner(asked, said)
                if asked.how == "with":
                    with answer:
                        pass
                elif asked.how == "close":
                    answer.close()
                self.ledger.ended(asked.how)
                return
            if asked.how == "elsewhere" and number == asked.at:
                threading.Timer(asked.within / 4, answer.close).start()
        if asked.how == "elsewhere":
            self.ledger.check_owner(asked, said)
            self.ledger.ended(asked.how)
            return
        self.ledger.answered(asked, answer.completion, said)

    # -- tasks -----------------------------------------------------------------------------

    def _in_loops(self, nonces: range) -> None:
        for number, start in enumerate(range(0, len(nonces), 150)):
            asyncio.run(self._in_loop(nonces[start : start + 150], close=number % 3 == 0))

    async def _in_loop(self, nonces: range, *, close: bool) -> None:
        pending = iter(nonces)
        async with asyncio.TaskGroup() as group:
            for number in range(16):
                group.create_task(self._in_task(self.hedging if number % 4 == 0 else self.async_client, pending))
            if close:  # with calls under way
                await asyncio.sleep(0.05)
                await self.async_client.aclose()
        end = time.monotonic() + 5
        while len(asyncio.all_tasks()) > 1 and time.monotonic() < end:
            await asyncio.sleep(0.001)
        if running := asyncio.all_tasks() - {asyncio.current_task()}:
            self.ledger.problem(f"tasks are still running: {running}")
        if close:
            await self.async_client.aclose()

    async def _in_task(self, client: AsyncClient, pending: Iterator[int]) -> None:
        for nonce in pending:
            asked = ask(self.seed, nonce)
            try:
                await self._call_in_task(client, asked)
            except BaseException as error:
                self.ledger.failed(asked, error)

    async def _call_in_task(self, client: AsyncClient, asked: Ask) -> None:
        """Make a call; its caller may cancel it or time out."""
        if asked.how == "cancel":
            task = asyncio.create_task(self._acall(client, asked))
            await asyncio.sleep(asked.within)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                self.ledger.ended(asked.how)
        elif asked.how == "time out":
            try:
                async with asyncio.timeout(asked.within):
                    await self._acall(client, asked)
            except TimeoutError:
                self.ledger.ended(asked.how)
        else:
            await self._acall(client, asked)

    async def _acall(self, client: AsyncClient, asked: Ask) -> None:
        answer: Any = await client.chat.completions.create(**asked.params)
        if not asked.params["stream"]:
            self.ledger.answered(asked, answer)
            return
        if asked.how == "unread":
            await answer.aclose()
        if asked.how in ("unread", "forgotten"):
            self.ledger.ended(asked.how)
            return
        said = ""
        number = 0
        closing: asyncio.Task[None] | None = None
        async for chunk in answer:
            said = self.ledger.add_chunk(asked, said, chunk)
            if asked.how in ("close", "with", "drop") and number == asked.at:
                self.ledger.check_owner(asked, said)
                if asked.how == "with":
                    async with answer:
                        pass
                elif asked.how == "close":
                    await answer.aclose()
                self.ledger.ended(asked.how)
                return
            if asked.how == "elsewhere" and number == asked.at:
                closing = asyncio.create_task(_close_soon(answer, asked.within / 4))
            number += 1
        if asked.how == "elsewhere":
            if closing is not None:
                await closing
            self.ledger.check_owner(asked, said)
            self.ledger.ended(asked.how)
            return
        self.ledger.answered(asked, answer.completion, said)

    # -- children --------------------------------------------------------------------------

    def _in_child(self, nonces: range) -> None:
        """Make these calls in a forked child, on the clients of this process, while its threads continue."""
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            try:
                os.close(reading)
                faulthandler.enable(file=sys.__stderr__)
                report = pickle.dumps(self._as_child(nonces))
                with os.fdopen(writing, "wb") as pipe:
                    pipe.write(report)
            finally:
                os._exit(0)
        os.close(writing)
        hangs = threading.Timer(60, os.kill, (child, signal.SIGABRT))  # faulthandler then prints its stacks
        hangs.start()
        with os.fdopen(reading, "rb") as pipe:
            report = pipe.read()
        hangs.cancel()
        hangs.join()
        os.waitpid(child, 0)
        self.ledger.add(pickle.loads(report) if report else ([], Counter(), ["it died or hung"]))

    def _as_child(self, nonces: range) -> tuple[list[tuple[int, int]], Counter[str], list[str]]:
        self.ledger = Ledger(len(self.ledger.answers))
        noise = Noise.of_process
        noise.clear()
        fifth = len(nonces) // 5
        pending = iter(nonces[fifth * 2 :])
        threads = [
            threading.Thread(target=self._guarded, args=(work,))
            for work in (
                lambda: self._in_thread(pending),
                lambda: self._in_thread(pending),
                lambda: self._in_loops(nonces[:fifth]),
                lambda: self._in_loops(nonces[fifth : fifth * 2]),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.client.close()
        gc.collect()
        for line in noise:
            self.ledger.problem(line)
        return self.ledger.report()


async def _close_soon(answer: Any, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await answer.aclose()
