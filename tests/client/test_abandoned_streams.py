"""A stream that nobody reads to its end or closes keeps nobody waiting, and its end is told."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, eventually, run
from helpers.limited import settings

from g4f_lite import Client, Limits, hookimpl
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer

ONE_AT_ONCE = {"day": Limits(parallel=1)}
CHILD = """
import gc, sys
from g4f_lite import Client, Limits, OpenaiTemplate

class Day(OpenaiTemplate):
    name, default_model, needs_auth = "day", "m", False

client = Client(routes=[Day(api_base=sys.argv[1])], limits={"day": Limits(parallel=1)}, state=sys.argv[2])
client.chat.completions.create(messages=[{"role": "user", "content": "Hi"}], stream=True)
gc.collect()
print("abandoned", flush=True)
sys.stdin.read()
"""


def abandon(client: Client) -> None:
    client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)
    gc.collect()


def test_a_call_that_waits_already_gets_its_place(server: FaultServer) -> None:
    with Client(**settings(server, limits=ONE_AT_ONCE, deadline=60)) as client:
        stream = client.chat.completions.create(messages=MESSAGES, provider="day", stream=True)
        answers: list[Any] = []
        ask = client.chat.completions.create
        thread = threading.Thread(target=lambda: answers.append(ask(messages=MESSAGES, provider="day")))
        thread.start()
        assert client._calls.shared is not None
        line = client._calls.shared.quotas.scopes["leg/day"].gate
        assert eventually(lambda: len(line) == 1)
        del stream
        gc.collect()
        thread.join(30)
        assert [one.text for one in answers] == ["ok"]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("lives", [True, False], ids=["", "its client is gone, too"])
def test_another_client_of_the_state_gets_its_place(lives: bool, mode: str, server: FaultServer) -> None:
    shared = settings(server, limits=ONE_AT_ONCE, state=MemoryState(), deadline=10)
    client: Client | None = Client(**shared)
    assert client is not None
    abandon(client)
    if not lives:
        client = None
        gc.collect()
    assert run(mode, shared, {"provider": "day"}).text == "ok"


def test_another_process_gets_its_place(server: FaultServer, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state'}"
    command = [sys.executable, "-c", CHILD, server.base_url, state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "abandoned\n"
        outcome = run("sync", settings(server, limits=ONE_AT_ONCE, state=state, deadline=20), {"provider": "day"})
        child.communicate("")
    assert outcome.text == "ok"


def test_its_end_is_told_though_its_client_is_gone(server: FaultServer) -> None:
    class Notes:
        @hookimpl
        def call_finished(self, trail: Any) -> None:
            outcomes.append(trail.outcome)

    outcomes: list[str] = []
    noting = settings(server)
    noting["plugins"] = [*noting["plugins"], Notes()]
    abandon(Client(**noting))
    assert run("sync", settings(server), {"provider": "day"}).text == "ok"
    assert outcomes == ["closed"]
