"""A Redis that loses its data or goes away again before all processes have told it what they have used."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import pytest
from helpers.redis_server import RedisServer
from helpers.states import LONG, do, look, requests, reserve, until, usd

from g4f_lite.health.shared_state import Amount, Look, Reservation, Reserve, Seen
from g4f_lite.health.stores.fallback import SPARE, STRANGERS
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
        began = client.hget("{g4f_lite}:generation", "began")
        client.hset("{g4f_lite}:generation", "began", int(began) - int(seconds * 1000))


@pytest.mark.parametrize("leaves", [False, True])
def test_nothing_is_given_out_before_those_that_were_there_are_back(
    server: RedisServer, state: RedisState, leaves: bool
) -> None:
    other = RedisState(server.url)
    for one, name, number in ((state, "me", 1), (other, "other", 1), (other, "other", LAST if leaves else 2)):
        do(one, Look(0, name, (), number))
    do(state, Look(0, "me", (), 2))
    restarted(server)
    do(state, Look(0, "me", (), 3))
    started_long_ago(server, 2)
    assert (reserve(state, requests(100)).refused_by is None) is leaves
    do(other, Look(0, "other", (), 3))
    assert reserve(state, requests(100)).refused_by is None
    other.close()


@pytest.mark.parametrize("comes_back", [True, False])
def test_what_a_process_has_used_that_does_not_come_back_is_presumed_spent(
    server: RedisServer, state: RedisState, comes_back: bool
) -> None:
    """It may have used, of a minute, all that is not kept free for the others."""
    gone, limit, budget = RedisState(server.url), requests(100), usd(10, 100)
    reserve(state, limit, budget)
    for one, name in ((state, "me"), (gone, "gone"), (state, "me")):
        seen = do(one, Look(0, name, (requests(100, amount=0),), 1 if name == "gone" else next(_ids) + 1))
        assert isinstance(seen, Seen)
    restarted(server)
    kept = 20
    do(state, Look(0, "me", (requests(100, amount=kept),), next(_ids) + 1))
    if comes_back:
        do(gone, Look(0, "gone", (requests(100, amount=10),), 2))
    started_long_ago(server, 7)
    assert reserve(state, requests(100)).waits is not comes_back
    assert spent(state, limit) == (2 if comes_back else 100 - kept)
    assert spent(state, budget) == 10
    gone.close()


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


def test_of_a_limit_that_was_not_asked_for_so_much_is_taken_as_the_state_never_gives_out(
    server: RedisServer, links: list[StateLink], state: RedisState
) -> None:
    """Others may have used it up."""
    until(lambda: take(links[0], usd(1, 1000)) and links[0]._writer.fallback.members() == 1)
    limit = 3 * SPARE * STRANGERS
    assert take(links[0], requests(limit, amount=limit)) and not take(links[0], requests(limit))
    assert spent(state, requests(limit)) == limit - 3 * STRANGERS
    assert taken_while_away(links[0], server, requests(limit, scope="another")) == 3
    assert taken_while_away(links[0], server, requests(SPARE * STRANGERS - 1, scope="third")) == 0
