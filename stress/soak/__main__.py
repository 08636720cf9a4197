"""
Thousands of calls against servers that lie, stop early and reset: was any answer wrong, is anything left behind?

    python -m stress.soak 20000 [seed]

Both clients, streaming and not, from threads, tasks, loop after loop and forked children, all at once. The
servers run in a process of their own, so that the memory, the files and the threads of this one are only the
clients'. Every piece of text carries the number of the call that it answers, and at the end the servers report
which answers they have sent completely.
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

MEMORY_NOISE = 10_000
"""Blocks: what is remembered of 256 legs in each of three clients is longer or shorter."""


class Report(NamedTuple):
    seed: int
    calls: int
    seconds: float
    ends: dict[str, int]
    before: Footprint
    """Without any client."""
    warm: Footprint
    """After the first third of the calls."""
    last: Footprint
    """After the last call."""
    after: Footprint
    """With the clients closed."""
    remembered: list[tuple[int, int]]
    """Legs and cooldowns that each client remembers."""
    problems: list[str]


def soak(calls: int, seed: int) -> Report:
    """Make this many calls; report what was wrong."""
    with Servers(seed) as servers, socket.socket() as unheard, listening() as noise, quick_memory():
        unheard.bind(("127.0.0.1", 0))  # and never listens: whoever connects is refused
        before = footprint()
        began = time.monotonic()
        all_of_it = Soak(calls, seed, servers.base_urls, f"http://127.0.0.1:{unheard.getsockname()[1]}")
        ledger = all_of_it.ledger
        all_of_it.run(range(calls // 3))
        warm = footprint()
        all_of_it.run(range(calls // 3, calls))
        last = footprint()
        seconds = time.monotonic() - began
        all_of_it.client.close()
        end = time.monotonic() + 5
        while (after := footprint()).files > before.files and time.monotonic() < end:
            time.sleep(0.01)
        while (connections := servers.open_connections) and time.monotonic() < end:
            time.sleep(0.01)
        remembered = []
        for client, observer in zip(all_of_it.clients, all_of_it.observers, strict=True):
            client._calls.close_abandoned()
            known = client._calls.health
            remembered.append((len(known._legs), len(known._cooldowns)))
            if max(remembered[-1]) > health.MOST_LEGS:
                ledger.problem(f"too much is remembered: {remembered[-1]} legs and cooldowns")
            if busy := [state.in_flight for state in known._legs.values() if state.in_flight]:
                ledger.problem(f"legs are thought busy with {busy} attempts")
            begun, ended = next(observer.begun), next(observer.ended)
            if begun != ended:
                ledger.problem(f"of {begun} attempts {ended} have ended")
        if connections:
            ledger.problem(f"{connections} connections are still open")
        if (after.files, after.threads) != (before.files, before.threads):
            ledger.problem(f"files or threads are left: {before} became {after}")
        if last.blocks - warm.blocks > MEMORY_NOISE + (calls - calls // 3) / 4:
            ledger.problem(f"memory grows: {warm.blocks} blocks became {last.blocks}")
        if sum(ledger.ends.values()) + len(ledger.problems) < calls:
            ledger.problem(f"of {calls} calls {sum(ledger.ends.values())} have come to an end: {ledger.ends}")
        whole, bugs = servers.end()
        ledger.verify(whole)
        for line in [*noise, *bugs]:
            ledger.problem(line)
        ends = dict(ledger.ends.most_common())
        return Report(seed, calls, seconds, ends, before, warm, last, after, remembered, ledger.problems)


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
