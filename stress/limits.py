"""
Whether limits hold when processes share them, are killed and paused, and their clocks differ by an hour.

    python -m stress.limits [--runs 200] [--seed 0] [--state redis]

Each run has its own state, which four processes use until a budget is spent. They write what they do into a log: the
judge reads it, and asks the state when all leases have ended. Prints what is wrong, with the seed of the run; exits
with 1 if something is. Needs POSIX.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.redis_server import redis_server

from g4f_lite.health.shared_state import NEVER, Amount, Command, Renew, Reservation, Reserve, Settle, SharedState
from g4f_lite.health.stores.redis import RedisState
from g4f_lite.health.stores.sqlite import SQLiteState

WORKERS = 4
LIMIT, MOST = 10_000, 200
"""Of the budget, and of one reservation: 2 %, so that the first refusal comes when 98 % are spent."""
AT_ONCE = 3
LEASE_MS = 80
PATIENCE_S = 20
HOUR_S = 3600

Open = Callable[[], SharedState]


@contextmanager
def sqlite() -> Iterator[Open]:
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: SQLiteState(Path(folder) / "state.db")


@contextmanager
def redis() -> Iterator[Open]:
    with redis_server() as server:
        server.admit()
        yield lambda: RedisState(server.unix_url)


STATES = {"redis": redis, "sqlite": sqlite}


def execute(state: SharedState, *commands: Command) -> Sequence[object]:
    """Send the commands until they are answered: the state may be locked by a process that is paused."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return state.execute(commands)
        except OSError:
            if time.monotonic() > end:
                raise


def used(state: SharedState, scope: str, unit: str, window: str) -> int:
    """Return what is spent and reserved."""
    amount = Amount(scope, unit, window, LIMIT * 10, 0)  # type: ignore[arg-type]
    (answer,) = execute(state, Reserve(f"used-{time.monotonic_ns()}", (amount,), 1))
    assert isinstance(answer, Reservation)
    return LIMIT * 10 - answer.left[0]


