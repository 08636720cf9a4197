"""Every test of the contract runs with each make of a state. A Redis server for those of what is Redis's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from helpers.redis_server import RedisServer, redis_server
from helpers.states import MAKES

from g4f_lite.health.shared_state import SharedState


@pytest.fixture(params=MAKES)
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], SharedState]]:
    """Open the state of this test, as another client does; each call gives another object, if the make has several."""
    with ExitStack() as stack:
        make = stack.enter_context(MAKES[request.param](tmp_path))
        yield lambda: stack.enter_context(closing(make()))


@pytest.fixture
def state(another: Callable[[], SharedState]) -> SharedState:
    return another()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        running.admit()
        yield running
