"""
One contender in a process of its own: measures calls on request.

    python -m benchmarks.worker MODULE

Imports the contender and prints `null`. Then it reads one JSON array per line, a method of `Worker` and its arguments,
and answers each with a line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from .spread import units


class Worker:
    def __init__(self, module: str) -> None:
        self._module = importlib.import_module(module)
        self._runner = asyncio.Runner()
        self._made: dict[tuple[str, str], Any] = {}
        self._units: dict[tuple[str, str, int], int] = {}
        exec(getattr(self._module, "IMPORT", ""))

    def measure(self, name: str, base: str, parallel: int) -> dict[str, Any]:
        """
        Make calls, `parallel` of them at a time; the first time finds out how many make a measurement.

        Returns:
            cpu, wall: seconds a call, of this process and by the clock.
            walls: how long each call took, in seconds.
        """
        call, _ = self._make(name, base)
        run = partial(self._run, call, name.startswith("async"))
        key = (name, base, parallel)
        if key not in self._units:
            run(parallel, parallel)  # connects, and makes the late imports
            self._units[key] = units(lambda count: run(count * parallel, parallel)["cpu"] * count * parallel)
        gc.collect()
        run(max(1, self._units[key] // 5) * parallel, parallel)  # warms up the caches of the processor again
        return run(self._units[key] * parallel, parallel)

    def hold(self, base: str, steps: Sequence[int]) -> list[float]:
        """Return the memory of one stream in bytes, for each number of open streams."""
        call, _ = self._make("async_held", base)
        return self._runner.run(_hold(call, steps))

    def _make(self, name: str, base: str) -> Any:
        if (name, base) not in self._made:
            make = getattr(self._module, name)
            is_async = name.startswith("async")
            self._made[name, base] = self._runner.run(_inside(make, base)) if is_async else (make(base), None)
        return self._made[name, base]

    def _run(self, call: Any, is_async: bool, times: int, parallel: int) -> dict[str, Any]:
        walls: list[float] = []
        cpu, wall = time.process_time(), time.perf_counter()
        if is_async:
            self._runner.run(_at_once(call, times, parallel, walls))
        else:
            _in_threads(call, times, parallel, walls)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return {"cpu": cpu / times, "wall": wall / times, "walls": walls}

    def close(self) -> None:
        for _, close in self._made.values():
            if close is not None:
                self._runner.run(close())
        self._runner.close()


async def _inside(make: Any, base: str) -> Any:
    """Make the call inside the running loop, as aiohttp requires."""
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


async def _hold(hold: Any, steps: Sequence[int]) -> list[float]:
    first = await hold()
    gc.collect()
    before = _resident()
    held: list[Any] = []
    memory = []
    for step in steps:
        held += [await hold() for _ in range(step - len(held))]
        gc.collect()
        memory.append((_resident() - before) / step)
    for _, close in (first, *held):
        await close()
    return memory


def _resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def main() -> None:
    worker = Worker(sys.argv[1])
    answer: Any = None
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        answer = getattr(worker, method)(*arguments)
        print(json.dumps(answer), flush=True)
    worker.close()


if __name__ == "__main__":
    main()