class Worker:
    """Takes from the limits until one is spent. Runs in a process of its own."""

    def __init__(self, state: SharedState, log: int, rng: random.Random, name: str, most_requests: int) -> None:
        self.state, self.log, self.rng, self.name = state, log, rng, name
        self.most_requests = most_requests

    def say(self, *words: object) -> None:
        os.write(self.log, (" ".join(map(str, (self.name, *words))) + "\n").encode())

    def work(self) -> None:
        number = 0
        while True:
            number += 1
            one, amount = f"{self.name}-{number}", self.rng.randint(1, MOST)
            amounts = (
                Amount("budget", "nano-usd", "total", LIMIT, amount),
                Amount("leg", "requests", "minute", self.most_requests, 1),
                Amount("leg", "calls", "parallel", AT_ONCE, 1),
            )
            self.say("try", one, amount)
            if (begun := self._reserve(Reserve(one, amounts, LEASE_MS))) is None:
                return
            self.say("begin", one, amount)
            time.sleep(self.rng.choice((0, 0, 0.0005, 0.002)))
            if not self.rng.randrange(8):
                execute(self.state, Renew((one,), LEASE_MS))
            real = self.rng.choice((0, amount // 2, amount, amount))
            self.say("end", one, real)
            if time.monotonic() - begun > LEASE_MS / 1000 * 0.8:
                self.say("late", one)  # a process that is paused for longer than its lease loses its place
            settle = Settle(one, (real, 1, 1))
            execute(self.state, *[settle] * self.rng.randint(1, 2))
            self.say("settled", one, real)

    def _reserve(self, command: Reserve) -> float | None:
        """Return when the lease began, at the soonest; None if a limit is spent."""
        while True:
            begun = time.monotonic()
            if self.rng.randrange(10):
                (answer,) = execute(self.state, command)
            else:  # its answer was lost
                _, answer = execute(self.state, command, command)
            assert isinstance(answer, Reservation)
            if answer.refused_by is None:
                return begun
            if answer.wait_ms == NEVER or answer.wait_ms > 10_000:
                self.say("spent", answer.refused_by)
                return None
            time.sleep(answer.wait_ms / 1000 * self.rng.random() / 10)


def start(make: Open, log: int, seed: int, name: str, most_requests: int) -> int:
    if child := os.fork():
        return child
    code = 1
    try:
        rng = random.Random(f"{seed}-{name}")
        real, skew = time.time_ns, rng.choice((-HOUR_S, 0, HOUR_S)) * 10**9
        time.time_ns = lambda: real() + skew
        with closing(make()) as state:
            Worker(state, log, rng, name, most_requests).work()
        code = 0
    finally:
        os._exit(code)


def disturb(rng: random.Random, make: Open, log: int, seed: int, most_requests: int) -> list[str]:
    """Start the processes; kill and pause some; return what ended wrongly."""
    running = {start(make, log, seed, f"w{number}", most_requests): f"w{number}" for number in range(WORKERS)}
    started, wrong, end = WORKERS, [], time.monotonic() + 2 * PATIENCE_S
    plan = [rng.choice(("kill", "pause", "kill", "wait")) for _ in range(rng.randint(0, 4))]
    while running:
        if plan and running:
            time.sleep(rng.uniform(0.002, 0.02))
            child = rng.choice(sorted(running))
            if (what := plan.pop()) == "kill":
                os.kill(child, signal.SIGKILL)
            elif what == "pause":
                os.kill(child, signal.SIGSTOP)
                time.sleep(rng.uniform(0.001, 0.02))
                os.kill(child, signal.SIGCONT)
        child, status = os.waitpid(-1, os.WNOHANG if plan else 0)
        if not child:
            continue
        name = running.pop(child)
        if status == signal.SIGKILL:
            os.write(log, f"{name} killed\n".encode())
            if time.monotonic() < end:
                started += 1
                running[start(make, log, seed, f"w{started}", most_requests)] = f"w{started}"
        elif status:
            wrong.append(f"{name} ended with {status}")
    return wrong


def judge(lines: list[list[str]], state: SharedState, most_requests: int) -> Iterator[str]:
    """Read the log, whose lines are in the order of what happened; ask the state when all leases have ended."""
    taken: dict[str, int] = {}
    counted: dict[str, int] = {}
    """As `taken`, but what the state knows of: until it is settled, what was reserved."""
    tried: dict[str, int] = {}
    unknown: list[int] = []
    """Of those who were killed before they could say whether they got it."""
    at_once: dict[str, str] = {}
    ended, late = ({words[2] for words in lines if words[1] == what} for what in ("end", "late"))
    in_time = ended - late
    """Others may have the place of those that were late, or killed."""
    most, spent_by = 0, None
    for name, what, *rest in lines:
        if what == "try":
            tried[name] = int(rest[1])
        elif what == "begin":
            del tried[name]
            taken[rest[0]] = counted[rest[0]] = int(rest[1])
            if rest[0] in in_time:
                at_once[name] = rest[0]
        elif what == "end":
            taken[rest[0]] = int(rest[1])
            at_once.pop(name, None)
        elif what == "settled":
            counted[rest[0]] = int(rest[1])
        elif what == "killed":
            unknown.extend([tried.pop(name)] if name in tried else [])
        elif what == "spent" and spent_by is None:
            spent_by, calls, spent = int(rest[0]), len(taken), sum(counted.values())
        most = max(most, len(at_once))
    total = sum(taken.values())
    if total > LIMIT:
        yield f"{total} of {LIMIT} were spent"
    if len(taken) > most_requests:
        yield f"{len(taken)} of {most_requests} requests were sent"
    if most > AT_ONCE:
        yield f"{most} calls at once"
    if spent_by is None:
        yield "nothing was spent"
    elif spent_by == 0 and spent + sum(unknown) < LIMIT * 0.98:
        yield f"only {spent} were used before the first refusal"
    elif spent_by == 1 and calls + len(unknown) < most_requests * 0.98:
        yield f"only {calls} of {most_requests} requests were sent before the first refusal"
    time.sleep(LEASE_MS / 1000)
    if left := used(state, "leg", "calls", "parallel"):
        yield f"{left} calls at once have leaked"
    in_all = used(state, "budget", "nano-usd", "total")
    if in_all > LIMIT or in_all < total:
        yield f"{total} were spent, but {in_all} are counted"
    (answer,) = execute(state, Reserve("rest", (Amount("budget", "nano-usd", "total", LIMIT, LIMIT - in_all),), 1000))
    if answer != Reservation(left=(0,)):
        yield f"the rest of the budget, {LIMIT - in_all}, cannot be used"


def run(seed: int, kind: str) -> list[str]:
    """Return what went wrong in a run."""
    rng = random.Random(seed)
    most_requests = rng.choice((40, LIMIT))
    with STATES[kind]() as make, tempfile.TemporaryFile("a+b", buffering=0) as log:
        wrong = disturb(rng, make, log.fileno(), seed, most_requests)
        log.seek(0)
        lines = [line.split() for line in log.read().decode().splitlines()]
        with closing(make()) as state:
            wrong.extend(judge(lines, state, most_requests))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stress.limits", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--state", choices=sorted(STATES), default="sqlite")
    options = parser.parse_args()
    begun, failed = time.monotonic(), 0
    for seed in range(options.seed, options.seed + options.runs):
        for wrong in run(seed, options.state):
            failed += 1
            print(f"seed {seed}: {wrong}", flush=True)
    seconds = time.monotonic() - begun
    print(f"{options.runs} runs, {seconds / max(1, options.runs):.2f} s each, {failed} faults")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
