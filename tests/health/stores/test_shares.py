"""What a state keeps free for its members, so that they may give it out themselves while it is away."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest
from helpers.clocks import FakeClock
from helpers.states import LONG, calls, do, requests, reserve

from g4f_lite.health.shared_state import Amount, Answer, Command, Look, Reservation, Reserve, Seen, Settle, SharedState
from g4f_lite.health.stores.books import Books
from g4f_lite.health.stores.fallback import PAUSE_S, RESTART_S, Fallback
from g4f_lite.health.stores.ledger import SHARE_MS, SILENT_MS
from g4f_lite.health.stores.table import in_memory
from g4f_lite.health.stores.waiting import for_thread
from g4f_lite.health.stores.writer import Writer

NOON, REPLACED = 1_800_000_000_000, 4


def share(state: SharedState, kept: int, number: int, member: str = "me", *, limit: int = 100) -> int:
    """Return what a member may give out of a limit; it asks to keep so much free."""
    seen = do(state, Look(0, member, (requests(limit, amount=kept),), number))
    assert isinstance(seen, Seen)
    return seen.shares[0] if seen.shares else -1


def test_half_of_what_is_left_is_kept_free_and_given_back_when_somebody_needs_it(state: SharedState) -> None:
    assert share(state, 0, 1) == 50
    assert share(state, 0, 1, "other") == 25
    assert reserve(state, requests(100, amount=25)).left == (75,)
    refused = reserve(state, requests(100))
    assert (refused.refused_by, refused.held, refused.wait_ms) == (0, True, 50)
    assert share(state, 50, 2) == 0  # but it is kept until the next look, in which the member agrees
    assert reserve(state, requests(100)).refused_by == 0
    assert share(state, 0, 3) == 0
    assert reserve(state, requests(100, amount=50)).left == (25,)
    assert share(state, 25, 2, "other") == share(state, 0, 3, "other") == 0
    assert reserve(state, requests(100, amount=25)).left == (0,)


def test_the_smallest_half_is_divided_as_far_as_it_goes(state: SharedState) -> None:
    for member in "abcd":
        share(state, 0, 1, member, limit=7)
    assert sorted(share(state, 0, 2, member, limit=7) for member in "abcd") == [0, 1, 1, 1]
    assert reserve(state, requests(7, amount=4)).left == (3,)


def test_an_older_look_and_one_that_names_nothing(state: SharedState) -> None:
    assert share(state, 0, 2) == 50
    assert share(state, 0, 1) == -1  # it comes late
    assert reserve(state, requests(100, amount=51)).held
    do(state, Look(0, "me", (), 3))
    assert reserve(state, requests(100, amount=100)).left == (0,)


def test_no_more_is_kept_than_there_is(state: SharedState) -> None:
    reserve(state, requests(100, amount=99))
    assert share(state, 0, 1) == 0
    assert share(state, 0, 1, "other", limit=101) == 0
    assert reserve(state, requests(100)).left == (0,)


def test_what_a_silent_member_has_is_free_again_unless_all_were_silent() -> None:
    assert SHARE_MS > 61_250  # so long counts what it may have used of a minute
    books = Books(in_memory)

    def looks(now: int, member: str, *shares: Amount) -> None:
        books.execute(Look(0, member, shares, now), now)

    def is_free(now: int, amount: int) -> bool:
        answer = books.execute(Reserve(f"{now}", (requests(100, amount=amount),), 1), now)
        assert isinstance(answer, Reservation)
        return answer.refused_by is None

    looks(NOON, "gone", requests(100, amount=0))
    for second in range(SHARE_MS // 1000):
        looks(NOON + 1000 * second, "alive")
    assert not is_free(NOON + SHARE_MS - 1, 51)
    now = NOON + SHARE_MS + 10 * SILENT_MS
    looks(now, "alive")  # nobody could for a while
    assert not is_free(now, 51)
    for second in range(1, SHARE_MS // 1000 + 1):
        looks(now + 1000 * second, "alive")
    assert is_free(now + SHARE_MS + 1, 51)


def test_a_share_is_not_kept_again_before_who_needs_it_has_asked_again() -> None:
    """Although nothing is used of the limit, nor kept free."""
    books, whole = Books(in_memory), requests(100, amount=100)

    def looks(kept: int, number: int) -> int:
        seen = books.execute(Look(0, "me", (requests(100, amount=kept),), number), NOON + number)
        assert isinstance(seen, Seen)
        return seen.shares[0]

    assert looks(0, 1) == 50
    assert books.execute(Reserve("first", (whole,), LONG), NOON + 2).waits  # type: ignore[union-attr]
    assert [looks(50, 3), looks(0, 4), looks(0, 5)] == [0, 0, 0]
    assert books.execute(Reserve("again", (whole,), LONG), NOON + 6) == Reservation((0,))


def test_what_a_silent_member_had_of_a_grace_counts_as_spent() -> None:
    """It may have spent it while the state was away, and cannot tell any more."""
    books, grace = Books(in_memory), Amount("budget", "grace", "total", 100, 0)

    def looks(now: int, member: str, kept: int) -> int:
        seen = books.execute(Look(0, member, (msgspec.structs.replace(grace, amount=kept),), now), now)
        assert isinstance(seen, Seen)
        return seen.shares[0]

    looks(NOON, "gone", 0)
    assert (looks(NOON, "alive", 0), looks(NOON, "gone", 50), looks(NOON, "alive", 0)) == (0, 50, 50)
    for second in range(1, SHARE_MS // 1000 + 1):
        assert looks(NOON + 1000 * second, "alive", 50) == 50
    assert books.ledger.used("budget", NOON + SHARE_MS)["grace", "total"] == (50, 0, 50)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Return the clock of all that answers in the place of a state."""
    clock = FakeClock()
    monkeypatch.setattr("g4f_lite.health.stores.memory.uptime_ms", lambda: int(clock.now * 1000))
    for module in ("writer", "fallback"):
        monkeypatch.setattr(f"g4f_lite.health.stores.{module}.time", clock)
    return clock


