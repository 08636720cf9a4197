"""
Whether bulk jobs on Ray end whole, with one of their actors killed every two seconds.

    python -m stress.bulk_ray                 some minutes
    python -m stress.bulk_ray --rows 3000 --every 2 --actors 2

Prints what is wrong; exits with 1 if something is. Needs Linux and the extra `ray`. It starts a cluster of its own, or
joins that of `RAY_ADDRESS`, on this machine.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import ray
from helpers.bulk import MODEL, echo, faults_of, write_rows

from g4f_lite.bulk.progress import Progress
from g4f_lite.bulk.ray import RayJob
from g4f_lite.testing import FaultServer, replies


def callers() -> list[int]:
    """Return the processes of actors that make calls."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"ray::_Caller"):
                found.append(int(process.name))
        except OSError:
            pass  # it has ended
    return found


def killing(job: RayJob, every: float, stop: threading.Event, killed: list[int]) -> None:
    """Kill an actor every so many seconds; where a new one needs longer than that to answer a row, then."""
    answered = 0
    while not stop.wait(every):
        if job.progress.answered > answered and (found := callers()):
            answered = job.progress.answered
            killed.append(random.choice(found))
            os.kill(killed[-1], signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stress.bulk_ray", description="Whether jobs on Ray end whole.")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--actors", type=int, default=2)
    given = parser.parse_args()
    address = os.environ.get("RAY_ADDRESS")
    ray.init(address, num_cpus=None if address else given.actors + 1, log_to_driver=False)
    killed: list[int] = []
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        server.script(replies.delayed(0.3, echo()))
        source, out = write_rows(Path(folder) / "in.jsonl", given.rows), Path(folder) / "out.jsonl"
        job = RayJob(
            source, out, routes=[f"groq:{MODEL}"], keys={"groq": "gsk_test"}, base_urls={"groq": server.base_url},
            params={"fallback_models": []}, at_once=128, actors=given.actors,
        )  # fmt: skip

        def show(progress: Progress) -> None:
            print(f"{progress.answered} answered, {progress.failed} failed, {len(killed)} killed", flush=True)

        killer = threading.Thread(target=killing, args=(job, given.every, stop, killed))
        killer.start()
        try:
            summary = job.run(show)
        finally:
            stop.set()
            killer.join()
        wrong = faults_of(out, range(1, given.rows + 1))
        if (summary.ending, summary.failed) != ("complete", 0):
            wrong.append(f"it ended with {summary.ending}, and {summary.failed} rows have failed: {summary.reason}")
        for one in wrong[:20]:
            print(one)
        asked = len(server.received)
    print(f"{given.rows} rows, {asked} requests, {len(killed)} actors killed: {len(wrong)} bad")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
