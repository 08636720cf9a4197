"""
Lets clients call a service under limits that four processes share through a real Redis, and breaks Redis meanwhile.

    python -m stress.outages --runs 50 [--seed 7]

As `stress.shared_state`, but with what callers use: `Client` and `AsyncClient`, and a service on this machine that
counts. Redis is paused, killed and started without its data, also twice; processes are killed while it is there and
while it is away, and others begin. Checked are: the service never has more calls at once, nor more requests in a
minute, than the limits say; and of the processes that live, no call fails. Each call may wait in line for 30 s.

In every other run, more calls are made than the limit of a minute allows: those that are refused for it, or wait too
long, do not count as failed. In the others there are a third as many as it allows, because what a process that is
killed had of it is kept back for a minute. Its places among the calls at once are kept until its leases end: so no more
are killed than leave the others one. Processes that begin while Redis is not there may pass a limit, each by the
quarter that it takes (`docs/shared-state.md`).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.limited import Day
from helpers.redis_server import RedisServer, redis_server

from g4f_lite import AsyncClient, Client, DeadlineExceededError, G4FLiteError, Limits, RateLimitError
from g4f_lite.health.stores.fallback import GUESSED
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import Pause
from g4f_lite.testing.script import Action, Received

from .seeds import run_seeds

PROCESSES, MOST, CALLERS, STRANGERS, SECONDS, DEADLINE_S = 4, 10, 3, 4, 8.0, 30.0


def work(url: str, service: str, seed: int, rpm: int, parallel: int, calls: int, scarce: int) -> None:
    """Make calls, some at once; print those that fail."""
    logging.disable()
    chance, pause = random.Random(seed), 2 * SECONDS / (calls // CALLERS)
    settings: dict[str, Any] = {
        "plugins": [Day],
        "base_urls": {"day": service},
        "limits": {"day": Limits(rpm=rpm, parallel=parallel)},
        "state": url,
        "deadline": DEADLINE_S,
    }
    wanted: dict[str, Any] = {"messages": [{"role": "user", "content": str(os.getpid())}], "provider": "day"}

    def say(error: G4FLiteError) -> None:
        if not scarce or not isinstance(error, (RateLimitError, DeadlineExceededError)):
            print("failed", " ".join(str(error).split()), flush=True)

    def some(client: Client, count: int) -> None:
        for _ in range(count):
            try:
                client.chat.completions.create(**wanted)
            except G4FLiteError as error:
                say(error)
            time.sleep(chance.uniform(0, pause))

    async def some_async(client: AsyncClient, count: int) -> None:
        for _ in range(count):
            try:
                await client.chat.completions.create(**wanted)
            except G4FLiteError as error:
                say(error)
            await asyncio.sleep(chance.uniform(0, pause))

    async def all_async() -> None:
        async with AsyncClient(**settings) as client:
            await asyncio.gather(*(some_async(client, calls // CALLERS) for _ in range(CALLERS)))
            print("done", flush=True)
            await asyncio.to_thread(sys.stdin.read)

    if seed % 2:
        asyncio.run(all_async())
        return
    with Client(**settings) as client, ThreadPoolExecutor(CALLERS) as pool:
        for one in [pool.submit(some, client, calls // CALLERS) for _ in range(CALLERS)]:
            one.result()
        print("done", flush=True)
        sys.stdin.read()  # if all end and Redis loses its data, nobody knows what was used


class Service:
    """Takes a moment, and notes of each call when it began and ended, and whose it is."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.noted: list[tuple[float, int, int]] = []
        """When, whose, and one more or less."""

    def __call__(self, request: Received) -> Iterable[Action]:
        pid = int(request.json["messages"][0]["content"])
        self.noted.append((time.monotonic(), pid, 1))
        yield Pause(self.chance.uniform(0.01, 0.1))
        self.noted.append((time.monotonic(), pid, -1))
        yield from replies.answer("ok")(request)


