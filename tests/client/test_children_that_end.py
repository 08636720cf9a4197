"""A child of multiprocessing that ends without closing its client leaves nothing behind in the shared state."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  # the client of Redis would import it within the fork
import multiprocessing
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.limited import settings
from helpers.states import calls, in_use

from g4f_lite import Client, Limits
from g4f_lite.health.stores.sqlite import SQLiteState
from g4f_lite.testing import FaultServer

_clients: list[Client] = []


def ask_and_end(client_settings: dict[str, Any]) -> None:
    _clients.append(client := Client(**client_settings))  # it lives as long as the process
    client.chat.completions.create(messages=MESSAGES, provider="day")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_its_last_call_is_settled(method: str, tmp_path: Path, server: FaultServer) -> None:
    path = tmp_path / "state.db"
    client_settings = settings(server, limits={"day": Limits(parallel=20)}, state=f"sqlite://{path}")
    for _ in range(3):
        child = multiprocessing.get_context(method).Process(target=ask_and_end, args=(client_settings,))  # type: ignore[attr-defined]
        child.start()
        child.join(20)
        assert child.exitcode == 0
    with closing(SQLiteState(path)) as state:
        assert in_use(state, calls(scope="leg/day")) == 0
