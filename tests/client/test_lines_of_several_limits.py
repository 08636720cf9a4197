"""Calls that wait for a declared limit hold up nobody whom it does not concern, and wait no less for anything else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from helpers.driving import MESSAGES, eventually
from helpers.limited import settings
from tenacity import wait_fixed

from g4f_lite import AsyncClient, Client, Limits
from g4f_lite.health.gate import Gate
from g4f_lite.health.shared_state import Answer, Command, Reservation
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

CLIENTS = pytest.mark.parametrize("kind", [Client, AsyncClient], ids=["sync", "async"])
WAIT_S = 1.0


async def ask(client: Any, model: str) -> Any:
    params = {"messages": MESSAGES, "provider": "day", "model": model}
    if isinstance(client, AsyncClient):
        return await client.chat.completions.create(**params)
    return await asyncio.to_thread(client.chat.completions.create, **params)


async def closed(client: Any) -> None:
    await client.aclose() if isinstance(client, AsyncClient) else client.close()


def line(client: Any, scope: str) -> Gate:
    gate: Gate = client._calls.shared.quotas.scopes[scope].gate
    return gate


async def stand(gate: Gate, count: int) -> None:
    assert await asyncio.to_thread(eventually, lambda: len(gate) == count)


class Held:
    """A service that answers the calls to some models when it is told to."""

    def __init__(self, *models: str) -> None:
        self.gates = {model: threading.Event() for model in models}
        self.asked: list[tuple[str, float]] = []

    def __call__(self, request: Received) -> Iterable[Action]:
        model = request.json["model"]
        self.asked.append((model, time.monotonic()))
        if (gate := self.gates.get(model)) is not None:
            gate.wait(30)
        return replies.answer("Sunday")(request)


@CLIENTS
def test_who_waits_for_the_limit_of_a_route_holds_up_no_call_to_another_route(kind: Any, server: FaultServer) -> None:
    service = Held("slow", "first")
    server.script(service)

    async def main() -> None:
        limits = {"day": Limits(parallel=2), "day:slow": Limits(parallel=1)}
        client = kind(**settings(server, limits=limits, deadline=60))
        held = [asyncio.create_task(ask(client, model)) for model in service.gates]
        assert await asyncio.to_thread(eventually, lambda: len(service.asked) == 2)
        waiting = [asyncio.create_task(ask(client, "slow"))]
        await stand(line(client, "leg/day"), 1)
        others = [asyncio.create_task(ask(client, "quick")) for _ in range(2)]
        await stand(line(client, "leg/day"), 3)
        service.gates["first"].set()
        assert [one.text for one in await asyncio.wait_for(asyncio.gather(*others), 5)] == ["Sunday"] * 2
        assert len(line(client, "leg/day:slow")) == 1
        service.gates["slow"].set()
        await asyncio.gather(*held, *waiting)
        assert (len(line(client, "leg/day")), len(line(client, "leg/day:slow"))) == (0, 0)
        await closed(client)

    asyncio.run(main())


class SlowToSay(MemoryState):
    """Its third reservation is granted, and said when another call has ended."""

    is_local = False

    def __init__(self, service: Held, model: str) -> None:
        self.granted, self._service, self._model = 0, service, model
        self.ended = threading.Event()
        super().__init__()

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        answers = super().execute(commands)
        for one in answers:
            self.granted += isinstance(one, Reservation) and one.refused_by is None
        if self.granted == 3 and not self._service.gates[self._model].is_set():
            self._service.gates[self._model].set()
            self.ended.wait(0.2)
        return answers


@CLIENTS
def test_a_place_that_was_free_before_does_not_cut_short_the_wait_before_a_retry(
    kind: Any, server: FaultServer
) -> None:
    service = Held("one", "two")
    times: list[float] = []

    def script(request: Received) -> Iterable[Action]:
        if request.json["model"] != "late":
            return service(request)
        times.append(time.monotonic())
        return replies.error(503)(request) if len(times) == 1 else replies.answer("Sunday")(request)

    server.script(script)
    state = SlowToSay(service, "two")

    async def main() -> None:
        limits = {"day": Limits(parallel=2)}
        retry_wait = wait_fixed(WAIT_S)
        client = kind(**settings(server, limits=limits, state=state, deadline=60, retry_wait=retry_wait))
        held = [asyncio.create_task(ask(client, model)) for model in service.gates]
        held[1].add_done_callback(lambda _: state.ended.set())
        assert await asyncio.to_thread(eventually, lambda: len(service.asked) == 2)
        late = asyncio.create_task(ask(client, "late"))
        await stand(line(client, "leg/day"), 1)
        service.gates["one"].set()
        assert (await late).text == "Sunday"
        await asyncio.gather(*held)
        await closed(client)

    asyncio.run(main())
    assert times[1] - times[0] >= WAIT_S
