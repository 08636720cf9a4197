"""
Shares limits between four processes and a real Redis, breaks both, and checks that no limit is passed.

    python -m stress.shared_state --runs 200 [--seed 7]
    python -m stress.shared_state --runs 5 --seconds 200    with outages of more than a minute

Each run has its own faults, which its seed decides: processes are killed and replaced, or paused; Redis is paused,
killed and started without its data, once or twice; while it is away, processes are killed and others begin; its
connections are cut and its scripts forgotten. The clock of each process is wrong by up to an hour. Each process writes
down what it was granted and what it used. Checked are, of all processes: at no moment more was spent and reserved than
a budget has, more calls were under way than may be at once, or more requests or tokens were sent in a minute than may
be; no call failed or waited long for its answer; in the end nothing is reserved, and the rest of the budget can be
spent. What `docs/shared-state.md` says that nobody can know is left out: no more than four processes begin while Redis
is away, and those that begin while it is not there may pass a limit, each by the quarter that it takes.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.redis_server import RedisServer, redis_server

from g4f_lite.health.shared_state import Amount, Reservation, Reserve, Settle
from g4f_lite.health.stores.fallback import GUESSED
from g4f_lite.health.stores.link import ANSWER_S, StateLink
from g4f_lite.health.stores.redis import RedisState

from .seeds import run_seeds

PROCESSES, THREADS, STRANGERS, CALM_S, LEASE_MS, MOST_TOKENS = 4, 3, 4, 3.0, 3000, 100
LONG_S = 90.0
LATEST_S = 4 * ANSWER_S
"""A call that takes longer has waited for more than one answer, on any machine."""


class Limits(NamedTuple):
    """What all processes together may use: nano-dollars, requests and tokens in a minute, calls at once."""

    budget: int
    rate: int
    tokens: int
    parallel: int

    @classmethod
    def chosen(cls, chance: random.Random) -> Limits:
        """Return limits of which one is tight, or all: else the others are never reached."""
        tight = chance.choice([0, 1, 1, 2, 3, 4])
        rows = ([3000, 20_000], [1, 3, 15, 40, 200, 600], [100, 2000, 20_000], [1, 2, 4, 8])
        return cls(*(chance.choice(row) if tight in (0, place) else 10**7 for place, row in enumerate(rows, 1)))

    def of_call(self, cost: int) -> tuple[Amount, ...]:
        return (
            Amount("budget", "nano-usd", "total", self.budget, cost),
            Amount("leg", "requests", "minute", self.rate, 1),
            Amount("leg", "tokens", "minute", self.tokens, cost),
            Amount("leg", "calls", "parallel", self.parallel, 1),
        )


def work(url: str, log: Path, seed: int, limits: Limits, seconds: float) -> None:
    """Call until the time is over, some calls at once."""
    chance = random.Random(seed)
    skew, honest = chance.uniform(-3600, 3600), time.time
    time.time = lambda: honest() + skew
    logging.disable()
    link = StateLink(RedisState(url), owned=True)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(*what: object) -> None:
        os.write(file, (" ".join(map(str, (time.monotonic(), os.getpid(), *what))) + "\n").encode())

    threads = [Thread(target=call, args=(link, f"{os.getpid()}.{n}", random.Random(f"{seed} {n}"), limits, write,
        time.monotonic() + seconds)) for n in range(THREADS)]  # fmt: skip
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        time.sleep(0.05)
        write("slept", time.monotonic() - began - 0.05)
    link.close()


def call(
    link: StateLink, name: str, chance: random.Random, limits: Limits, write: Callable[..., None], end: float
) -> None:
    """Write down each grant after it came, and each end before it is told."""
    number = 0
    try:
        while time.monotonic() < end:
            number += 1
            one, cost = f"{name}.{number}", chance.randint(20, MOST_TOKENS)
            asked = time.monotonic()
            (answer,) = link.ask((Reserve(one, limits.of_call(cost), LEASE_MS),))
            late = time.monotonic() - asked
            assert isinstance(answer, Reservation)
            write("asked", late)
            if answer.refused_by is not None:
                time.sleep(min(max(answer.wait_ms, 5), 100) / 1000 * chance.uniform(0.5, 1.5))
                continue
            write("granted", one, cost)
            time.sleep(chance.uniform(0, 0.03))
            used = chance.randint(0, cost)
            write("ended", one, used)
            link.tell(Settle(one, (used, 1, used, 1)))
    except BaseException as error:
        write("failed", repr(error))


class Faults:
    """The processes and the server of one run, and what happens to them."""

    def __init__(self, server: RedisServer, log: Path, seed: int, limits: Limits, seconds: float) -> None:
        self.server, self.log, self.limits = server, log, limits
        self.chance, self.seed = random.Random(seed), seed
        self.end = time.monotonic() + seconds
        self.children: list[int] = []
        self.started = self.strangers = self.guessing = 0
        """Processes; those that begin while the server is away; and of these, those that guess how many there are."""
        self.killed: dict[int, float] = {}
        self.lost_data = self.is_gone = False
        self.told: list[str] = []

    def start(self) -> None:
        self.started += 1
        seed = self.seed * 1000 + self.started
        if child := os.fork():
            self.children.append(child)
            return
        try:
            work(self.server.url, self.log, seed, self.limits, self.end - time.monotonic())
        finally:
            os._exit(0)

    def run(self) -> None:
        """Let faults happen; then let the processes end, which know by then that the server is back."""
        for _ in range(PROCESSES):
            self.start()
        self.server.wait_for_members(PROCESSES)  # four of them may begin while it is away, and not more
        kinds = [self.kill_child, self.pause_child, self.pause, self.kill, self.pause, self.kill, self.cut, self.forget]
        if self.end - time.monotonic() > 2 * LONG_S:
            kinds.append(self.long)
        while (pause := self.chance.uniform(0.05, 1.2)) < self.end - CALM_S - time.monotonic():
            time.sleep(pause)
            fault = self.chance.choice(kinds)
            self.told.append(fault.__name__)
            fault()
            while len(self.children) < PROCESSES:
                self.start()
        for child in self.children:
            os.waitpid(child, 0)

    def kill_child(self) -> None:
        child = self.children.pop(self.chance.randrange(len(self.children)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.killed[child] = time.monotonic()

    def pause_child(self) -> None:
        child = self.chance.choice(self.children)
        os.kill(child, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.05, LEASE_MS / 2500))
        os.kill(child, signal.SIGCONT)

    def meanwhile(self, seconds: float) -> None:
        """While the server is away: kill a process, or two; let others take their place now, or when it is back."""
        for _ in range(self.chance.choice([0, 0, 1, 1, 2])):
            part = self.chance.uniform(0, seconds)
            time.sleep(part)
            seconds -= part
            self.kill_child()
            self.told.append("and_kill_child")
            if self.strangers < STRANGERS and self.chance.random() < 0.7:
                self.strangers += 1
                self.guessing += self.is_gone
                self.start()
                self.told.append("and_start")
        time.sleep(seconds)

    def pause(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2])):
            self.server.pause()
            self.meanwhile(self.chance.uniform(0.05, 1.5))
            self.server.resume()
            time.sleep(self.chance.uniform(0, 0.3))

    def kill(self) -> None:
        self.lost_data = True
        self.server.wait_for_members(len(self.children))  # others would guess how many there are
        for _ in range(self.chance.choice([1, 1, 2])):
            self.server.kill()
            self.is_gone = True
            self.meanwhile(self.chance.uniform(0, 0.8))
            self.is_gone = False
            self.server.start()
            time.sleep(self.chance.uniform(0, 0.3))

    def long(self) -> None:
        """For so long that all that was sent before does not count any more."""
        if self.end - time.monotonic() > LONG_S + CALM_S:
            self.server.pause()
            self.is_gone = True
            self.meanwhile(self.chance.uniform(LONG_S / 2, LONG_S))
            self.is_gone = False
            self.server.resume()

    def cut(self) -> None:
        with self.server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def forget(self) -> None:
        with self.server.client() as client:
            client.script_flush()


def read(log: Path) -> list[list[str]]:
    """Return the lines of all processes in the order of their time."""
    return sorted((line.split() for line in log.read_text().splitlines()), key=lambda line: float(line[0]))


def passed(lines: list[list[str]], faults: Faults) -> Iterator[str]:
    """Yield which limits were passed, and which calls failed or were late."""
    limits, killed = faults.limits, faults.killed
    cost, under_way, spent = dict[str, int](), dict[str, int](), 0
    """By call: the nano-dollars and tokens that it has reserved, or used; its process, as long as it goes on."""
    minute, tokens = deque[tuple[float, str]](), 0
    slow = max((float(line[3]) for line in lines if line[2] == "slept"), default=0)  # the machine, or while paused
    guessed = {
        "calls at once": faults.guessing * max(1, limits.parallel // GUESSED),
        "requests": faults.guessing * max(1, limits.rate // GUESSED),
        "tokens": faults.guessing * max(MOST_TOKENS, limits.tokens // GUESSED),
    }
    for at, pid, what, *rest in lines:
        if what == "granted":
            cost[rest[0]], under_way[rest[0]] = int(rest[1]), int(pid)
            minute.append((float(at), rest[0]))
            spent, tokens = spent + int(rest[1]), tokens + int(rest[1])
        elif what == "ended":
            freed = cost[rest[0]] - int(rest[1])
            del under_way[rest[0]]
            cost[rest[0]], spent = int(rest[1]), spent - freed
            tokens -= freed  # calls are short: it still counts
        elif what == "failed":
            yield f"a call failed: {rest}"
        elif what == "asked" and float(rest[0]) > LATEST_S + 4 * slow:
            yield f"a call waited for {float(rest[0]):.2f} s"
        while minute and minute[0][0] <= float(at) - 60:
            tokens -= cost[minute.popleft()[1]]
        alive = sum(float(at) <= killed.get(pid, float("inf")) for pid in under_way.values())
        for name, value, most in (
            ("budget", spent, limits.budget), ("calls at once", alive, limits.parallel),
            ("requests", len(minute), limits.rate), ("tokens", tokens, limits.tokens),
        ):  # fmt: skip
            if what == "granted" and value > most + guessed.get(name, 0):
                yield f"{name}: {value} of {most}"


def patiently(ask: Callable[[], Any]) -> Any:
    """Ask the server until it answers: the machine may be busy."""
    for _ in range(20):
        try:
            return ask()
        except OSError:
            time.sleep(0.2)
    return ask()


def left_behind(faults: Faults, lines: list[list[str]]) -> Iterator[str]:
    """Yield what stays reserved when all leases are over, and how much of the budget cannot be spent."""
    time.sleep(LEASE_MS / 1000)
    state, budget = RedisState(faults.server.url), faults.limits.budget
    for scope in ("budget", "leg"):
        for name, one in patiently(lambda scope=scope: state.used(scope)).items():
            if one.reserved:
                yield f"{one.reserved} of {name} stay reserved"
    link, number = StateLink(state, owned=True), 0
    real = sum(int(line[4]) for line in lines if line[2] == "ended")
    while True:
        number += 1
        cost = max(1, budget // 500)
        (answer,) = link.ask((Reserve(f"rest.{number}", (Amount("budget", "nano-usd", "total", budget, cost),), 1000),))
        assert isinstance(answer, Reservation)
        if answer.refused_by is None:
            real += cost
            link.tell(Settle(f"rest.{number}", (cost,)))
        elif not answer.held:
            break
    link.close()
    if real > budget:
        yield f"budget: {real} of {budget} in the end"
    if real < 0.98 * budget and not faults.killed and not faults.lost_data:
        yield f"only {real} of {budget} could be spent"


def one_run(seed: int, seconds: float) -> tuple[list[str], str]:
    """Return the problems of a run, and what happened in it."""
    limits = Limits.chosen(random.Random(seed))
    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        server.admit()
        faults = Faults(server, Path(folder) / "log", seed, limits, seconds)
        faults.run()
        lines = read(faults.log)
        problems = [*passed(lines, faults), *left_behind(faults, lines)]
    counted = {what: sum(line[2] == what for line in lines) for what in ("asked", "granted")}
    latest = max(float(line[3]) for line in lines if line[2] == "asked")
    return problems, f"{limits} {counted} latest {latest * 1000:.0f} ms {' '.join(faults.told)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stress.shared_state", description="Break a shared state.")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a run; from 180 on with longer outages")
    given = parser.parse_args()
    run_seeds(given.seed, given.runs, lambda seed: one_run(seed, given.seconds))


if __name__ == "__main__":
    main()
