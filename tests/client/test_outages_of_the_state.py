"""Calls while the state of their client cannot be reached: a real Redis that is paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.limited import Day, Night, settings
from helpers.redis_server import RedisServer, redis_server
from helpers.states import until

from g4f_lite import Client, DeadlineExceededError, Limits, Trail, hookimpl
from g4f_lite.health.sharing import SharedHealth
from g4f_lite.health.stores import link
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as running:
        running.admit()
        yield running


def test_a_declared_limit_has_a_share_before_it_is_used(server: FaultServer, redis: RedisServer) -> None:
    limits = {"day": Limits(rpm=30, parallel=4)}
    with Client(**settings(server, limits=limits, state=redis.url, deadline=60)) as client:
        fallback: Any = client._calls.link._writer.fallback  # type: ignore[union-attr]
        until(lambda: len(fallback._shares) == 2 and all(share.left for share in fallback._shares.values()))
        redis.pause()
        for _ in range(3):
            messages = [{"role": "user", "content": "Hi"}]
            assert client.chat.completions.create(messages=messages, provider="day").text == "ok"


@pytest.mark.parametrize("mode", MODES)
def test_a_call_of_a_process_that_has_just_begun_waits_for_the_state(
    mode: str, server: FaultServer, redis: RedisServer
) -> None:
    """Others may have used up a limit as small as this."""
    redis.pause()
    one, found = settings(server, limits={"day": Limits(rpm=30)}, state=redis.url, deadline=60), list[Any]()
    call = threading.Thread(target=lambda: found.append(run(mode, one, {"provider": "day"})))
    call.start()
    call.join(2.0)
    assert call.is_alive() and server.received == []
    redis.resume()
    call.join(50.0)
    assert found[0].text == "ok"


class Hanging(MemoryState):
    """It hangs until the call has ended."""

    is_local = False

    def __init__(self) -> None:
        super().__init__()
        self._goes_on = threading.Event()

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self._goes_on.set()

    def execute(self, commands: Any) -> Any:
        self._goes_on.wait(60)
        return super().execute(commands)


@pytest.mark.parametrize("mode", MODES)
def test_no_call_waits_for_the_state_beyond_its_deadline(
    mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 20.0)
    state = Hanging()
    limits = {"day": Limits(rpm=1000)}
    given = settings(server, limits=limits, state=state, deadline=0.3, plugins=[Day, Night, state])
    ended = run(mode, given, {"provider": "day"})
    assert ended.error is not None and ended.trail.duration and server.received == []
    assert ended.trail.duration < 10


@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_that_passes_before_the_state_is_asked_is_told_as_such(
    mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = SharedHealth.ask

    def held_up(self: SharedHealth, *args: Any, **more: Any) -> Any:
        time.sleep(0.3)
        return asks(self, *args, **more)

    monkeypatch.setattr(SharedHealth, "ask", held_up)
    ended = run(mode, settings(server, limits={"day": Limits(rpm=1000)}, deadline=0.2), {"provider": "day"})
    assert isinstance(ended.error, DeadlineExceededError), ended.error
