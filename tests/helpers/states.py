"""The makes of a state, and commands in short."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from g4f_lite.health.shared_state import (
    Amount,
    Answer,
    Command,
    Event,
    Look,
    Reservation,
    Reserve,
    Seen,
    Settle,
    SharedState,
    Tell,
    Window,
)
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.health.stores.redis import RedisState
from g4f_lite.health.stores.sqlite import SQLiteState
from helpers.redis_server import one_cluster, redis_server

PLENTY = 1 << 50
"""A limit that nobody reaches, and that is exact in every make."""
LONG = 60_000
"""A lease that does not end within a test."""
_ids = itertools.count()


@contextmanager
def memory(folder: Path) -> Iterator[Callable[[], SharedState]]:
    state = MemoryState()
    yield lambda: state


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[], SharedState]]:
    yield lambda: SQLiteState(folder / "state.db", timeout_s=10)


@contextmanager
def redis(folder: Path) -> Iterator[Callable[[], SharedState]]:
    with redis_server() as server:
        server.admit()
        yield lambda: RedisState(server.url)


@contextmanager
def cluster(folder: Path) -> Iterator[Callable[[], SharedState]]:
    """Three servers, of which the one that is asked points to another one."""
    servers, prefix = one_cluster(), folder.name
    servers.owner(prefix).admit(prefix)
    yield lambda: RedisState(servers.other(prefix).url, prefix=prefix)


MAKES: dict[str, Callable[[Path], AbstractContextManager[Callable[[], SharedState]]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "redis": redis,
    "cluster": cluster,
}


def new_id() -> str:
    return f"id-{os.getpid()}-{next(_ids)}"  # a state answers an id that it knows as before


def usd(amount: int, limit: int = PLENTY, scope: str = "budget", window: Window = "total") -> Amount:
    return Amount(scope, "nano-usd", window, limit, amount)


def calls(limit: int = PLENTY, scope: str = "leg", amount: int = 1) -> Amount:
    return Amount(scope, "calls", "parallel", limit, amount)


def requests(limit: int = PLENTY, scope: str = "leg", window: Window = "minute", amount: int = 1) -> Amount:
    return Amount(scope, "requests", window, limit, amount)


def do(state: SharedState, command: Command) -> Answer:
    (answer,) = state.execute([command])
    return answer


def reserve(
    state: SharedState, *amounts: Amount, id: str | None = None, lease_ms: int = LONG, **more: Any
) -> Reservation:
    answer = do(state, Reserve(id or new_id(), amounts, lease_ms, **more))
    assert isinstance(answer, Reservation)
    return answer


def settle(state: SharedState, id: str, *used: int) -> None:
    assert do(state, Settle(id, used)) is None


def tell(state: SharedState, name: str = "leg", left_ms: int = LONG, host: str = "", **fields: Any) -> None:
    fields = {"kind": "cooldown", "error": "RateLimitError", "message": "slow down", **fields}
    assert do(state, Tell(Event(name=("groq", name), left_ms=left_ms, host=host, **fields))) is None


def look(state: SharedState, since: int = 0, member: str = "me") -> Seen:
    answer = do(state, Look(since, member))
    assert isinstance(answer, Seen)
    return answer


def in_use(state: SharedState, amount: Amount) -> int:
    """Return what is spent and reserved of a limit."""
    nothing = Amount(amount.scope, amount.unit, amount.window, PLENTY, 0)
    return PLENTY - reserve(state, nothing, lease_ms=1).left[0]


def let_end(lease_ms: int) -> None:
    """Wait until a lease has ended that began before."""
    time.sleep(lease_ms / 1000 + 0.01)


def until(holds: Callable[[], object]) -> None:
    """Wait for what a link, or another thread, is about to do."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, holds
        time.sleep(0.01)
