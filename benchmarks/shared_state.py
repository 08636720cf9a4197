"""
Measure what limits in Redis cost a call: the processor time of this process for a reservation and its settlement.

    python -m benchmarks.shared_state    prints a table; needs the program redis-server

32 calls are in flight in one event loop. The link sends what they ask as one batch; the other rows are what redis-py's
asyncio client takes for two scripts of the same size that are sent one by one, or together as pipelines of 32.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.redis_server import RedisServer, redis_server

from g4f_lite.health.shared_state import Amount, Reservation, Reserve, Settle
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState

IN_FLIGHT, CALLS = 32, 6400
BAR_US = 60.0
SCRIPT = "return redis.call('HINCRBY', KEYS[1], 'used', ARGV[2])"

_ids = itertools.count()


def amounts() -> tuple[Amount, ...]:
    return (
        Amount("leg/groq", "requests", "minute", 10**9, 1),
        Amount("leg/groq", "tokens", "minute", 10**12, 900),
        Amount("budget", "nano-usd", "day", 10**15, 12_000),
    )


async def spread(call: Callable[[], Awaitable[None]], calls: int) -> None:
    """Make calls, so many in flight."""

    async def one_after_the_other() -> None:
        for _ in range(calls // IN_FLIGHT):
            await call()

    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))


async def measured(call: Callable[[], Awaitable[None]]) -> float:
    """Return the microseconds of processor time for a call, of all threads."""
    await spread(call, 10 * IN_FLIGHT)
    began = time.process_time()
    await spread(call, CALLS)
    return (time.process_time() - began) / CALLS * 1e6


async def linked(server: RedisServer) -> float:
    link = StateLink(RedisState(server.url), owned=True)

    async def call() -> None:
        name = f"call-{next(_ids)}"
        (answer,) = await link.ask_async((Reserve(name, amounts(), 60_000),))
        assert isinstance(answer, Reservation) and answer.refused_by is None
        link.tell(Settle(name, (1, 500, 6_000)))

    try:
        return await measured(call)
    finally:
        link.close()


async def one_by_one(server: RedisServer) -> float:
    import redis.asyncio

    async with redis.asyncio.Redis(port=server.port, protocol=2) as client:
        script = client.register_script(SCRIPT)

        async def call() -> None:
            await script(keys=["plain"], args=["x" * 150, 1])
            await script(keys=["plain"], args=["x" * 50, 1])

        return await measured(call)


async def pipelined(server: RedisServer) -> float:
    import redis.asyncio

    async with redis.asyncio.Redis(port=server.port, protocol=2) as client:
        sha = await client.script_load(SCRIPT)
        began, rounds = time.process_time(), CALLS // IN_FLIGHT
        for size in (150, 50) * rounds:
            pipeline = client.pipeline(transaction=False)
            for _ in range(IN_FLIGHT):
                pipeline.evalsha(sha, 1, "plain", "x" * size, 1)
            await pipeline.execute()
        return (time.process_time() - began) / (rounds * IN_FLIGHT) * 1e6


ROWS = {"StateLink": linked, "redis-py, one by one": one_by_one, "redis-py, pipelines of 32": pipelined}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_state", description="Measure limits in Redis.")
    parser.add_argument("--rounds", type=int, default=7, help="of which the median counts")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends too
    found: dict[str, list[float]] = {name: [] for name in ROWS}
    with redis_server() as server:
        server.admit()
        for _ in range(given.rounds):
            for name, measure in ROWS.items():
                found[name].append(asyncio.run(measure(server)))
    print(f"processor time of a call's reservation and settlement, µs; load {os.getloadavg()[0]:.1f}")
    for name, values in found.items():
        print(f"{name:<28}{statistics.median(values):>8.1f}   {min(values):.1f} to {max(values):.1f}")
    share = statistics.median(found["StateLink"])
    print(f"bar: {BAR_US:.0f} µs: {'met' if share <= BAR_US else 'missed'}")


if __name__ == "__main__":
    main()
