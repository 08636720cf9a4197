"""The script of `RedisState` does what the ledger and the notices do, at any time: both get the same commands."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files

import msgspec
import pytest
from helpers.redis_server import RedisServer, redis_server

from g4f_lite.health.shared_state import (
    Amount,
    Command,
    Event,
    Look,
    Renew,
    Reserve,
    Settle,
    Tell,
)
from g4f_lite.health.stores.books import Books
from g4f_lite.health.stores.redis import _READ
from g4f_lite.health.stores.table import in_memory

CLOCK = "local time = redis.call('TIME')"
SCRIPT = files("g4f_lite.health.stores").joinpath("redis.lua").read_text("utf-8")
LARGE = 10**12
WINDOWS = ("parallel", "minute", "24h", "day", "week", "month", "total")
STEPS = (0, 1, 40, 249, 250, 3_000, 59_000, 61_000, 61_250, 400_000, 3_600_000, 40_000_000, 90_000_000, 2_700_000_000)
BEGAN = 1_795_000_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


class AtAnyTime:
    """The script, with a clock of the test's."""

    def __init__(self, server: RedisServer, prefix: str) -> None:
        assert SCRIPT.count(CLOCK) == 1
        text = SCRIPT.replace(CLOCK, "local time = {math.floor(ARGV[3] / 1000), ARGV[3] % 1000 * 1000}")
        self.client, self.prefix = server.client(), "{" + prefix + "}"
        self.client.connection_pool.connection_kwargs["decode_responses"] = False
        self.client.hset(self.prefix + ":generation", mapping={"id": "of the test", "began": 1, "number": 1})
        self.script = self.client.register_script(text)

    def execute(self, command: Command, now: int) -> object:
        packed = self.script(keys=[self.prefix], args=["x", msgspec.msgpack.encode([command]), now])
        _, at, (row,) = msgspec.msgpack.decode(packed)
        assert at == now
        return _READ[type(command)](row)


class Commands:
    """
    Commands at random, some of them twice.

    What Redis forgets by itself, by its own clock, is not asked for: old ids, and probes.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made: list[tuple[str, int, int]] = []
        """Ids, when they were made, and when their lease ends."""
        self.looks: dict[str, int] = {}
        self.limits = {window: self.random.choice([10, 100, LARGE]) for window in WINDOWS}

    def amount(self) -> Amount:
        window = self.random.choice(WINDOWS)
        limit = self.limits[window]
        amount = self.random.choice([0, 1, 3, limit // 3, limit, limit + 1])
        unit = self.random.choice(["tokens", "tokens", "grace"])
        return Amount(self.random.choice("ab"), unit, window, limit, amount)  # type: ignore[arg-type]

    def one(self, now: int) -> Command:
        choose, some = self.random.random(), self.random.choice
        lease = some([1, 100, 70_000, 5_000_000])
        if choose < 0.5:
            amounts = tuple(self.amount() for _ in range(some([0, 1, 1, 2, 4])))
            if len({(one.scope, one.unit, one.window) for one in amounts}) < len(amounts):
                amounts = tuple(one for one in amounts if one.amount)  # of those, the ledger tells what was left before
            if not amounts:  # not kept by each make as long
                return Reserve(f"nothing {self.random.random()}", (), lease)
            young = [name for name, at, _ in self.made[-20:] if now - at < 50_000]
            if not young or self.random.random() < 0.9:
                self.made.append((f"r{len(self.made)}", now, now + lease))
                young = [self.made[-1][0]]
            return Reserve(young[-1], amounts, lease, granted=self.random.random() < 0.1)
        known = [name for name, _, end in self.made[-9:] if now < end + 3_500_000] or ["none"]
        if choose < 0.8:
            return Settle(some(known), tuple(some([-1, 0, 1, 2, 50, LARGE // 7]) for _ in range(some([0, 1, 2, 4]))))
        if choose < 0.85:
            return Renew(tuple(name for name, _, end in self.made[-3:] if end <= now + lease), lease)
        if choose < 0.95:
            name, host = (some("ab"), some("cd|")), some(["", "", "h1", "h2"])
            return Tell(Event(some(["cooldown", "breaker"]), name, some([0, 5, 7_000, 70_000]), "E", some("mn"), host))
        member = some("uvw")
        self.looks[member] = self.looks.get(member, 0) + some([0, 1, 1, 1])
        shares = {one.scope + one.unit + one.window: one for one in (self.amount() for _ in range(some([0, 1, 2, 4])))}
        return Look(0, member, tuple(shares.values()), self.looks[member])


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(12))
def test_the_script_does_what_the_ledger_does(server: RedisServer, seed: int) -> None:
    script, commands = AtAnyTime(server, f"p{seed}"), Commands(seed)
    books, now = Books(in_memory), BEGAN + seed * 5 * 86_400_000
    for step in range(500):
        now += commands.random.choice(STEPS if step % 40 == 0 else STEPS[:9] if step % 3 == 0 else STEPS[:4])
        command = commands.one(now)
        expected, found = books.execute(command, now), script.execute(command, now)
        if isinstance(command, Look):  # the keys that Redis itself expires follow its own clock
            expected, found = (msgspec.structs.replace(one, cursor=0) for one in (expected, found))  # type: ignore[type-var]
        assert found == expected, (step, now, str(command))
