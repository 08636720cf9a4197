"""
Shares limits between four processes and a real Redis, breaks both, and checks that no limit is passed.

    python -m stress.shared_state --runs 200 [--seed 7]

Each run has its own faults, which its seed decides: processes are killed and replaced, or paused; Redis is paused,
killed and started without its data; its connections are cut and its scripts forgotten. The clock of each process is
wrong by up to an hour. Each process writes down what it was granted and what it used. Checked are: at no moment more
was spent and reserved than a budget has, more calls were under way than may be at once, or more requests were sent in
a minute than may be; no call failed or waited long; in the end nothing is reserved, and the rest of the budget can
be spent.

What a process has granted itself is not known to anybody if it is killed before it could tell, and Redis has lost its
data: it does not count as sent, except against the budget, of which a part is kept for this. Nor does what a process
grants that has just begun, and has no share yet.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.redis_server import RedisServer, redis_server

from g4f_lite.health.shared_state import Amount, Reservation, Reserve, Settle
from g4f_lite.health.stores.link import ANSWER_S, StateLink
from g4f_lite.health.stores.redis import RedisState

PROCESSES, SECONDS, CALM_S, LEASE_MS = 4, 8.0, 3.0, 3000
LATEST_S = 4 * ANSWER_S
"""A call that takes longer has waited for more than one answer, on any machine."""


class Limits(NamedTuple):
    """What all processes together may use: nano-dollars, requests in a minute, calls at once."""

    budget: int
    rate: int
    parallel: int

    def of_call(self, cost: int) -> tuple[Amount, ...]:
        return (
            Amount("budget", "nano-usd", "total", self.budget, cost),
            Amount("leg", "requests", "minute", self.rate, 1),
            Amount("leg", "calls", "parallel", self.parallel, 1),
        )


def work(url: str, log: Path, seed: int, limits: Limits) -> None:
    """Call until the time is over; write down each grant after it came, and each end before it is told."""
    chance = random.Random(seed)
    skew, honest = chance.uniform(-3600, 3600), time.time
    time.time = lambda: honest() + skew
    link = StateLink(RedisState(url), owned=True)
    end, file = time.monotonic() + SECONDS, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(*what: object) -> None:
        os.write(file, (" ".join(map(str, (time.monotonic(), os.getpid(), *what))) + "\n").encode())

    number = 0
    try:
        while time.monotonic() < end:
            number += 1
            name, cost = f"{os.getpid()}.{number}", chance.randint(20, 100)
            asked = time.monotonic()
            (answer,) = link.ask((Reserve(name, limits.of_call(cost), LEASE_MS),))
            late = time.monotonic() - asked
            assert isinstance(answer, Reservation)
            write("asked", late)
            if answer.refused_by is not None:
                time.sleep(min(max(answer.wait_ms, 5), 30) / 1000 * chance.uniform(0.5, 1.5))
                continue
            write("granted", name, cost, granted_by(link, name))
            time.sleep(chance.uniform(0, 0.03))
            used = chance.randint(0, cost)
            write("ended", name, used)
            link.tell(Settle(name, (used, 1, 1)))
        link.close()
    except BaseException as error:
        write("failed", repr(error))


def granted_by(link: StateLink, name: str) -> str:
    """Return who granted a reservation: the state, this process of its share, or this process without one."""
    if name not in link._writer._local_ids:
        return "shared"
    return "alone" if all(share.is_known for share in link._writer.fallback._shares.values()) else "blind"


class Faults:
    """The processes and the server of one run, and what happens to them."""

    def __init__(self, server: RedisServer, log: Path, seed: int, limits: Limits) -> None:
        self.server, self.log, self.limits = server, log, limits
        self.chance, self.seed = random.Random(seed), seed
        self.children: list[int] = []
        self.started = 0
        self.killed: dict[int, float] = {}
        self.paused: list[tuple[int, float]] = []
        """Processes, and for how many seconds each was paused."""
        self.lost_data = False
        self.told: list[str] = []

    def start(self) -> None:
        self.started += 1
        seed = self.seed * 1000 + self.started
        if child := os.fork():
            self.children.append(child)
            return
        try:
            work(self.server.url, self.log, seed, self.limits)
        finally:
            os._exit(0)

    def run(self) -> None:
        """Let faults happen; then let the processes end, which know by then that the server is back."""
        for _ in range(PROCESSES):
            self.start()
        end = time.monotonic() + SECONDS - CALM_S
        kinds = [self.kill_child, self.pause_child, self.pause, self.pause, self.kill, self.cut, self.forget]
        while (pause := self.chance.uniform(0.05, 1.2)) < end - time.monotonic():
            time.sleep(pause)
            fault = self.chance.choice(kinds)
            self.told.append(fault.__name__)
            fault()
        for child in self.children:
            os.waitpid(child, 0)

    def kill_child(self) -> None:
        """The one that takes its place begins while the server is there: else it would not know what others used."""
        child = self.children.pop(self.chance.randrange(len(self.children)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.killed[child] = time.monotonic()
        self.start()

    def pause_child(self) -> None:
        child, began = self.chance.choice(self.children), time.monotonic()
        os.kill(child, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.05, LEASE_MS / 2500))
        os.kill(child, signal.SIGCONT)
        self.paused.append((child, time.monotonic() - began))

    def pause(self) -> None:
        self.server.pause()
        time.sleep(self.chance.uniform(0.05, 1.5))
        self.server.resume()

    def kill(self) -> None:
        self.server.kill()
        time.sleep(self.chance.uniform(0, 0.8))
        self.server.start()
        self.lost_data = True

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
    held: dict[str, int] = {}
    under_way: dict[str, int] = {}
    spent, sent = 0, list[float]()
    for at, pid, what, *rest in lines:
        if what == "granted":
            held[rest[0]] = int(rest[1])
            if rest[2] != "blind":
                under_way[rest[0]] = int(pid)
            is_known = int(pid) not in killed or not faults.lost_data
            if rest[2] == "shared" or (rest[2] == "alone" and is_known):
                sent.append(float(at))
        elif what == "ended":
            del held[rest[0]]
            under_way.pop(rest[0], None)
            spent += int(rest[1])
        elif what == "failed":
            yield f"a call failed: {rest}"
        elif float(rest[0]) > LATEST_S + max((pause for child, pause in faults.paused if child == int(pid)), default=0):
            yield f"a call waited for {float(rest[0]):.2f} s"
        alive = sum(float(at) <= killed.get(pid, float("inf")) for pid in under_way.values())
        counted = sum(1 for one in sent if one > float(at) - 60)
        for name, value, most in (
            ("budget", spent + sum(held.values()), limits.budget), ("calls at once", alive, limits.parallel),
            ("requests", counted, limits.rate),
        ):  # fmt: skip
            if what == "granted" and value > most:
                yield f"{name}: {value} of {most}"


def left_behind(faults: Faults, lines: list[list[str]]) -> Iterator[str]:
    """Yield what stays reserved when all leases are over, and how much of the budget cannot be spent."""
    time.sleep(LEASE_MS / 1000)
    state, budget = RedisState(faults.server.url), faults.limits.budget
    for scope in ("budget", "leg"):
        for name, one in state.used(scope).items():
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


def one_run(seed: int) -> tuple[list[str], str]:
    """Return the problems of a run, and what happened in it."""
    chance = random.Random(seed)
    limits = Limits(chance.choice([3000, 20_000, 200_000]), chance.choice([40, 200, 2000]), chance.choice([4, 9, 40]))
    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        server.admit()
        faults = Faults(server, Path(folder) / "log", seed, limits)
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
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends too
    bad = 0
    for seed in range(given.seed, given.seed + given.runs):
        problems, summary = one_run(seed)
        bad += bool(problems)
        print(f"seed {seed}: {'; '.join(problems[:5]) or 'good'} ({summary})", flush=True)
    print(f"{given.runs} runs, {bad} bad")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
