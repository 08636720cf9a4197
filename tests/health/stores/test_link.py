"""What a link does with a real Redis that is paused, killed, restarted or half cut off."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.redis_server import RedisServer, redis_server
from helpers.states import LONG, requests, until, usd

from g4f_lite.health.shared_state import (
    NEVER,
    Amount,
    BeginProbe,
    Event,
    Reservation,
    Reserve,
    Settle,
    Tell,
)
from g4f_lite.health.stores.fallback import RESTART_S
from g4f_lite.health.stores.link import ANSWER_S, StateLink
from g4f_lite.health.stores.redis import RedisState

_ids = itertools.count()
COOLDOWN = Event("cooldown", ("leg", "groq"), LONG, "RateLimitError", "slow down")


@pytest.fixture
def another(server: RedisServer) -> Iterator[Callable[[], StateLink]]:
    """Return another link to the server, as another process has it."""
    links: list[StateLink] = []

    def make() -> StateLink:
        links.append(StateLink(RedisState(server.url), owned=True))
        return links[-1]

    yield make
    for link in links:
        link.close()


@pytest.fixture
def link(another: Callable[[], StateLink]) -> StateLink:
    return another()


def take(link: StateLink, *amounts: Amount, **more: Any) -> tuple[str, Reservation]:
    name = f"{os.getpid()}-{next(_ids)}"
    (answer,) = link.ask((Reserve(name, amounts, LONG, **more),))
    assert isinstance(answer, Reservation)
    return name, answer


def used(server: RedisServer, amount: Amount) -> int:
    """What is spent and reserved, as the server knows it."""
    state = RedisState(server.url)
    try:
        counted = state.used(amount.scope).get((amount.unit, amount.window), (0, 0, 0))
        return counted[0] + counted[1]
    finally:
        state.close()


def let_it_be_away(link: StateLink) -> None:
    until(lambda: link.ask(()) is not None and link._writer.away)


def is_calm(link: StateLink) -> bool:
    return link._writer.instead(()) is None and not link._writer._kept


def let_it_have_shares(link: StateLink) -> None:
    """Wait until it may give out something while the state is away."""
    until(lambda: any(share.left for share in link._writer.fallback._shares.values()))


class Learns:
    def __init__(self) -> None:
        self.events: list[tuple[float, Event]] = []

    def learn(self, event: Event) -> None:
        self.events.append((time.monotonic(), event))


def test_threads_and_tasks_get_their_own_answers(
    link: StateLink, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("g4f_lite.health.stores.link.ANSWER_S", 60.0)  # all answers are those of the server
    lefts: list[int] = []

    def ask() -> None:
        for _ in range(50):
            lefts.append(take(link, usd(1, 1000))[1].left[0])

    async def tasks() -> None:
        async def one(name: str) -> None:
            for index in range(5):
                (answer,) = await link.ask_async((Reserve(f"{name}-{index}", (usd(1, 1000),), LONG),))
                assert isinstance(answer, Reservation)
                lefts.append(answer.left[0])

        await asyncio.gather(*(one(f"task-{threading.get_ident()}-{number}") for number in range(20)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lefts) == list(range(990 - 400, 990))  # a hundredth of a budget is kept back
    assert used(server, usd(0)) == 400


def test_a_paused_server_costs_a_call_one_time_limit_and_then_nothing(
    link: StateLink, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert take(link, requests(1000))[1].left == (999,)
    let_it_have_shares(link)
    server.pause()  # from here on, nothing that returns has waited for the server
    took = []
    for _ in range(6):
        begun = time.monotonic()
        assert take(link, requests(1000))[1].refused_by is None
        took.append(time.monotonic() - begun)
    assert min(took[3:]) < ANSWER_S < max(took[:3])  # the first one learns that the server is away, not each
    let_it_be_away(link)
    begun = time.monotonic()
    for _ in range(100):
        assert take(link, requests(1000))[1].refused_by is None
    assert time.monotonic() - begun < 10 * ANSWER_S  # of 100
    assert [record.message.split(";")[0] for record in caplog.records] == ["the shared state is away"]
    server.resume()
    until(lambda: used(server, requests()) == 107)
    until(lambda: is_calm(link))
    assert take(link, requests(1000))[1].left == (892,)


def test_tasks_wait_no_longer(link: StateLink, server: RedisServer) -> None:
    async def ask() -> float:
        begun = time.monotonic()
        (answer,) = await link.ask_async((Reserve(f"a{next(_ids)}", (requests(1000),), LONG),))
        assert isinstance(answer, Reservation) and answer.refused_by is None
        return time.monotonic() - begun

    async def main() -> None:
        await ask()
        let_it_have_shares(link)
        server.pause()  # from here on, nothing that returns has waited for the server
        begun = time.monotonic()
        await asyncio.gather(*(ask() for _ in range(50)))
        assert time.monotonic() - begun < 10 * ANSWER_S  # for all: they wait at the same time
        until(lambda: link._writer.away)
        assert min(await asyncio.gather(*(ask() for _ in range(50)))) < ANSWER_S

    asyncio.run(main())


def test_no_call_fails_while_a_server_loses_its_data(another: Callable[[], StateLink], server: RedisServer) -> None:
    """Two processes under load; the server is killed, and comes back empty."""
    links, budget, rate = [another(), another()], usd(10, 3000), requests(400)
    granted: list[int] = []
    stop = threading.Event()

    def ask(link: StateLink) -> None:
        while not stop.is_set():
            name, answer = take(link, budget, rate)
            if answer.refused_by is None:
                granted.append(1)
                link.tell(Settle(name, (10, 1)))
            else:
                time.sleep(0.005)

    threads = [threading.Thread(target=ask, args=(link,)) for link in links for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(granted) >= 100 and all(link._writer.fallback.members() == 2 for link in links))
    server.kill()
    until(lambda: all(link._writer.away for link in links))
    server.start()
    until(lambda: all(map(is_calm, links)))
    until(lambda: not take(links[0], usd(0, 3000))[1].held)  # it gives out what is left
    count = len(granted)
    until(lambda: len(granted) > count or not take(links[0], budget)[1].held)
    stop.set()
    for thread in threads:
        thread.join()
    assert 100 <= len(granted) <= 300
    until(lambda: used(server, budget) >= 10 * len(granted))
    # What a thread was granted as the server ended may count twice: as told, and in what another one knows.
    assert used(server, budget) <= 3000 + 10 * len(threads)


def test_what_was_used_is_told_to_a_server_that_has_lost_its_data(link: StateLink, server: RedisServer) -> None:
    name, _ = take(link, usd(500, 1000), usd(7, 1000, window="day"), Amount("leg", "calls", "parallel", 2, 1))
    link.tell(Settle(name, (400, 7, 1)))
    take(link, usd(100, 1000), usd(0, 1000, window="day"), Amount("leg", "calls", "parallel", 2, 1))
    server.kill()
    server.start()
    until(lambda: used(server, usd(0)) == 500)  # with what was reserved
    assert used(server, usd(0, window="day")) == 7
    assert used(server, Amount("leg", "calls", "parallel", 2, 1)) == 1
    answer = take(link, usd(1, 1000))[1]
    assert answer.held and 0 < answer.wait_ms <= 1500  # until all have told
    until(lambda: take(link, usd(490, 1000))[1].refused_by is None)
    assert take(link, usd(1, 1000))[1].refused_by == 0


def test_a_server_that_is_not_there_stops_nothing(server: RedisServer) -> None:
    server.kill()
    link = StateLink(RedisState(server.url), owned=True)
    begun = time.monotonic()
    answer = take(link, requests(1000))[1]
    assert time.monotonic() - begun < 2 * ANSWER_S
    assert answer.waits and answer.wait_ms <= 1000 * RESTART_S  # it may be back then
    until(lambda: take(link, requests(1000))[1].refused_by is None)
    link.close()


@pytest.mark.parametrize(("when_down", "granted"), [("local", 8), ("refuse", 0), ("open", 40)])
def test_a_budget_while_the_state_is_away(link: StateLink, server: RedisServer, when_down: Any, granted: int) -> None:
    until(lambda: take(link, requests()) and link._writer.fallback._seen)
    for _ in range(2):
        take(link, usd(100, 1000), when_down=when_down)
    shares = link._writer.fallback._shares
    until(lambda: when_down != "local" or any(one.left for one in shares.values() if one.amount.unit == "grace"))
    server.kill()
    let_it_be_away(link)
    answers = [take(link, usd(1, 1000), when_down=when_down)[1] for _ in range(40)]
    assert sum(answer.refused_by is None for answer in answers) == granted
    refused = [answer for answer in answers if answer.refused_by is not None]
    assert all(answer.held and 0 < answer.wait_ms <= 1000 for answer in refused)  # it may be back then
    more_than_all = take(link, usd(1001, 1000), when_down=when_down)[1]
    assert (more_than_all == Reservation(refused_by=0, wait_ms=NEVER)) == (when_down != "open")


def test_a_state_keeps_a_hundredth_of_a_budget(link: StateLink) -> None:
    assert take(link, usd(990, 1000))[1].left == (0,)
    assert take(link, usd(1, 1000))[1].refused_by == 0
    assert take(link, usd(10, 1000, scope="other"), when_down="refuse")[1].left == (990,)


def test_a_budget_is_whole_as_soon_as_the_state_is_back(another: Callable[[], StateLink], server: RedisServer) -> None:
    """Of a rate, the state keeps free what others may have given out, until they have told what they have used."""
    links = [another(), another()]
    for link in links:
        take(link, usd(0, 1000), requests(1000))
        let_it_have_shares(link)
    until(lambda: all(link._writer.fallback.members() == 2 for link in links))
    server.pause()
    for link in links:
        let_it_be_away(link)
    server.resume()
    until(lambda: not links[0]._writer.away)
    for when_down in ("local", "refuse", "open"):
        assert take(links[0], usd(200, 1000), requests(1000), when_down=when_down)[1].refused_by is None
    refused = take(links[0], usd(0, 1000), requests(1000, amount=600))[1]
    assert refused.held and refused.refused_by == 1
    until(lambda: take(links[0], usd(0, 1000), requests(1000, amount=600))[1].refused_by is None)
    assert take(links[1], usd(391, 1000))[1].refused_by == 0


def test_others_learn_at_once(another: Callable[[], StateLink]) -> None:
    listeners = [Learns() for _ in range(3)]
    links = [another() for _ in listeners]
    for link, listener in zip(links, listeners, strict=True):
        link.listen(listener.learn)
    until(lambda: all(link._writer.fallback.members() == 3 for link in links))
    delays = []
    for number in range(1, 8):
        told = time.monotonic()
        links[0].tell(Tell(Event("cooldown", ("leg", str(number)), LONG, "RateLimitError", "slow down")))
        until(lambda count=number: all(len(one.events) == count for one in listeners))  # type: ignore[misc]
        delays.append(max(one.events[-1][0] for one in listeners) - told)
    assert sorted(delays)[len(delays) // 2] <= 0.1
    event = listeners[1].events[-1][1]
    assert event.error == "RateLimitError" and LONG - 5000 < event.left_ms <= LONG


def test_others_learn_within_a_second_without_publish_and_subscribe() -> None:
    with redis_server("--rename-command", "SUBSCRIBE", "") as server:
        server.admit()
        one, two = (StateLink(RedisState(server.url), owned=True) for _ in range(2))
        listener = Learns()
        two.listen(listener.learn)
        until(lambda: two._writer.fallback._seen)
        delays = []
        for number in range(1, 4):
            told = time.monotonic()
            one.tell(Tell(Event("cooldown", ("leg", str(number)), LONG, "RateLimitError", "slow down")))
            until(lambda count=number: len(listener.events) == count)  # type: ignore[misc]
            delays.append(listener.events[-1][0] - told)
        assert sorted(delays)[1] <= 1.1
        one.close()
        two.close()


def test_what_is_told_to_a_server_that_was_away_is_told_again_by_who_sees_it(
    link: StateLink, server: RedisServer
) -> None:
    """What was learnt while it was away is old when it is back."""
    listener = Learns()
    server.kill()
    link.listen(listener.learn)
    let_it_be_away(link)
    link.tell(Tell(COOLDOWN))
    server.start()
    until(lambda: not link._writer.away)
    link.tell(Tell(Event("cooldown", ("leg", "openai"), LONG, "RateLimitError", "slow down")))
    until(lambda: listener.events)  # what it had kept would have been sent before
    link.tell(Tell(COOLDOWN))
    until(lambda: len(listener.events) > 1)
    assert [event.name for _, event in listener.events] == [("leg", "openai"), COOLDOWN.name]


def test_a_listener_is_not_kept_alive(another: Callable[[], StateLink]) -> None:
    link, listener, other = another(), Learns(), Learns()
    link.listen(listener.learn)
    link.listen(other.learn)
    del listener
    gc.collect()
    link.tell(Tell(COOLDOWN))
    until(lambda: other.events)
    assert len(link._listeners) == 1


def test_one_of_all_probes(another: Callable[[], StateLink]) -> None:
    links = [another() for _ in range(4)]
    answers = [link.ask((BeginProbe("leg", str(number), LONG),))[0] for number, link in enumerate(links)]
    assert sorted(map(bool, answers)) == [False, False, False, True]


def test_what_nobody_waits_for_any_more_is_given_back(link: StateLink, server: RedisServer) -> None:
    async def main() -> None:
        take(link, usd(0))
        server.pause()
        task = asyncio.create_task(link.ask_async((Reserve("gone", (usd(5),), LONG), BeginProbe("leg", "gone", LONG))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.resume()

    asyncio.run(main())
    link.ask(())
    with server.client() as client:
        until(lambda: client.exists("{g4f_lite}:reserved:gone"))
    until(lambda: used(server, usd(0)) == 0)
    assert link.ask((BeginProbe("leg", "next", LONG),)) == [True]


def test_a_lease_is_renewed_as_long_as_the_process_lives(link: StateLink, server: RedisServer) -> None:
    link.ask((Reserve("long", (usd(5),), 4000),))
    with server.client() as client:
        end = client.zscore("{g4f_lite}:ends", "long")
        until(lambda: client.zscore("{g4f_lite}:ends", "long") > end + 4000)
        link.tell(Settle("long", (1,)))
        until(lambda: client.zscore("{g4f_lite}:ends", "long") is None)
    assert used(server, usd(0)) == 1


def test_close_sends_what_was_told_and_the_link_may_be_used_again(link: StateLink, server: RedisServer) -> None:
    name, _ = take(link, usd(50))
    link.tell(Settle(name, (20,)))
    link.close()
    assert used(server, usd(0)) == 20
    assert take(link, usd(1))[1].refused_by is None
    link.close()
    link.close()


def test_a_link_that_is_dropped_ends_its_threads(server: RedisServer) -> None:
    link = StateLink(RedisState(server.url))
    take(link, usd(1))
    threads = link._threads
    del link
    gc.collect()
    until(lambda: not any(thread.is_alive() for thread in threads))


def test_what_was_told_is_sent_at_the_end_of_a_process(server: RedisServer) -> None:
    child = os.fork()
    if not child:
        import atexit

        link = StateLink(RedisState(server.url))
        name, _ = take(link, usd(50))
        link.tell(Settle(name, (20,)))
        atexit._run_exitfuncs()
        os._exit(0)
    os.waitpid(child, 0)
    assert used(server, usd(0)) == 20


def test_a_fork_has_a_link_of_its_own(link: StateLink, server: RedisServer) -> None:
    take(link, usd(1))
    child = os.fork()
    if not child:
        try:
            for _ in range(20):
                assert take(link, usd(1))[1].left
            link.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    for _ in range(20):
        take(link, usd(1))
    assert os.waitpid(child, 0)[1] == 0
    until(lambda: used(server, usd(0)) == 41)


def test_a_signal_during_a_wait_gives_back(link: StateLink, server: RedisServer) -> None:
    take(link, usd(0))
    server.pause()

    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Stopped):
            link.ask((Reserve("gone", (usd(5),), LONG),))
    finally:
        signal.signal(signal.SIGALRM, before)
    server.resume()
    with server.client() as client:
        until(lambda: client.exists("{g4f_lite}:reserved:gone"))
    until(lambda: used(server, usd(0)) == 0)