def granted(fallback: Fallback, clock: FakeClock, limit: int, amount: int = 1) -> int:
    """Return how many calls may begin."""
    wanted = [Reserve(f"{clock.now} {amount} {n}", (requests(limit, amount=amount),), LONG) for n in range(limit)]
    answers = [fallback.answer(one) for one in wanted]
    return sum(isinstance(answer, Reservation) and answer.refused_by is None for answer in answers)


@pytest.mark.no_cover
@pytest.mark.parametrize(("limit", "part"), [(1, 1), (3, 1), (4, 1), (40, 10), (1000, 250)])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_process_that_begins_while_the_state_is_away_takes_the_part_of_one_of_four(
    clock: FakeClock, limit: int, part: int, is_there: bool
) -> None:
    fallback = Fallback()
    assert granted(fallback, clock, limit) == 0  # the state was slow once
    fallback.begin([], is_there=is_there)
    clock.now += RESTART_S
    if is_there:
        assert granted(fallback, clock, limit) == 0
        clock.now += PAUSE_S - RESTART_S
    for _ in range(3):
        assert granted(fallback, clock, limit) == part
        clock.now += 63
    fallback.end()
    assert granted(fallback, clock, limit) == 0


def test_a_call_that_is_larger_than_that_part_goes_alone(clock: FakeClock) -> None:
    fallback = Fallback()
    fallback.begin([], is_there=False)
    clock.now += RESTART_S
    assert granted(fallback, clock, 40, amount=39) == 1
    assert granted(fallback, clock, 40) == 0
    clock.now += 63
    assert granted(fallback, clock, 40, amount=41) == 0


# -- processes, and a network that loses and delays -----------------------------------------


class Network:
    """A state as a process sees it: what it sends may be lost, its answer may be, or it may be applied later."""

    is_local = False

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_cut = False

    def execute(self, commands: Sequence[Command]) -> Sequence[Answer]:
        world = self.world
        if not self.is_cut and not world.is_down and world.chance.random() < 0.9:
            return world.apply(commands)
        fate = world.chance.random()
        if fate < 0.3 and not world.is_down:
            world.apply(commands)
        elif fate < 0.6:
            world.late.append(commands)
        raise OSError("lost")

    def wait(self, seconds: float) -> None:
        """Not called: there are no threads."""

    def close(self) -> None:
        """There is nothing to free."""


