"""
Whether bulk jobs end whole: with processes that are killed, services that fail, and a cap that no fault may pass.

    python -m stress.bulk                 all of it: some minutes
    python -m stress.bulk --kills 4 --caps 10 --rows 1000

Kills: the command is killed at random moments of a job, and started again, so many times; then it runs to its end.
Caps: so many jobs of 60 rows, at a service that counts what it bills; every third is left in its middle, and goes on.
Rows: one job with 5 % faults, 429s and two kills. Prints what is wrong, with the seed of the run; exits with 1 if
something is. Needs POSIX and the extras `cli` and `prices`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.bulk import MODEL, echo, failures, faults_of, lines_of, write_rows

from g4f_lite.bulk import Job
from g4f_lite.records import prices
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received, Reply

FAULTS: tuple[Reply, ...] = (
    replies.error(500), replies.error(503, "overloaded"), replies.reset("before"), replies.reset("body"), replies.cut(),
    replies.html(), replies.garbage(),
)  # fmt: skip
SOME_FAILED = 4


class Service:
    """
    Answers with what it is asked; but some requests have a fault, and some are too many.

    Args:
        rate: requests in any second; the others get a 429.
    """

    def __init__(self, rng: random.Random, faults: float, rate: int) -> None:
        self._rng, self._faults, self._rate = rng, faults, rate
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()
        self.refused = 0

    def __call__(self, request: Received) -> Iterable[Action]:
        with self._lock:
            now = time.monotonic()
            while self._taken and now - self._taken[0] > 1:
                self._taken.popleft()
            if len(self._taken) >= self._rate:
                self.refused += 1
                return replies.error(429, "slow down", retry_after="0.2")(request)
            self._taken.append(now)
            fault = self._rng.choice(FAULTS) if self._rng.random() < self._faults else None
        return (fault or echo())(request)


def start(server: FaultServer, source: Path, out: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "GROQ_API_KEY": "gsk_secret_of_the_tests", "GROQ_API_BASE": server.base_url}
    command = ["bulk", str(source), str(out), "-p", "groq", "-m", MODEL, "--no-fallback", "--at-once", "32"]
    return subprocess.Popen(
        [sys.executable, "-m", "g4f_lite.cli", *command], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def killed(rng: random.Random, rows: int, kills: int, *, faults: float = 0.0, rate: int = 10**6) -> list[str]:
    """Return what is wrong with a job that is killed so many times, each time after some more rows."""
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        server.script(Service(rng, faults, rate))
        source, out = write_rows(Path(folder) / "in.jsonl", rows), Path(folder) / "out.jsonl"
        for at in sorted(rng.sample(range(rows), kills)):
            process = start(server, source, out)
            while size_of(out) < at and process.poll() is None:
                time.sleep(rng.random() * 0.01)
            time.sleep(rng.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
        process = start(server, source, out)
        process.communicate()
        wrong = faults_of(out, range(1, rows + 1))
        expected = (0, SOME_FAILED) if faults else (0,)
        return wrong if process.returncode in expected else [*wrong, f"it ended with {process.returncode}"]


def size_of(out: Path) -> int:
    return out.read_bytes().count(b"\n") if out.exists() else 0


class Billing:
    """Bills each answer that it begins to send, also if nobody gets it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        price = prices.price("groq", MODEL)
        assert price is not None
        self._price = price
        self.billed = 0.0
        """USD."""

    def __call__(self, request: Received) -> Iterable[Action]:
        asked = request.json
        with self._lock:
            if self._rng.random() < 0.1:
                refusals = replies.error(500), replies.error(429, "slow down", retry_after="0.01")
                return self._rng.choice(refusals)(request)
            prompt = self._rng.randint(1, len(asked["messages"][-1]["content"]))
            completion = self._rng.randint(1, asked["max_tokens"])
            self.billed += (prompt * self._price.prompt + completion * self._price.completion) / 1e6
            cut = self._rng.random() < 0.1
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        text = request.json["messages"][-1]["content"]
        whole = json.dumps({**replies.completion(request, f"to {text}"), "usage": usage}).encode()
        if not cut:
            return replies.body(whole)(request)
        head = replies.head(200, {"content-type": "application/json", "content-length": str(len(whole))})
        return replies.raw(head + whole[:50], replies.Close(reset=True))(request)


def capped(rng: random.Random, *, leaves: bool) -> list[str]:
    """
    Return what is wrong with a job that has a cap.

    Args:
        leaves: it is left in its middle, and goes on.
    """
    cap, most = rng.choice((0.0002, 0.0005, 0.001)), rng.choice((20, 60))
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        service = Billing(rng)
        server.script(service)
        source, out = write_rows(Path(folder) / "in.jsonl", 60), Path(folder) / "out.jsonl"

        def job() -> Job:
            return Job(
                source, out, routes=[f"groq:{MODEL}"], keys={"groq": "gsk_test"}, base_urls={"groq": server.base_url},
                params={"max_tokens": most, "fallback_models": []}, at_once=rng.choice((1, 8, 32)), max_cost=cap,
                retry_wait=lambda state: 0.01,
            )  # fmt: skip

        if leaves:
            asyncio.run(leave(job(), rng.random() * 0.15))
        summary = job().run()
        ended = {line["row"] for line in lines_of(out)} | {line["row"] for line in failures(out)}
        wrong = faults_of(out, ended)
        if service.billed > cap + 1e-12:
            wrong.append(f"${service.billed:.6f} were billed, and the cap is ${cap}")
        if summary.ending not in ("cap", "complete"):
            wrong.append(f"it ended with {summary.ending}: {summary.reason}")
        return wrong


async def leave(job: Job, after: float) -> None:
    """Run a job for some seconds, and leave it."""
    progresses = aiter(job)
    first = asyncio.ensure_future(anext(progresses))
    await asyncio.sleep(after)
    first.cancel()
    await asyncio.wait({first})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stress.bulk", description="Whether bulk jobs end whole.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--caps", type=int, default=200)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    bad = 0

    def tell(what: str, seed: int, wrong: list[str]) -> None:
        nonlocal bad
        bad += bool(wrong)
        for one in wrong[:20]:
            print(f"{what}, seed {seed}: {one}", flush=True)

    if given.kills:
        rows = max(300, 60 * given.kills)
        tell("kills", given.seed, killed(random.Random(given.seed), rows, given.kills))
        print(f"{given.kills} kills in {rows} rows: done", flush=True)
    for seed in range(given.seed, given.seed + given.caps):
        tell("caps", seed, capped(random.Random(seed), leaves=seed % 3 == 0))
    if given.caps:
        print(f"{given.caps} caps: done", flush=True)
    if given.rows:
        wrong = killed(random.Random(given.seed), given.rows, 2, faults=0.05, rate=1000)
        tell("rows", given.seed, wrong)
    print(f"{given.kills} kills, {given.caps} caps, {given.rows} rows: {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
