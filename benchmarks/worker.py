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
        self._made: dict[tuple[str, str], Any] = {}

    async def measure(self, case: str, kind: str, times: int, parallel: int) -> dict[str, float]:
        """Call it so many times, so many of them at once, and return what that took."""
        make = getattr(self._module, case)
        if (case, kind) not in self._made:
            self._made[case, kind] = make(f"{self._origin}/{kind}/openai/v1")
        made = self._made[case, kind]
        if case == "async_held":
            return await _hold(made[0], times)
        await _run(case, made, max(parallel, times // 10), parallel, [])  # connections, caches, branches
        walls: list[float] = []
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        await _run(case, made, times, parallel, walls)
        done = len(walls)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        cuts = quantiles(walls, n=100) if done > 1 else [walls[0]] * 99
        return {"cpu": cpu / done, "wall": wall / done, "p50": cuts[49], "p99": cuts[98]}

    async def close(self) -> None:
        for (case, _), made in self._made.items():
            if case.startswith("async"):
                await made[1]()


async def _run(case: str, made: Any, times: int, parallel: int, walls: list[float]) -> None:
    if case == "sync_call" and parallel > 1:
        with ThreadPoolExecutor(parallel) as threads:
            walls += [0.0 for answer in threads.map(lambda _: made(), range(times)) if answer]
        return
    if case.startswith("async"):
        await asyncio.gather(*(_in_turn(made[0], times // parallel, walls) for _ in range(parallel)))
        return
    for _ in range(times):
        began = time.perf_counter()
        assert made()
        walls.append(time.perf_counter() - began)


async def _in_turn(call: Any, times: int, walls: list[float]) -> None:
    for _ in range(times):
        began = time.perf_counter()
        assert await call()
        walls.append(time.perf_counter() - began)


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


async def main() -> None:
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        print(json.dumps(await worker.measure(**json.loads(line))), flush=True)
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