class World:
    """Processes whose threads are the steps of this test, and the state that they share."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = NOON
        self.books = Books(in_memory)
        self.late: list[Sequence[Command]] = []
        self.is_down = False
        self.limits = (self.chance.choice([20, 60, 300]), self.chance.choice([3, 8, 40]))
        self.sent = 0
        self.under_way = 0
        self.processes = [Process(self, f"p{number}") for number in range(self.chance.choice([2, 3, 5]))]
        self.replaced = 0

    def apply(self, commands: Sequence[Command]) -> list[Answer]:
        return [self.books.execute(command, self.now) for command in commands]

    def step(self) -> None:
        self.now += self.chance.randrange(20)
        what = self.chance.random()
        if what < 0.01:
            self.is_down = not self.is_down
        elif what < 0.03:
            process = self.chance.choice(self.processes)
            process.network.is_cut = not process.network.is_cut
        elif what < 0.08 and self.late:  # of a server that was paused
            self.apply(self.late.pop(self.chance.randrange(len(self.late))))
        elif what < 0.085 and self.replaced < REPLACED:
            self.replace(self.chance.randrange(len(self.processes)))
        else:
            self.chance.choice(self.processes).step()

    def replace(self, index: int) -> None:
        """Kill a process, with all that it has not told; another one begins, whether the state is there or not."""
        self.under_way -= len(self.processes[index].open)
        self.replaced += 1
        self.processes[index] = Process(self, f"new{self.replaced}")


class Process:
    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.network = Network(world)
        self.writer = Writer(self.network)
        self.open: list[str] = []
        self.count = self.looks = 0

    def step(self) -> None:
        what = self.world.chance.random()
        if what < 0.35:
            self.ask()
        elif what < 0.6 and self.open:
            self.end(self.open.pop(self.world.chance.randrange(len(self.open))))
        elif what < 0.75:
            self.look()
        else:
            self.write()

    def write(self) -> None:
        while not self.writer.queue.empty():
            self.writer.send(self.writer.queue.get())

    def ask(self) -> None:
        self.count += 1
        rate, parallel = self.world.limits
        command = Reserve(f"{self.name}.{self.count}", (requests(rate), calls(parallel)), LONG)
        if (answers := self.writer.instead((command,))) is None:
            ask, _ = for_thread((command,))
            self.writer.queue.put(ask)
            if self.world.chance.random() < 0.8:
                self.write()
            answers = self.writer.answer((command,), asked=True) if ask.claim() else list(ask.answers)
        (answer,) = answers
        assert isinstance(answer, Reservation)
        if answer.refused_by is None:
            self.open.append(command.id)
            self.world.sent += 1
            self.world.under_way += 1

    def end(self, name: str) -> None:
        self.world.under_way -= 1
        self.writer.tell((Settle(name, (1, 1)),))

    def look(self) -> None:
        self.looks += 1
        shares = self.writer.fallback.shares()
        ask, _ = for_thread((Look(0, self.name, shares, self.looks),), is_look=True)
        self.writer.queue.put(ask)
        self.write()
        if ask.answers and self.world.chance.random() < 0.9:
            (seen,) = ask.answers
            assert isinstance(seen, Seen)
            self.writer.fallback.saw(seen, shares)


@pytest.mark.no_cover
@pytest.mark.parametrize("first", range(0, 100, 20))
def test_no_limit_is_passed_however_messages_are_lost(first: int, clock: FakeClock) -> None:
    """Four processes begin when the state may be silent, in the place of others that are killed."""
    granted_alone = replaced = 0
    for seed in range(first, first + 20):
        world = World(seed)
        for process in world.processes:
            process.writer.fallback.note((requests(world.limits[0]), calls(world.limits[1])))
            shares = process.writer.fallback.shares()
            (seen,) = world.apply([Look(0, process.name, shares, 0 + 1)])
            process.looks = 1
            assert isinstance(seen, Seen)
            process.writer.fallback.saw(seen, shares)
        for step in range(600):
            world.step()
            assert world.sent <= world.limits[0], (seed, step)
            assert world.under_way <= world.limits[1], (seed, step)
        granted_alone += sum(len(process.writer._local_ids) > 0 for process in world.processes)
        replaced += world.replaced
    assert granted_alone and replaced


def test_all_of_a_limit_can_be_used(state: SharedState) -> None:
    """What is kept free is given back as soon as somebody needs it, and calls wait for two looks at most."""
    writer, used, looks = Writer(state), 0, 0
    for _ in range(400):
        ask, _ = for_thread((Reserve(f"all.{used}", (requests(100),), LONG),))
        writer.send(ask)
        (answer,) = ask.answers
        assert isinstance(answer, Reservation)
        used += answer.refused_by is None
        if answer.refused_by is not None or used % 10 == 0:
            looks += 1
            shares = writer.fallback.shares()
            ask, _ = for_thread((Look(0, "me", shares, looks),), is_look=True)
            writer.send(ask)
            (seen,) = ask.answers
            assert isinstance(seen, Seen)
            writer.fallback.saw(seen, shares)
        if used == 100:
            break
    assert used == 100 and looks <= 20


def test_after_a_long_outage_the_state_counts_the_last_minute_only(clock: FakeClock) -> None:
    world = World(0)
    world.limits, rate = (20, 5), 20
    process = world.processes[0]

    def use(count: int) -> int:
        before = world.sent
        for _ in range(count):
            process.ask()
            while process.open:
                process.end(process.open.pop())
        process.write()
        return world.sent - before

    def until_it_is(away: bool) -> None:
        world.is_down = away
        while process.writer.away != away or (process.writer._kept and not away):
            process.look()

    until_it_is(away=False)
    process.look()
    until_it_is(away=True)
    in_all = [use(2)]
    for _ in range(5):
        clock.now += 70
        in_all.append(use(50))
    assert sum(in_all) > 2 * rate and in_all[-1] == rate * 3 // 4  # it is the only one that was there before
    until_it_is(away=False)
    used = world.books.ledger.used("leg", world.now)
    assert used["requests", "minute"].spent == in_all[-1]
    assert used["calls", "parallel"].reserved == 0
