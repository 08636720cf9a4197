"""
One contender in a process of its own: measures a case when told to.

    python -m benchmarks.worker CONTENDER ORIGIN

Reads a JSON object a line, `{"case": "sync_call", "kind": "answer", "times": 300, "parallel": 1}`, and answers each
with the CPU time of this process and the wall time, in seconds.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import Any


class Worker:
    def __init__(self, contender: str, origin: str) -> None:
        self._module = importlib.import_module(f"benchmarks.contenders.{contender}")
        self._origin = origin
        self._runner = asyncio.Runner()
        self._made: dict[tuple[str, str], Any] = {}

    def measure(self, case: str, kind: str, times: int, parallel: int) -> dict[str, float]:
        """Call it so many times, so many of them at once, and return what that took."""
        make = getattr(self._module, case)
        is_async = case.startswith("async")
        if (case, kind) not in self._made:
            base = f"{self._origin}/{kind}/openai/v1"
            self._made[case, kind] = self._runner.run(_inside(make, base)) if is_async else (make(base), None)
        call, _ = self._made[case, kind]
        if case == "async_held":
            return self._runner.run(_hold(call, times))

        def run(times: int, walls: list[float]) -> None:
            if is_async:
                self._runner.run(_at_once(call, times, parallel, walls))
            else:
                _in_threads(call, times, parallel, walls)

        run(max(parallel, times // 10), [])  # connections, caches, branches
        walls: list[float] = []
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        run(times, walls)
        done = len(walls)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        cuts = quantiles(walls, n=100) if done > 1 else [walls[0]] * 99
        return {"cpu": cpu / done, "wall": wall / done, "p50": cuts[49], "p99": cuts[98]}

    def close(self) -> None:
        for _, close in self._made.values():
            if close is not None:
                self._runner.run(close())
        self._runner.close()


async def _inside(make: Any, base: str) -> Any:
    """Make it where its loop runs, as aiohttp demands."""
    return make(base)


def _in_threads(call: Any, times: int, parallel: int, walls: list[float]) -> None:
    def timed(_: object = None) -> None:
        began = time.perf_counter()
        assert call()
        walls.append(time.perf_counter() - began)

    if parallel == 1:
        for _ in range(times):
            timed()
        return
    with ThreadPoolExecutor(parallel) as threads:
        list(threads.map(timed, range(times)))


async def _at_once(call: Any, times: int, parallel: int, walls: list[float]) -> None:
    async def in_turn() -> None:
        for _ in range(times // parallel):
            began = time.perf_counter()
            assert await call()
            walls.append(time.perf_counter() - began)

    await asyncio.gather(*(in_turn() for _ in range(parallel)))


async def _hold(hold: Any, times: int) -> dict[str, float]:
    """Return the memory that each of so many open streams takes, in bytes."""
    first = await hold()
    gc.collect()
    before = _resident()
    held = [await hold() for _ in range(times)]
    gc.collect()
    memory = (_resident() - before) / times
    for _, close in (first, *held):
        await close()
    return {"memory": memory}


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def main() -> None:
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        print(json.dumps(worker.measure(**json.loads(line))), flush=True)
    worker.close()


if __name__ == "__main__":
    main()
