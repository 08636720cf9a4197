"""
Measure what is promised of limits that processes share through a real Redis.

    python -m benchmarks.shared_bars    prints a table; needs the program redis-server; takes five minutes

`benchmarks.shared_state` measures the cost of a call, `stress.shared_state` and `stress.outages` that limits hold.
"""

from __future__ import annotations

import argparse
import itertools
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Event as Flag
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from helpers.redis_server import RedisServer, redis_server

from g4f_lite.health.shared_state import Amount, BeginProbe, EndProbe, Event, Reservation, Reserve, Settle, Tell
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState

PROCESSES, CALLERS, WARM_S = 4, 8, 5.0
_ids = itertools.count()


class Row(NamedTuple):
    """A bar, what was measured, and whether that is within it."""

    bar: str
    figure: str
    is_met: bool


@contextmanager
def linked(server: RedisServer, count: int) -> Iterator[list[StateLink]]:
    links = [StateLink(RedisState(server.url), owned=True) for _ in range(count)]
    try:
        yield links
    finally:
        for link in links:
            link.close()


def reserve(link: StateLink, *amounts: Amount) -> tuple[str, Reservation]:
    name = f"bar-{time.monotonic_ns()}-{next(_ids)}"
    (answer,) = link.ask((Reserve(name, amounts, 60_000),))
    assert isinstance(answer, Reservation)
    return name, answer


def budget(server: RedisServer) -> Iterator[Row]:
    """Eight callers of four links spend a budget, a thousandth with each call, until one is refused."""
    limit, refused, spent = 10**9, Flag(), list[int]()

    def spend(link: StateLink) -> None:
        while not refused.is_set():
            name, answer = reserve(link, Amount("budget/bar", "nano-usd", "total", limit, limit // 1000))
            if answer.refused_by is not None:
                refused.set()
                break
            spent.append(limit // 1000)
            link.tell(Settle(name, (limit // 1000,)))

    with linked(server, PROCESSES) as links, ThreadPoolExecutor(CALLERS) as pool:
        for one in [pool.submit(spend, link) for link in links * 2]:
            one.result()
    share = sum(spent) / limit
    yield Row("at least 98 % of a budget is spent before the first refusal", f"{share:.1%}", 0.98 <= share <= 1)


def call(url: str, number: int, seconds: float, rate: int, tokens: int, found: Any) -> None:
    """Make calls of one appetite, as fast as they are granted."""
    chance, granted = random.Random(number), list[tuple[float, int]]()
    link = StateLink(RedisState(url), owned=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        size = chance.randint(1, 20 * (1 + number))
        most = size + chance.randint(0, size)
        name, answer = reserve(
            link,
            Amount("leg/bar", "requests", "minute", rate, 1),
            Amount("leg/bar", "tokens", "minute", tokens, min(most, tokens)),
        )
        if answer.refused_by is None:
            granted.append((time.monotonic(), size))
            time.sleep(0.01 * number)
            link.tell(Settle(name, (1, size)))
        else:
            time.sleep(min(max(answer.wait_ms, 1), 250) / 1000)
    link.close()
    found.put(granted)


def most_in_a_minute(uses: list[tuple[float, int]]) -> int:
    """Return the most that was used in any 60 seconds."""
    most = total = first = 0
    for at, used in uses:
        total += used
        while uses[first][0] <= at - 60:
            total -= uses[first][1]
            first += 1
        most = max(most, total)
    return most


def rates(server: RedisServer) -> Iterator[Row]:
    """Eight processes of uneven appetite, for two minutes: limited by requests, then by tokens."""
    for unit, rate, tokens in (("requests", 600, 10**9), ("tokens", 10**9, 60_000)):
        with server.client() as client:
            client.flushall()
        server.admit()
        context = get_context("spawn")
        found, seconds = context.Queue(), WARM_S + 122.0
        given = [(server.url, number, seconds, rate, tokens, found) for number in range(CALLERS)]
        processes = [context.Process(target=call, args=one) for one in given]
        for one in processes:
            one.start()
        rows = [found.get(timeout=seconds + 60) for _ in processes]
        for one in processes:
            one.join()
        uses = sorted((at, 1 if unit == "requests" else size) for one in rows for at, size in one)
        limit = rate if unit == "requests" else tokens
        most, two = most_in_a_minute(uses), sum(used for at, used in uses if at < uses[0][0] + 122)
        yield Row(f"never more {unit} in 60 s than declared", f"{most} of {limit}", most <= limit)
        reached, shares = two / (2 * limit), [sum(1 for _ in one) for one in rows]
        text = f"{reached:.1%}; the callers: {', '.join(map(str, shares))} calls"
        yield Row(f"8 uneven callers reach 95 % of the {unit}", text, reached >= 0.95 and min(shares) > 0)


def cooldowns(server: RedisServer, bar_s: float, bar: str) -> Iterator[Row]:
    """A cooldown that one of four links tells, until all know it."""
    heard: list[tuple[float, str]] = []

    def learn(event: Event) -> None:
        heard.append((time.monotonic(), event.name[1]))

    with linked(server, PROCESSES) as links:
        for link in links:
            link.listen(learn)
        time.sleep(1.0)
        delays = []
        for number in range(15):
            told = time.monotonic()
            links[0].tell(Tell(Event("cooldown", ("leg", str(number)), 60_000, "RateLimitError", "slow down")))
            while (
                (known := [at for at, name in heard if name == str(number)]) and len(known) < PROCESSES
            ) or not known:
                time.sleep(0.002)
            delays.append(max(known) - told)
            time.sleep(random.uniform(0, 0.3))
    median = statistics.median(delays)
    yield Row(bar, f"{median * 1000:.0f} ms, at most {max(delays) * 1000:.0f} ms", median <= bar_s)


def with_events(server: RedisServer) -> Iterator[Row]:
    yield from cooldowns(server, 0.1, "a cooldown is known to all in 100 ms")


def without_events(_: RedisServer) -> Iterator[Row]:
    with redis_server("--rename-command", "SUBSCRIBE", "") as server:
        server.admit()
        yield from cooldowns(server, 1.1, "… in 1.1 s when publish/subscribe is cut")


def probes(server: RedisServer) -> Iterator[Row]:
    """Eight threads of four links try to probe a leg in each of 50 periods."""
    with linked(server, PROCESSES) as links, ThreadPoolExecutor(CALLERS) as pool:
        counts = []
        for period in range(50):
            names = [f"{period}.{number}" for number in range(CALLERS)]
            asked = [BeginProbe("leg", name, 60_000) for name in names]
            won = list(pool.map(lambda link, one: link.ask((one,))[0], links * 2, asked))
            counts.append(sum(map(bool, won)))
            for link, name in zip(links * 2, names, strict=True):
                link.ask((EndProbe("leg", name),))
    yield Row("one probe per leg and period", f"{min(counts)} to {max(counts)} in 50 periods", set(counts) == {1})


MEASURES: tuple[Callable[[RedisServer], Iterator[Row]], ...] = (budget, with_events, without_events, probes, rates)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_bars", description="Measure shared limits.")
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends too
    missed = 0
    with redis_server() as server:
        server.admit()
        for measure in MEASURES:
            for row in measure(server):
                missed += not row.is_met
                print(f"{row.bar:<62}{row.figure}: {'met' if row.is_met else 'missed'}", flush=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
