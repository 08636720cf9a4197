"""`state=`: what one client learns of a leg, the others know; one of them probes."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, eventually, run
from helpers.limited import Counted, FastState, settings

from g4f_lite import (
    AuthenticationError,
    Client,
    ConnectionFailedError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from g4f_lite.errors.exceptions import ProviderError
from g4f_lite.health.shared_state import Event
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer, replies

LEARNT: dict[str, tuple[Any, type[ProviderError], str]] = {
    "a leg that is forbidden": (replies.error(403, "no"), PermissionDeniedError, "cooling down: no"),
    "a key that is refused": (replies.error(401, "bad key"), AuthenticationError, "cooling down: "),
    "a rate": (replies.error(429, "slow down", retry_after=600), RateLimitError, "cooling down: slow down"),
    "a breaker": (replies.error(500, "broken"), ServerError, "cooling down: broken"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LEARNT)
def test_what_one_client_learns_the_next_one_knows(mode: str, name: str, server: FaultServer) -> None:
    reply, kind, message = LEARNT[name]
    server.script(reply)
    state = MemoryState()
    one = settings(server, state=state, deadline=3, retries=2, patience=0)
    assert isinstance(run(mode, one, {"provider": "day"}).error, kind)
    sent = len(server.received)
    outcome = run(mode, {**one, "deadline": 0.3}, {"provider": "day"})
    assert isinstance(outcome.error, kind)
    assert message in str(outcome.error)
    assert len(server.received) == sent  # it knew
    assert isinstance(run(mode, {**one, "state": MemoryState()}, {"provider": "day"}).error, kind)
    assert len(server.received) > sent  # one with another state does not


def test_clients_that_are_there_already_learn_at_once(server: FaultServer) -> None:
    server.script(replies.error(403, "no"))
    with (
        Client(**settings(server, state=(state := MemoryState()), deadline=1)) as first,
        Client(**settings(server, state=state, deadline=1)) as second,
        pytest.raises(PermissionDeniedError),
    ):
        first.chat.completions.create(messages=MESSAGES, provider="day")
    assert "cooling down until" in str(second.explain(provider="day").skipped[0])


def test_of_two_ends_the_later_one_holds(server: FaultServer) -> None:
    with Client(**settings(server, state=MemoryState())) as client:
        health = client._calls.shared
        assert health is not None
        ((leg,),) = client._calls.router.select({"provider": "day"}).tiers
        name = ("leg", *(part or "" for part in leg.identity))
        for left_ms in (60_000, 1_000, 30_000):
            health.learn(Event("cooldown", name, left_ms, "ServerError", "down"))
        now = health._clock.monotonic()
        assert 59 < health.check(leg, now).ready_at - now < 61


@pytest.mark.parametrize("kind", ["cooldown", "breaker", "hold"])
@pytest.mark.parametrize("error", ["RateLimitError", "RoutesExhaustedError", "Client", "no such class"])
def test_events_of_other_versions_do_no_harm(kind: Any, error: str, server: FaultServer) -> None:
    with Client(**settings(server, state=MemoryState())) as client:
        health = client._calls.shared
        assert health is not None
        ((leg,),) = client._calls.router.select({"provider": "day"}).tiers
        for name in (("leg", *(part or "" for part in leg.identity)), ("origin", leg.origin)):
            if kind == "breaker" or name[0] == "leg":
                health.learn(Event(kind, name, 1_000, error, "down"))
        admission = health.check(leg, health._clock.monotonic())
        assert not admission.granted and isinstance(admission.error, ProviderError)


def test_what_only_this_machine_may_see_is_not_passed_on(server: FaultServer) -> None:
    server.close()
    state = MemoryState()
    one = settings(server, state=state, deadline=1)
    assert isinstance(run("sync", one, {"provider": "day"}).error, ConnectionFailedError)
    with Client(**one) as client:
        assert client.explain(provider="day").skipped == ()


def test_one_client_probes_for_all(server: FaultServer) -> None:
    server.script(replies.error(500, "broken"))
    state = FastState()
    clients = [Client(**settings(server, state=state, deadline=20, retries=0)) for _ in range(4)]
    for _ in range(3):
        with pytest.raises(ServerError):
            clients[0].chat.completions.create(messages=MESSAGES, provider="day")
    for client in clients:  # they all know
        assert client.explain(provider="day").skipped
        for one in client._calls.health._legs.values():
            one.breaker.open_until = 1e-9  # half-open
    service = Counted(0.3)
    server.script(service)
    with ThreadPoolExecutor(4) as pool:
        started = threading.Barrier(4)

        def ask(client: Client) -> str:
            started.wait()
            return client.chat.completions.create(messages=MESSAGES, provider="day").text

        assert list(pool.map(ask, clients)) == ["Sunday"] * 4
    assert service.most == 1
    for client in clients:
        client.close()


def test_a_client_that_is_gone_is_not_kept_by_its_state(server: FaultServer) -> None:
    state = MemoryState()
    client = Client(**settings(server, state=state))
    client.chat.completions.create(messages=MESSAGES, provider="day")
    reference = weakref.ref(client._calls.shared)
    client.close()
    del client
    gc.collect()
    assert eventually(lambda: reference() is None)
