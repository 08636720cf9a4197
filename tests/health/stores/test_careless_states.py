"""A state of the caller's own that fails in any way is away: calls go on, and the threads of its link live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.states import LONG, requests, until

from g4f_lite.health.shared_state import Reservation, Reserve
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.memory import MemoryState


def fail() -> Any:
    raise SystemExit(3)


WAYS: dict[str, Callable[[list[Any]], Any]] = {
    "None": lambda answers: None,
    "too few": lambda answers: [],
    "too many": lambda answers: [*answers, None],
    "junk": lambda answers: ["junk"] * len(answers),
    "SystemExit": lambda answers: fail(),
}


class Careless(MemoryState):
    is_local = False
    spoil: Callable[[list[Any]], Any] | None = None

    def execute(self, commands: Any) -> Any:
        answers = super().execute(commands)
        return answers if self.spoil is None else self.spoil(answers)

    def wait(self, seconds: float) -> None:
        time.sleep(0.01)
        if self.spoil is not None:
            fail()


@pytest.fixture
def state() -> Iterator[Careless]:
    yield Careless()


@pytest.mark.parametrize("way", WAYS)
def test_calls_go_on_while_it_fails_and_with_it_afterwards(way: str, state: Careless) -> None:
    link = StateLink(state)
    amount = requests(100)
    try:
        link.ask((Reserve("before", (amount,), LONG),))
        until(lambda: any(share.left for share in link._writer.fallback._shares.values()))
        state.spoil = WAYS[way]
        until(lambda: link.ask(()) is not None and link.away)
        (answer,) = link.ask((Reserve("meanwhile", (amount,), LONG),))
        assert isinstance(answer, Reservation)
        assert answer.refused_by is None
        state.spoil = None
        until(lambda: not link.away)
        assert all(thread.is_alive() for thread in link._threads)
    finally:
        state.spoil = None
        link.close()
