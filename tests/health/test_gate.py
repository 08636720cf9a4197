"""The line at a declared limit, without a state and without a clock."""

from __future__ import annotations

import time

import pytest

from g4f_lite import Budget, ChatRequest, Limits, OpenaiTemplate
from g4f_lite.health import places
from g4f_lite.health.estimates import MEDIUM_TOKENS, Estimate, estimate
from g4f_lite.health.gate import BACKSTOP_S, Gate
from g4f_lite.health.places import Ticket
from g4f_lite.health.quotas import Quotas
from g4f_lite.health.shared_state import NEVER, Reservation
from g4f_lite.health.sharing import SharedHealth
from g4f_lite.provider.leg import Leg
from g4f_lite.types.embeddings import EmbeddingRequest


def held(wait_s: float = 10.0, rate: float = 0.5) -> Gate:
    gate = Gate()
    gate.refused(0.0, wait_s, rate=rate, message="full")
    return gate


def stand(gate: Gate, count: int, now: float = 0.0) -> list[Ticket]:
    tickets = [Ticket() for _ in range(count)]
    for ticket in tickets:
        turn = gate.turn(ticket.number, now)
        assert turn is not None
        gate.join(ticket, turn.ask_at)
    return tickets


def test_a_gate_that_never_refused_lets_everybody_pass() -> None:
    assert Gate().turn(None, 0.0) is None


def test_only_the_first_in_line_asks_when_the_hold_is_over() -> None:
    gate = held()
    first, second, third = stand(gate, 3)
    assert gate.turn(first.number, 9.9) is not None
    assert gate.turn(first.number, 10.0) is None
    turn = gate.turn(third.number, 10.0)
    assert turn is not None and (turn.ahead, turn.rate) == (2, 0.0)
    assert turn.at == pytest.approx(14.0, abs=0.1)  # two more at half a request per second
    first.leave()
    assert gate.turn(second.number, 10.0) is None
    assert gate.turn(None, 10.0) is not None  # a new one comes last


def test_a_call_that_asks_is_passed_by_no_later_one() -> None:
    gate = held(1.0)
    first, second = stand(gate, 2)
    assert gate.turn(first.number, 1.0) is None
    first.leave([gate], asking_at=1.0)
    assert len(gate) == 2
    assert None not in (gate.turn(second.number, 1.0), gate.turn(None, 1.0))
    first.leave([gate])  # it has been given what it waited for
    assert (len(gate), gate.turn(second.number, 1.0)) == (1, None)


def test_a_call_that_gets_no_answer_holds_up_the_others_no_longer_than_one_that_does_not_come() -> None:
    gate = held(1.0)
    first, second = stand(gate, 2)
    first.leave([gate], asking_at=1.0)
    assert gate.turn(second.number, 1.0 + places.ABSENT_S) is not None
    gate.join(second, 1.1 + places.ABSENT_S)
    assert gate.turn(second.number, 1.1 + places.ABSENT_S) is None


def test_a_grant_wakes_as_many_as_there_is_room_for() -> None:
    gate = held()
    tickets = stand(gate, 4)
    woken: list[int] = []
    for number, ticket in enumerate(tickets):
        ticket.wake = lambda number=number: woken.append(number)  # type: ignore[misc]
    gate.granted(2)
    assert woken == [0, 1]
    assert [gate.turn(one.number, 10.0) is None for one in tickets] == [True, True, False, False]


def test_a_call_is_woken_once_until_it_asks() -> None:
    gate = held()
    (first,) = stand(gate, 1)
    woken: list[int] = []
    first.wake = lambda: woken.append(1)
    for _ in range(3):
        gate.granted(1)
    assert woken == [1]
    first.asks()
    gate.freed(1.0)
    assert woken == [1, 1]


def test_a_line_that_is_asked_does_not_forget_what_another_line_has_told() -> None:
    (one, other) = held(), held()
    (first,) = stand(one, 1)
    other.join(first, 1.0)
    one.freed(0.5)
    assert other.turn(first.number, 0.5) is not None
    assert first.woken
    first.leave()
    assert not first.woken


def test_who_gives_back_wakes_the_first_and_a_call_that_does_not_sleep_yet_is_not_forgotten() -> None:
    gate = held()
    first, second = stand(gate, 2)
    gate.freed(1.0)
    assert (first.woken, second.woken) == (True, False)
    assert gate.turn(first.number, 1.0) is None


def test_as_many_ask_at_once_as_have_given_back() -> None:
    gate = held()
    first, second, third = stand(gate, 3)
    gate.freed(1.0)
    assert gate.turn(first.number, 1.0) is None
    first.leave([gate], asking_at=1.0)
    gate.freed(1.0)
    assert second.woken and not third.woken
    assert (gate.turn(second.number, 1.0) is None, gate.turn(third.number, 1.0) is None) == (True, False)
    second.leave([gate], asking_at=1.0)
    gate.refused(1.1, 10.0, rate=0.5, message="full")  # others were faster
    gate.freed(1.2)
    assert [gate.turn(one.number, 1.2) is None for one in (first, second, third)] == [True, False, False]


def test_a_call_that_is_to_be_woken_asks_again_anyway_but_late() -> None:
    gate = held(1.0)
    _, second = stand(gate, 2)
    turn = gate.turn(second.number, 1.5)
    assert turn is not None and turn.ask_at == pytest.approx(1.5 + BACKSTOP_S, abs=0.01)


