"""Contenders measured in turn and repeatedly, A B A B, so that what else runs on the machine meets all alike."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


QUIET = {"G4F_LITE_LOAD_PLUGINS": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""So that nobody loads what else is installed here, or fetches a price list when it is imported."""


class Case(NamedTuple):
    """What is called, and how often in one round."""

    name: str
    call: str
    kind: str
    times: int
    parallel: int
    base: str
    """The contender that the others are divided by."""
    peers: bool = True
    """Measured with those too that take seconds for it."""


CASES = (
    Case("sync call", "sync_call", "answer", 100, 1, "bare_requests"),
    Case("async call, 32 in flight", "async_call", "answer", 320, 32, "bare_aiohttp"),
    Case("async stream, one piece", "async_stream", "piece", 3, 1, "bare_aiohttp"),
    Case("sync stream, one piece", "sync_stream", "piece", 3, 1, "bare_aiohttp"),
    Case("async stream, one burst", "async_stream", "burst", 3, 1, "bare_aiohttp", peers=False),
    Case("sync stream, one burst", "sync_stream", "burst", 3, 1, "bare_aiohttp", peers=False),
    Case("async stream, packets", "async_stream", "packets", 3, 1, "bare_aiohttp", peers=False),
    Case("sync stream, packets", "sync_stream", "packets", 3, 1, "bare_aiohttp", peers=False),
)
"""All streams have 1000 chunks and are divided by aiohttp's, the sync ones too."""


class Ratio(NamedTuple):
    """The median over all rounds, and the quarter of them below and above."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


class Worker:
    """A contender's process."""

    def __init__(self, python: Path, contender: str, origin: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **QUIET}
        if contender.startswith("g4f_lite") and python == Path(sys.executable):
            environment["PYTHONPATH"] += f"{os.pathsep}{ROOT / 'providers'}"
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", contender, origin],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", env=environment,
        )  # fmt: skip

    def measure(self, case: str, kind: str, times: int, parallel: int) -> dict[str, float]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"case": case, "kind": kind, "times": times, "parallel": parallel}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            assert self._process.stderr is not None
            raise RuntimeError(f"{self._process.args!r} has ended: {self._process.stderr.read()[-2000:]}")
        measured: dict[str, float] = json.loads(answer)
        return measured

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def upstream() -> Iterator[str]:
    """Run the service, and give its origin."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / "upstream.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def can(contender: str, call: str) -> bool:
    return hasattr(importlib.import_module(f"benchmarks.contenders.{contender}"), call)


def measure(case: Case, pythons: Mapping[str, Path], rounds: int, origin: str) -> dict[str, list[dict[str, float]]]:
    """Return what the base and each contender that can do it took, round by round."""
    names = [name for name in pythons if case.peers or name.startswith(("g4f_lite", "bare"))]
    calls = {name: case.call for name in names if can(name, case.call)}
    calls.setdefault(case.base, case.call.replace("sync_stream", "async_stream"))
    with ExitStack() as stack:
        workers = {name: Worker(pythons[name], name, origin) for name in calls}
        for worker in workers.values():
            stack.callback(worker.close)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        for _ in range(rounds):
            for name, worker in list(workers.items()):
                try:
                    taken[name].append(worker.measure(calls[name], case.kind, case.times, case.parallel))
                except RuntimeError as error:
                    if name in (case.base, "g4f_lite_router"):
                        raise
                    print(f"{name} is left out: {error}", file=sys.stderr)
                    del workers[name], taken[name]
    return taken


def ratio(measured: Sequence[Mapping[str, float]], base: Sequence[Mapping[str, float]], what: str) -> Ratio:
    """Return how many times the base's figure ours is, round by round."""
    ratios = sorted(one[what] / other[what] for one, other in zip(measured, base, strict=True))
    quarter = len(ratios) // 4
    return Ratio(median(ratios), ratios[quarter], ratios[-1 - quarter])
