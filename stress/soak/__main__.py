"""
Makes thousands of calls to servers that lie, stop early and reset; reports wrong answers and leaks.

    python -m stress.soak 20000 [seed]

Threads, tasks, successive event loops and forked children use both clients at once, with and without streaming. The
servers run in a process of their own, so that only the clients account for the memory, the files and the threads of
this one. Every piece of text carries the number of the call that it answers, and at the end the servers report which
answers they have sent completely.
"""

from __future__ import annotations

import random
import socket
import sys
import time
from typing import NamedTuple

from g4f_lite.health import tracker as health

from .callers import Soak
from .footprint import Footprint, footprint, quick_memory
from .noise import listening
from .servers import Servers

PARTS = 12
MEMORY_NOISE = 8_000
"""
Blocks by which the least memory after one of the last three parts may be above the most after one of the first four: the
caches, and 64 legs in each of three clients, vary by as many from one part to the next.
"""


class Report(NamedTuple):
    seed: int
    calls: int
    seconds: float
    ends: dict[str, int]
    before: Footprint
    """Without any client."""
    parts: list[Footprint]
    """After each twelfth of the calls."""
    after: Footprint
    """With the clients closed."""
    remembered: list[tuple[int, int]]
    """Legs and cooldowns that each client remembers."""
    problems: list[str]


def soak(calls: int, seed: int) -> Report:
    """Make this many calls and return what was wrong."""
    with Servers(seed) as servers, socket.socket() as closed_port, listening() as noise, quick_memory():
        closed_port.bind(("127.0.0.1", 0))  # never listens, so that connections are refused
        before = footprint()
        began = time.monotonic()
        callers = Soak(calls, seed, servers.base_urls, f"http://127.0.0.1:{closed_port.getsockname()[1]}")
        ledger = callers.ledger
        parts = []
        for number in range(PARTS):
            callers.run(range(calls * number // PARTS, calls * (number + 1) // PARTS))
            parts.append(footprint())
        seconds = time.monotonic() - began
        callers.client.close()
        end = time.monotonic() + 5
        while (after := footprint()).files > before.files and time.monotonic() < end:
            time.sleep(0.01)
        while (connections := servers.open_connections) and time.monotonic() < end:
            time.sleep(0.01)
        remembered = []
        for client, observer in zip(callers.clients, callers.observers, strict=True):
            client._calls.close_abandoned()
            known = client._calls.health
            remembered.append((len(known._legs), len(known._cooldowns)))
            if max(remembered[-1]) > health.MOST_LEGS:
                ledger.problem(f"a client remembers too much: {remembered[-1]} legs and cooldowns")
            if busy := [state.in_flight for state in known._legs.values() if state.in_flight]:
                ledger.problem(f"legs count {busy} attempts under way that have ended")
            begun, ended = next(observer.begun), next(observer.ended)
            if begun != ended:
                ledger.problem(f"of {begun} attempts {ended} have ended")
        if connections:
            ledger.problem(f"{connections} connections are still open")
        if (after.files, after.threads) != (before.files, before.threads):
            ledger.problem(f"files or threads are left open: {before} became {after}")
        blocks = [part.blocks for part in parts]
        if min(blocks[-3:]) - max(blocks[:4]) > MEMORY_NOISE:
            ledger.problem(f"memory grows, by blocks: {blocks}")
        if sum(ledger.ends.values()) + len(ledger.problems) < calls:
            ledger.problem(f"of {calls} calls {sum(ledger.ends.values())} have ended: {ledger.ends}")
        complete, bugs = servers.end()
        ledger.verify(complete)
        for line in [*noise, *bugs]:
            ledger.problem(line)
        ends = dict(ledger.ends.most_common())
        return Report(seed, calls, seconds, ends, before, parts, after, remembered, ledger.problems)


def main() -> None:
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    report = soak(int(sys.argv[1]), seed)
    for name, value in report._asdict().items():
        if name != "problems":
            print(f"{name}: {value}")
    for problem in report.problems:
        print("PROBLEM:", problem)
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
