"""Redis Cluster: a state is on one node, whichever node its URL names. `test_contract.py` runs with a cluster, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.limited import settings
from helpers.redis_server import RedisCluster, RedisServer, redis_cluster
from helpers.states import LONG, do, requests, reserve, until, usd

from g4f_lite import Limits, RateLimitError
from g4f_lite.health.shared_state import Event, Reservation, Reserve, Tell
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState
from g4f_lite.testing import FaultServer


@pytest.fixture(scope="module")
def running() -> Iterator[RedisCluster]:
    with redis_cluster() as running:
        yield running


@pytest.fixture
def cluster(running: RedisCluster) -> RedisCluster:
    running.wait_until_it_is_whole()
    for node in running.nodes:
        with node.client() as client:
            client.flushall()
            client.config_resetstat()
    running.owner().admit()
    return running


def slot_of(client: Any) -> int:
    return int(client.execute_command("CLUSTER", "KEYSLOT", "{g4f_lite}"))


def node_id(server: RedisServer) -> str:
    with server.client() as client:
        return str(client.execute_command("CLUSTER", "MYID"))


def test_all_keys_are_on_one_node(cluster: RedisCluster) -> None:
    with closing(RedisState(cluster.other().url)) as state:
        for index in range(20):
            reserve(state, usd(1, scope=f"budget/{index}"), requests(100, scope=f"leg/{index}"))
        do(state, Tell(Event("cooldown", ("leg", "groq"), LONG, "RateLimitError", "slow down")))
    for node in cluster.nodes:
        with node.client() as client:
            assert bool(client.dbsize()) is (node is cluster.owner())


def test_a_node_that_does_not_have_the_state_is_asked_once(cluster: RedisCluster) -> None:
    with closing(RedisState(cluster.other().url)) as state:
        for _ in range(20):
            reserve(state, usd(1, 1000))
    with cluster.other().client() as client:
        assert client.info("errorstats")["errorstat_MOVED"]["count"] == 1


def test_while_the_keys_move_the_state_is_away_and_then_it_is_where_they_are() -> None:
    """A script that ran on the other node before they are there would begin with nothing."""
    with ExitStack() as stack:
        cluster = stack.enter_context(redis_cluster())
        source, target = cluster.owner(), cluster.other()
        source.admit()
        state = stack.enter_context(closing(RedisState(cluster.nodes[0].url)))
        old, new = stack.enter_context(source.client()), stack.enter_context(target.client())
        reserve(state, usd(10, 100), id="before")
        slot = slot_of(old)
        new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(source))
        old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(target))
        for moved in range(2):
            with pytest.raises(OSError, match="on its way to another node"):
                reserve(state, usd(1, 100))
            keys = old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1 if not moved else 1000)
            old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for client in (new, old):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", node_id(target))
        assert reserve(state, usd(1, 100)).left == (89,)
        assert state.used("budget")["nano-usd", "total"] == (0, 11, 0)


def test_a_link_goes_on_when_the_node_with_the_state_is_killed_and_starts_again(cluster: RedisCluster) -> None:
    links = [StateLink(RedisState(node.url), owned=True) for node in cluster.nodes]
    limit = requests(100)

    def take(link: StateLink, name: str) -> bool:
        (answer,) = link.ask((Reserve(name, (limit,), LONG),))
        assert isinstance(answer, Reservation)
        return answer.refused_by is None

    with ExitStack() as stack:
        for index, link in enumerate(links):
            stack.callback(link.close)
            assert take(link, f"before {index}")
        until(lambda: all(share.left for link in links for share in link._writer.fallback._shares.values()))
        (owner := cluster.owner()).kill()
        until(lambda: all(link.ask(()) is not None and link._writer.away for link in links))
        assert all(take(link, f"away {index}") for index, link in enumerate(links))
        owner.start()
        until(lambda: not any(link._writer.away or link._writer._kept for link in links))
        with closing(RedisState(cluster.other().url)) as state:
            until(lambda: sum(state.used("leg")["requests", "minute"][:2]) == 6)


def test_events_reach_those_that_listen_to_another_node(cluster: RedisCluster) -> None:
    heard: list[tuple[str, ...]] = []
    links = [StateLink(RedisState(node.url), owned=True) for node in cluster.nodes]

    def learn(event: Event) -> None:
        heard.append(event.name)

    with ExitStack() as stack:
        for link in links:
            stack.callback(link.close)
            link.listen(learn)
        with cluster.owner().client() as client:
            until(lambda: client.zcard("{g4f_lite}:members") == 3)
        links[0].tell(Tell(Event("cooldown", ("leg", "groq"), LONG, "RateLimitError", "slow down")))
        until(lambda: len(heard) == 3)


@pytest.mark.parametrize("mode", MODES)
def test_clients_share_limits_through_a_cluster(mode: str, cluster: RedisCluster) -> None:
    urls = [node.url for node in cluster.nodes]
    with FaultServer() as service:
        one = settings(service, limits={"day": Limits(rpm=3)}, deadline=20)
        assert [run(mode, {**one, "state": url}, {"provider": "day"}).text for url in urls] == ["ok"] * 3
        assert isinstance(run(mode, {**one, "state": urls[0]}, {"provider": "day"}).error, RateLimitError)
        assert len(service.received) == 3