def test_a_call_that_does_not_come_loses_its_place() -> None:
    gate = held(1.0)
    first, second = stand(gate, 2)
    late = 1.0 + places.ABSENT_S + 0.1
    gate.join(second, late)
    assert gate.turn(second.number, late) is None
    assert len(gate) == 1
    assert first.lines == [gate]
    first.leave()  # of a line that it has lost its place in: no harm
    gate.clear()
    assert len(gate) == 0


def quotas(**limits: int) -> tuple[Quotas, Leg]:
    provider = OpenaiTemplate(name="here", api_base="http://127.0.0.1:1/v1", model_aliases={"short": "long-id"})
    return Quotas({"here": Limits(**limits)}, None), Leg(provider, "long-id")


def test_a_refusal_of_a_state_that_will_never_have_room_is_final() -> None:
    own, leg = quotas(rpm=1)
    reserve = own.reserve(leg, "a", Estimate(1), requests=1, lease_ms=1)
    assert reserve is not None
    refusal = own.answered(reserve, Reservation(refused_by=0, wait_ms=NEVER), 0.0)
    assert refusal is not None and refusal.final
    again = own.answered(reserve, Reservation(refused_by=0, wait_ms=100), 0.0)
    assert again is not None and not again.final
    assert own.answered(reserve, Reservation(left=(0,)), 0.2) is None


def test_who_is_refused_because_the_budget_is_spent_wakes_the_next_in_line() -> None:
    leg = Leg(OpenaiTemplate(name="groq", api_base="http://127.0.0.1:1/v1"), "openai/gpt-oss-120b")
    own = Quotas({}, Budget(usd=1))
    reserve = own.reserve(leg, "a", Estimate(1), requests=1, lease_ms=1)
    assert reserve is not None
    held = own.answered(reserve, Reservation(refused_by=0, wait_ms=50, held=True), 0.0)
    assert held is not None and not held.final
    first, second = stand(own.scopes["budget/default"].gate, 2)
    spent = own.answered(reserve, Reservation(refused_by=0, wait_ms=80_000_000), 0.01)
    assert spent is not None and spent.final
    assert (first.woken, second.woken) == (True, False)


def test_a_leg_that_nothing_limits_reserves_nothing() -> None:
    own, _ = quotas(rpm=1)
    other = Leg(OpenaiTemplate(name="there", api_base="http://127.0.0.1:1/v1"), "m")
    assert own.reserve(other, "a", Estimate(1), requests=1, lease_ms=1) is None


def test_requests_and_tokens_never_ask_for_more_than_the_limit() -> None:
    own, leg = quotas(rpm=1, tpm=100)
    reserve = own.reserve(leg, "a", Estimate(10**6, 10**6, 3), requests=2, lease_ms=1)
    assert reserve is not None and [one.amount for one in reserve.amounts] == [1, 100]


TEXT = {"role": "user", "content": "Grüße"}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:" + "x" * 10**6}}]}


def test_a_prompt_is_estimated_by_its_bytes() -> None:
    assert 7 <= estimate(ChatRequest(messages=(TEXT,))).prompt < 70
    assert MEDIUM_TOKENS <= estimate(ChatRequest(messages=(IMAGE,))).prompt < MEDIUM_TOKENS + 200
    assert estimate(ChatRequest(messages=(TEXT,), max_tokens=5, n=3)).completion(100) == 15
    assert estimate(ChatRequest(messages=(TEXT,), extra_body={"max_tokens": 9, "n": 2})).completion(100) == 18
    assert estimate(ChatRequest(messages=(TEXT,))).completion(100) == 100
    assert estimate(EmbeddingRequest(input=["one", "two"])) == Estimate(13, 0)


@pytest.mark.parametrize("is_freed", [False, True], ids=["", "somebody gives back meanwhile"])
@pytest.mark.parametrize("answer", ["given", "held by others", "never"])
def test_a_call_keeps_its_place_until_the_state_has_given_it_what_it_asks_for(answer: str, is_freed: bool) -> None:
    own, leg = quotas(parallel=1)
    health = SharedHealth(lambda: 0.5, time, own, lambda *commands: None, "")
    gate, now = own.scopes["leg/here"].gate, time.monotonic()
    first, later = stand_in(gate, now)
    assert health.admit(leg, now, ticket=first, number=1).error is None
    assert health.check(leg, now, ticket=later).error is not None
    assert health.check(leg, now).error is not None  # one that has just come
    if is_freed:
        gate.freed(now)
    told = {
        "given": Reservation(left=(0,)),
        "held by others": Reservation(refused_by=0, wait_ms=60_000, held=True),
        "never": Reservation(refused_by=0, wait_ms=NEVER),
    }[answer]
    commands = health.ask(leg, "a/1", Estimate(1), requests=1, remaining_s=1.0, probe=0)
    refusal = health.answered_by_state(leg, commands, [told], 1, first)
    stays = answer == "held by others"
    assert (refusal is None, len(gate), first.lines) == (answer == "given", 1 + stays, [gate] if stays else [])
    if stays:
        assert (health.check(leg, time.monotonic(), ticket=first).error is None) is is_freed
        assert health.check(leg, time.monotonic(), ticket=later).error is not None


def stand_in(gate: Gate, now: float) -> tuple[Ticket, Ticket]:
    first, later = Ticket(), Ticket()
    gate.join(first, now)
    gate.join(later, now)
    return first, later
