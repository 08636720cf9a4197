"""A state of the caller's own that fails in any way is away: calls go on, and the threads of its link live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, eventually
from helpers.limited import settings
from helpers.states import LONG, requests, until
from msgspec.structs import replace

from g4f_lite import Client, Limits
from g4f_lite.health.shared_state import Event, Reservation, Reserve, Seen
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer


def fail() -> Any:
    raise SystemExit(3)


def changed(answers: list[Any], kind: type, **fields: Any) -> list[Any]:
    return [replace(one, **fields) if isinstance(one, kind) else one for one in answers]


WAYS: dict[str, Callable[[list[Any]], Any]] = {
    "None": lambda answers: None,
    "too few": lambda answers: [],
    "too many": lambda answers: [*answers, None],
    "junk": lambda answers: ["junk"] * len(answers),
    "a cursor that is no number": lambda answers: changed(answers, Seen, cursor="late"),
    "no members": lambda answers: changed(answers, Seen, members=None),
    "no shares": lambda answers: changed(answers, Seen, shares=None),
    "shares that are no numbers": lambda answers: changed(answers, Seen, shares=("much",)),
    "no events": lambda answers: changed(answers, Seen, events=(1,)),
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


SPOILT: dict[str, dict[str, Any]] = {
    "it refuses an amount that was not asked for": {"refused_by": 7},
    "it tells what is no event": {"events": ("junk",)},
}


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


def limited(service: FaultServer, state: Careless) -> dict[str, Any]:
    return settings(service, limits={"day": Limits(parallel=3)}, state=state, deadline=5)


@pytest.mark.parametrize("fields", SPOILT.values(), ids=SPOILT)
def test_an_answer_with_junk_inside_is_none(
    fields: dict[str, Any], state: Careless, caplog: pytest.LogCaptureFixture
) -> None:
    kind = Seen if "events" in fields else Reservation
    with FaultServer() as service, Client(**limited(service, state)) as client:
        client.chat.completions.create(messages=MESSAGES, provider="day")
        state.spoil = lambda answers: changed(answers, kind, **fields)
        assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"
        assert eventually(lambda: "the shared state is away" in caplog.text)
        state.spoil = None
        assert isinstance(client._calls.link, StateLink)
        assert all(thread.is_alive() for thread in client._calls.link._threads)


def test_numbers_of_another_type_are_read(state: Careless) -> None:
    state.spoil = lambda answers: changed(answers, Reservation, held=0, left=(2.0,))
    with FaultServer() as service, Client(**limited(service, state)) as client:
        assert client.chat.completions.create(messages=MESSAGES, provider="day").text == "ok"
        assert client._calls.link is not None
        assert not client._calls.link.away


@pytest.mark.parametrize(
    "fields",
    [
        {"refused_by": 1},
        {"refused_by": -1},
        {"refused_by": 0, "wait_ms": "soon"},
        {"refused_by": 0, "wait_ms": None},
        {"left": (1, 2)},
        {"left": ("much",)},
        {"left": (float("nan"),)},
        {"left": None},
    ],
    ids=str,
)
def test_a_reservation_that_cannot_be_is_no_answer(fields: dict[str, Any], state: Careless) -> None:
    link = StateLink(state)
    amount = requests(100)
    try:
        link.ask((Reserve("before", (amount,), LONG),))
        until(lambda: any(share.left for share in link._writer.fallback._shares.values()))
        state.spoil = lambda answers: changed(answers, Reservation, **fields)
        (answer,) = link.ask((Reserve("meanwhile", (amount,), LONG),))
        assert isinstance(answer, Reservation)
        assert (answer.refused_by, len(answer.left), link.away) == (None, 1, True)
    finally:
        state.spoil = None
        link.close()


def test_an_event_that_nobody_understands_does_not_end_the_looks(state: Careless) -> None:
    link = StateLink(state)
    learnt: list[Event] = []

    def learn(event: Event) -> None:
        learnt.append(event)
        assert event.name

    events = (Event("hold", (), 1, "", ""), Event("hold", ("leg",), 1, "", ""))
    state.spoil = lambda answers: changed(answers, Seen, events=events)
    try:
        link.listen(learn)
        until(lambda: len(learnt) >= 2 * len(events))
        assert [one.name for one in learnt[:2]] == [(), ("leg",)]
    finally:
        state.spoil = None
        link.close()
