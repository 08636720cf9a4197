"""A Redis that loses its data or goes away again before all processes have told it what they have used."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import pytest
from helpers.redis_server import RedisServer
from helpers.states import LONG, do, look, requests, reserve, until, usd

from g4f_lite.health.shared_state import Amount, Look, Reservation, Reserve, Seen
from g4f_lite.health.stores.link import _LAST as LAST
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState

_ids = itertools.count()


@pytest.fixture
def state(server: RedisServer) -> Iterator[RedisState]:
    with closing(RedisState(server.url)) as state:
        yield state


def restarted(server: RedisServer, *, young: bool = True) -> None:
    server.kill()
    server.start()
    if not young:
        server.admit()


def spent(state: RedisState, amount: Amount) -> int:
    used = state.used(amount.scope)[amount.unit, amount.window]
    return used.spent + used.reserved


@pytest.mark.parametrize("young", [True, False])
def test_what_was_used_is_known_after_data_was_lost_again(server: RedisServer, state: RedisState, young: bool) -> None:
    """What the server answers before it is told what was used says nothing of that."""
    limit = usd(10, 100, scope=f"scope {young}")
    assert reserve(state, limit).left == (90,)
    for _ in range(3):
        restarted(server, young=young)
        assert reserve(state, limit, granted=True).left == ()
    restarted(server)
    look(state)
    assert spent(state, limit) == 40


def test_what_others_have_told_is_known_to_all_after_the_next_look(server: RedisServer, state: RedisState) -> None:
    other, limit = RedisState(server.url), requests(100)
    assert reserve(state, requests(100, amount=10)).left == (90,)
    restarted(server)
    reserve(other, requests(100, amount=5), granted=True)
    for number in (1, 2):  # the first one tells what was used before
        do(state, Look(0, "me", (requests(100, amount=0),), number))
    restarted(server)
    look(state)
    assert spent(state, limit) == 15
    other.close()


def started_long_ago(server: RedisServer, seconds: float) -> None:
    with server.client() as client:
        for name in ("began", "born"):
            client.hincrby("{g4f_lite}:generation", name, -int(seconds * 1000))


@pytest.mark.parametrize("leaves", [False, True])
def test_nothing_is_given_out_before_those_that_were_there_are_back(
    server: RedisServer, state: RedisState, leaves: bool
) -> None:
    other, new = RedisState(server.url), RedisState(server.url)
    for one, name, number in ((state, "me", 1), (other, "other", 1), (other, "other", LAST if leaves else 2)):
        do(one, Look(0, name, (), number))
    do(state, Look(1, "me", (), 2))
    for is_new in (True, False):  # the second time before all are back
        restarted(server)
        do(state, Look(1, "me", (), 3))
        do(new, Look(0 if is_new else 1, "new", (), 1))  # it takes the place of another, but was not there before
        do(new, Look(1, "new", (), 2))
    started_long_ago(server, 2)
    if leaves:
        until(lambda: reserve(state, requests(100)).refused_by is None)
    else:
        assert reserve(state, requests(100)).waits
    do(other, Look(1, "other", (), 3))
    until(lambda: reserve(state, requests(100)).refused_by is None)
    other.close()
    new.close()


@pytest.mark.parametrize("comes_back", [True, False])
def test_the_share_of_a_process_that_does_not_come_back_is_presumed_spent(
    server: RedisServer, state: RedisState, comes_back: bool
) -> None:
    gone, limit, budget = RedisState(server.url), requests(100), usd(10, 100)
    reserve(state, limit, budget)

    def share(one: RedisState, name: str, number: int, kept: int) -> int:
        seen = do(one, Look(1, name, (requests(100, amount=kept),), number))
        assert isinstance(seen, Seen)
        return seen.shares[0]

    assert share(state, "me", 1, 0) == 49
    mine, its = share(state, "me", 2, 20), share(gone, "gone", 1, 0)
    assert its == 25
    mine = share(state, "me", 3, 20)
    for number in (4, 5):  # the second time before all are back
        restarted(server)
        share(state, "me", number, mine)
    if comes_back:
        share(gone, "gone", 2, its)
    started_long_ago(server, 7)
    assert spent_now(state, limit) == (1 if comes_back else 1 + its)
    assert spent(state, budget) == 10
    gone.close()


def spent_now(state: RedisState, amount: Amount) -> int:
    reserve(state)  # the first command after the wait
    return spent(state, amount)


@pytest.fixture
def links(server: RedisServer) -> Iterator[list[StateLink]]:
    restarted(server, young=False)
    links = [StateLink(RedisState(server.url), owned=True) for _ in range(2)]
    yield links
    for link in links:
        link.close()


def take(link: StateLink, amount: Amount) -> bool:
    (answer,) = link.ask((Reserve(f"again-{next(_ids)}", (amount,), LONG),))
    assert isinstance(answer, Reservation)
    return answer.refused_by is None


def taken_while_away(link: StateLink, server: RedisServer, amount: Amount) -> int:
    """Kill the server, and return how much is given out; the server is there again, and knows of it."""
    server.kill()
    until(lambda: link.ask(()) is not None and link._writer.away)
    count = 0
    while take(link, amount):
        count += 1
    server.start()
    until(lambda: not link._writer.away and not link._writer._kept)
    return count


def test_a_share_is_given_out_once_however_often_the_state_goes_away(
    server: RedisServer, links: list[StateLink]
) -> None:
    for link in links:
        assert take(link, requests(100))
    until(lambda: all(link._writer.fallback.members() == 2 for link in links))
    until(lambda: all(share.left for share in links[0]._writer.fallback._shares.values()))
    counts = [taken_while_away(links[0], server, requests(100)) for _ in range(2)]
    assert 0 < sum(counts) <= 98 // 2


def test_of_a_limit_that_was_not_asked_for_a_process_takes_its_part_of_three_quarters(
    server: RedisServer, links: list[StateLink], state: RedisState
) -> None:
    until(lambda: take(links[0], usd(1, 1000)) and links[0]._writer.fallback.members() == 1)
    server.kill()
    until(lambda: take(links[0], requests(100, scope="another")))
    assert [take(links[0], requests(100, scope="another")) for _ in range(100)].count(True) == 74
    server.start()
    until(lambda: not links[0]._writer.away and not links[0]._writer._kept)
    assert spent(state, requests(100, scope="another")) == 75


def test_what_the_state_has_applied_although_its_answer_was_late_is_told_again(
    server: RedisServer, links: list[StateLink], state: RedisState
) -> None:
    """Then it is also recorded as spent without asking; the state answers as it did at first."""
    limit, (link, _) = usd(10, 5000), links
    assert take(link, limit)
    until(lambda: any(one.left for one in link._writer.fallback._shares.values() if one.amount.unit == "grace"))
    server.pause()
    (answer,) = link.ask((Reserve("late", (limit,), LONG),))
    assert isinstance(answer, Reservation) and answer.refused_by is None
    server.resume()
    until(lambda: not link._writer.away and not link._writer._kept and spent(state, limit) == 20)
    assert take(link, limit) and not link._writer.away
