"""From one to many: calls in flight, threads on one client, streams on one loop, routes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .rounds import ROOT, Worker

IN_FLIGHT = (1, 8, 32, 128, 512)
THREADS = (1, 8, 64)
STREAMS = (1, 100, 1000, 2000)
_OURS, _ASYNC, _SYNC = "g4f_lite_router", "bare_aiohttp", "bare_requests"


def _added(
    pythons: Mapping[str, Path], base: str, call: str, steps: tuple[int, ...], rounds: int, origin: str
) -> dict[str, dict[str, float]]:
    """Return microseconds of CPU a call, ours and the base's, by how many run at once."""
    ours, bare = Worker(pythons[_OURS], _OURS, origin), Worker(pythons[base], base, origin)
    found = {}
    for step in steps:
        pairs = [
            [worker.measure(call, "answer", max(step, 256), step)["cpu"] * 1e6 for worker in (bare, ours)]
            for _ in range(rounds)
        ]
        found[str(step)] = {"bare": min(one for one, _ in pairs), "ours": min(other for _, other in pairs)}
    ours.close()
    bare.close()
    return found


def _memory(pythons: Mapping[str, Path], origin: str) -> dict[str, dict[str, float]]:
    """Return bytes for each of so many open streams, in a new process each."""
    found: dict[str, dict[str, float]] = {}
    for step in STREAMS:
        for label, name in (("bare", _ASYNC), ("ours", _OURS)):
            worker = Worker(pythons[name], name, origin)
            found.setdefault(str(step), {})[label] = worker.measure("async_held", "held", step, 1)["memory"]
            worker.close()
    return found


def routing(python: Path, rounds: int) -> Any:
    """Return microseconds of CPU for routing alone, by the number of routes."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'providers'}"}
    told = subprocess.run(
        [str(python), "-m", "benchmarks.routing", str(rounds)],
        check=True, stdout=subprocess.PIPE, text=True, cwd="/", env={**environment, "G4F_LITE_LOAD_PLUGINS": ""},
    ).stdout  # fmt: skip
    return json.loads(told)


def scale(pythons: Mapping[str, Path], rounds: int, origin: str) -> dict[str, Any]:
    return {
        "async": _added(pythons, _ASYNC, "async_call", IN_FLIGHT, rounds, origin),
        "threads": _added(pythons, _SYNC, "sync_call", THREADS, rounds, origin),
        "streams": _memory(pythons, origin),
        "routing": routing(pythons[_OURS], rounds * 5),
    }


if __name__ == "__main__":
    from .rounds import upstream

    with upstream() as running:
        here = Path(sys.executable)
        print(json.dumps(scale({_OURS: here, _ASYNC: here, _SYNC: here}, 2, running), indent=1))