class Run:
    def __init__(self, server: RedisServer, service: str, seed: int) -> None:
        self.server, self.service, self.seed = server, service, seed
        self.chance = random.Random(seed)
        self.scarce, self.parallel = seed % 2 == 0, self.chance.choice([1, 2, 4, 8, 1000])
        self.rpm = self.chance.choice([4, 40, 120] if self.scarce else [240, 480, 1200])
        self.started = self.strangers = self.guessing = 0
        self.children: list[subprocess.Popen[str]] = []
        self.killed: dict[int, float] = {}
        self.told: list[str] = []

    def start(self) -> None:
        self.started += 1
        calls = 60 if self.scarce else self.rpm // (3 * MOST)
        numbers = (self.seed * 100 + self.started, self.rpm, self.parallel, calls, int(self.scarce))
        command = [sys.executable, "-m", "stress.outages", "--work", self.server.url, self.service, *map(str, numbers)]
        self.children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def kill_child(self) -> None:
        if (len(self.killed) + 1) * CALLERS >= self.parallel:
            return
        child = self.children.pop(self.chance.randrange(len(self.children)))
        child.kill()
        child.communicate()
        self.killed[child.pid] = time.monotonic()
        self.told.append("and_kill_child")
        if self.started < MOST:
            self.start()

    def run(self) -> Iterator[str]:
        """Yield what has failed."""
        for _ in range(PROCESSES):
            self.start()
        self.server.wait_for_members(PROCESSES)
        for _ in range(4):
            time.sleep(self.chance.uniform(0.1, 1.0))
            self.chance.choice([self.pause, self.kill, self.kill_child])()
        for child in self.children:
            assert child.stdout is not None
            while (line := child.stdout.readline()) not in ("", "done\n"):
                yield line.strip()
        for child in self.children:
            child.communicate()
            if child.returncode:
                yield f"a process ended with {child.returncode}"

    def meanwhile(self, seconds: float, *, is_gone: bool) -> None:
        begins = self.strangers < STRANGERS and self.chance.random() < 0.5
        time.sleep(seconds / 2)
        if begins:
            self.strangers += 1
            self.guessing += is_gone
            self.kill_child()
        time.sleep(seconds / 2)

    def pause(self) -> None:
        self.told.append("pause")
        self.server.pause()
        self.meanwhile(self.chance.uniform(0.1, 3.0), is_gone=False)
        self.server.resume()

    def kill(self) -> None:
        self.told.append("kill")
        self.server.wait_for_members(len(self.children))  # others would guess how many there are
        for _ in range(self.chance.choice([1, 1, 2])):
            self.server.kill()
            self.meanwhile(self.chance.uniform(0.1, 3.0), is_gone=True)
            self.server.start()
            time.sleep(self.chance.uniform(0, 0.3))


def passed(noted: list[tuple[float, int, int]], run: Run) -> Iterator[str]:
    """Yield which limits the service has seen passed."""
    under_way: dict[int, int] = {}
    sent: list[float] = []
    most = [0, 0]
    for at, pid, more in sorted(noted):
        under_way[pid] = under_way.get(pid, 0) + more
        sent += [at] * (more > 0)
        alive = sum(count for one, count in under_way.items() if at < run.killed.get(one, at + 1))
        most = [max(most[0], alive), max(most[1], sum(one > at - 60 for one in sent))]
    if most[0] > run.parallel + run.guessing * max(1, run.parallel // GUESSED):
        yield f"{most[0]} of {run.parallel} calls at once"
    if most[1] > run.rpm + run.guessing * max(1, run.rpm // GUESSED):
        yield f"{most[1]} of {run.rpm} requests in a minute"


def one_run(seed: int) -> tuple[list[str], str]:
    """Return the problems of a run, and what happened in it."""
    with ExitStack() as stack:
        server, service = stack.enter_context(redis_server()), Service(seed)
        server.admit()
        served = stack.enter_context(FaultServer())
        served.script(service)
        run = Run(server, served.base_url, seed)
        began = time.monotonic()
        problems = [*run.run(), *passed(service.noted, run)]
        summary = f"rpm={run.rpm} parallel={run.parallel} {len(served.received)} calls {' '.join(run.told)}"
        return problems, f"{summary}, {time.monotonic() - began:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stress.outages", description="Break what clients share.")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--work", nargs=7, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        url, service, *numbers = given.work
        work(url, service, *map(int, numbers))
        return
    run_seeds(given.seed, given.runs, one_run)


if __name__ == "__main__":
    main()
