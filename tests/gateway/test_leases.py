"""What a process takes in advance of the limits of keys: few questions, and never more than the limit."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.driving import eventually
from helpers.redis_server import redis_server

from g4f_lite.gateway import leases as module
from g4f_lite.gateway.leases import Leases, Limit, NoRoomError, Taken
from g4f_lite.health.shared_state import Answer, Command
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.local_link import LocalLink
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.health.stores.opening import state_from_url
from g4f_lite.health.stores.sqlite import SQLiteState

TEAM = Limit("team/all", "nano-usd", "total", 10_000)


def limits_of(key: str, least: int = 1) -> tuple[Limit, ...]:
    return (
        Limit(f"key/{key}", "calls", "parallel", 40 * least),
        Limit(f"key/{key}", "requests", "minute", 2_000 * least),
        Limit(f"key/{key}", "tokens", "minute", 30_000 * least),
        TEAM,
    )


class CountingLink(LocalLink):
    asked = 0

    async def ask_async(self, commands: Sequence[Command]) -> Sequence[Answer]:
        self.asked += 1
        await asyncio.sleep(0)
        answers = await super().ask_async(commands)
        await asyncio.sleep(0)
        return answers


async def call(leases: Leases, limits: tuple[Limit, ...], wanted: tuple[int, ...], used: tuple[int, ...]) -> None:
    leases.end(await leases.take(limits, wanted), used)


def test_most_calls_of_a_key_with_plenty_of_room_ask_nobody() -> None:
    state = MemoryState()

    async def main() -> int:
        link = CountingLink(state)
        leases = Leases(link)
        for _ in range(60):
            await asyncio.gather(*(call(leases, limits_of("a", 1000), (1, 1, 20, 2), (1, 1, 15, 1)) for _ in range(10)))
        leases.close()
        return link.asked

    assert asyncio.run(main()) < 60
    assert {unit: one[:2] for (unit, _), one in state.used("key/a").items()} == {
        "requests": (600, 0), "tokens": (9000, 0)
    }  # fmt: skip
    assert state.used("team/all")["nano-usd", "total"][:2] == (600, 0)


def test_what_is_left_is_what_no_call_has_taken() -> None:
    async def main() -> list[int]:
        leases = Leases(CountingLink(MemoryState()))
        return [(await leases.take(limits_of("a"), (1, 1, 20, 2))).left[1] for _ in range(30)]

    assert asyncio.run(main()) == list(range(1999, 1969, -1))


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(12))
def test_never_more_than_the_limit_and_nothing_leaks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several processes: the state knows of all that calls may use before they begin, and has all of it at the end."""
    choice, state = random.Random(seed), MemoryState()
    spent, under_way = 0, 0

    def check() -> None:
        used = state.used("team/all").get(("nano-usd", "total"))
        known = used.spent + used.reserved if used is not None else 0
        assert spent + under_way <= known <= TEAM.limit

    async def one(leases: Leases) -> bool:
        nonlocal spent, under_way
        cost = choice.randint(0, 60)
        try:
            taken: Taken = await leases.take(limits_of(choice.choice("ab")), (1, 1, 20, cost))
        except NoRoomError:
            return False
        under_way += cost
        check()
        for _ in range(choice.randint(0, 6)):
            await asyncio.sleep(0)
        used = choice.randint(0, cost)
        under_way, spent = under_way - cost, spent + used
        leases.end(taken, (1, 1, choice.randint(0, 20), used))
        if choice.random() < 0.1:
            leases.close()
        monkeypatch.setattr(module, "_HELD_S", choice.choice([0.0, 0.9]))
        check()
        return True

    async def main() -> None:
        links = [CountingLink(state) for _ in range(2)]
        processes = [Leases(link) for link in links]
        for _ in range(150):
            went = await asyncio.gather(*(one(choice.choice(processes)) for _ in range(choice.randint(1, 12))))
        assert not all(went)  # the limit was reached
        for leases in processes:
            leases.close()

    asyncio.run(main())
    for scope in ("team/all", "key/a", "key/b"):
        assert {used.reserved for used in state.used(scope).values()} == {0}
    assert state.used("team/all")["nano-usd", "total"].spent == spent > 0.99 * TEAM.limit - 60


KILLED = """
import asyncio, sys
from g4f_lite.gateway.leases import Leases, Limit
from g4f_lite.health.stores.opening import link_to, state_from_url

async def main():
    leases, spent = Leases(link_to(state_from_url(sys.argv[1]), owned=True)), 0
    while True:
        taken = await leases.take((Limit("key/a", "nano-usd", "total", 10**12),), (1000,))
        spent += 1000
        print(spent, flush=True)
        leases.end(taken, (1000,))

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="it kills a process")
def test_what_a_killed_process_has_used_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    command = [sys.executable, "-c", KILLED, f"sqlite://{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(500):
            spent = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        spent = max([spent, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
    state = SQLiteState(path)
    used = state.used("key/a")["nano-usd", "total"]
    state.close()
    assert spent <= used.spent + used.reserved < spent + 10**12 // 16


def test_a_lease_that_nobody_uses_goes_back() -> None:
    state = MemoryState()

    async def main() -> None:
        leases = Leases(LocalLink(state))
        for _ in range(3):
            await call(leases, limits_of("a"), (1, 1, 20, 2), (1, 1, 15, 1))
        assert state.used("team/all")["nano-usd", "total"].reserved > 0
        reserved = lambda: state.used("team/all")["nano-usd", "total"].reserved  # noqa: E731
        assert await asyncio.to_thread(eventually, lambda: reserved() == 0)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_as_many_calls_as_a_limit_allows_may_begin_at_once(kind: str, tmp_path: Path) -> None:
    """Part of a limit is kept free for the time in which the state is away: the process gives it back when asked."""
    few = (Limit("key/few", "calls", "parallel", 5),)

    async def begin(url: str) -> int:
        link = StateLink(state_from_url(url), owned=True)
        try:
            leases = Leases(link)
            leases.end(await leases.take(few, (1,)), (1,))
            shares = link._writer.fallback._shares
            assert await asyncio.to_thread(eventually, lambda: any(share.left for share in shares.values()), 20)
            taken = await asyncio.gather(*(leases.take(few, (1,)) for _ in range(5)))
            with pytest.raises(NoRoomError):
                await leases.take(few, (1,))
            for one in taken:
                leases.end(one, (1,))
            return len(taken)
        finally:
            link.close()

    if kind == "sqlite":
        assert asyncio.run(begin(f"sqlite:///{tmp_path / 'state.db'}")) == 5
    else:
        with redis_server() as redis:
            assert asyncio.run(begin(redis.url)) == 5
