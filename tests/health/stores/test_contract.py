"""What `health.shared_state` promises of every state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from helpers.states import (
    LONG,
    calls,
    do,
    in_use,
    let_end,
    look,
    new_id,
    requests,
    reserve,
    settle,
    tell,
    usd,
)

from g4f_lite.health.shared_state import NEVER, BeginProbe, EndProbe, Renew, Reservation, Reserve, Settle, SharedState

Another = Callable[[], SharedState]


def test_what_is_reserved_is_taken_from_all_limits(state: SharedState) -> None:
    answer = reserve(state, usd(30, 100), calls(2), requests(10))
    assert answer == Reservation(left=(70, 1, 9))


def test_all_or_nothing(state: SharedState) -> None:
    reserve(state, usd(80, 100))
    refused = reserve(state, requests(10), calls(2), usd(30, 100))
    assert refused.refused_by == 2 and refused.left == ()
    assert (in_use(state, requests()), in_use(state, calls()), in_use(state, usd(0))) == (0, 0, 80)


def test_the_last_of_a_limit_may_be_taken(state: SharedState) -> None:
    assert reserve(state, usd(60, 100)).left == (40,)
    assert reserve(state, usd(40, 100)).left == (0,)
    assert reserve(state, usd(1, 100)).refused_by == 0


def test_one_limit_twice_in_a_command_counts_twice(state: SharedState) -> None:
    assert reserve(state, usd(60, 100), usd(60, 100)).refused_by == 1
    assert in_use(state, usd(0)) == 0
    assert reserve(state, usd(40, 100), usd(60, 100)).left[1] == 0
    assert in_use(state, usd(0)) == 100


def test_limits_of_other_scopes_units_and_windows_are_others(state: SharedState) -> None:
    reserve(state, usd(100, 100))
    for other in (usd(100, 100, scope="team"), requests(100, "budget", "total"), usd(100, 100, window="month")):
        assert reserve(state, other).refused_by is None


def test_a_limit_may_be_lowered_and_raised(state: SharedState) -> None:
    reserve(state, usd(50, 100))
    assert reserve(state, usd(1, 40)).refused_by == 0
    assert reserve(state, usd(1, 51)).left == (0,)


def test_a_reservation_without_amounts_is_granted(state: SharedState) -> None:
    assert reserve(state) == Reservation()


def test_a_command_that_is_sent_twice_is_applied_once(state: SharedState) -> None:
    command = Reserve(new_id(), (usd(30, 100), calls(5)), LONG)
    first = do(state, command)
    reserve(state, usd(10, 100))
    assert do(state, command) == first
    assert in_use(state, usd(0)) == 40
    settle(state, command.id, 20, 1)
    settle(state, command.id, 30, 1)
    assert do(state, command) == first
    assert (in_use(state, usd(0)), in_use(state, calls())) == (30, 0)


def test_a_batch_that_is_sent_twice_is_applied_once(state: SharedState) -> None:
    batch = [Reserve("a", (usd(30, 100),), LONG), Settle("a", (10,)), Reserve("b", (usd(30, 100),), LONG)]
    assert state.execute(batch) == state.execute(batch)
    assert in_use(state, usd(0)) == 40


def test_commands_of_a_batch_are_applied_in_order(state: SharedState) -> None:
    first, _, second = state.execute([
        Reserve("a", (usd(100, 100),), LONG), Settle("a", (40,)), Reserve("b", (usd(60, 100),), LONG),
    ])  # fmt: skip
    assert first == second == Reservation(left=(0,))
    assert list(state.execute([])) == []


def test_a_refusal_leaves_nothing_behind(state: SharedState) -> None:
    reserve(state, usd(100, 100), id="first")
    assert reserve(state, usd(1, 100), id="again").refused_by == 0
    settle(state, "again", 1)
    settle(state, "first", 0)
    assert reserve(state, usd(1, 100), id="again").left == (99,)


@pytest.mark.parametrize(("used", "counted"), [((70,), 70), ((0,), 0), ((130,), 130), ((), 100), ((-5,), 0)])
def test_what_was_used_counts(state: SharedState, used: tuple[int, ...], counted: int) -> None:
    reserve(state, usd(100, 200), id="a")
    settle(state, "a", *used)
    assert in_use(state, usd(0)) == counted


def test_what_is_not_named_was_used_whole(state: SharedState) -> None:
    reserve(state, calls(1), usd(50, 100), requests(9), id="a")
    settle(state, "a", 1, 20)
    assert (in_use(state, calls()), in_use(state, usd(0)), in_use(state, requests())) == (0, 20, 1)


def test_an_unknown_id_is_settled_and_renewed_without_effect(state: SharedState) -> None:
    settle(state, "nobody", 100)
    do(state, Renew(("nobody",), LONG))
    assert in_use(state, usd(0)) == 0


def test_calls_at_once_are_given_back(state: SharedState) -> None:
    assert [reserve(state, calls(2), id=one).refused_by for one in "abc"] == [None, None, 0]
    for one in "abab":
        settle(state, one, 1)
    assert [reserve(state, calls(2)).refused_by for _ in range(3)] == [None, None, 0]


def test_held_is_what_others_may_give_back(state: SharedState) -> None:
    reserve(state, usd(80, 100), id="a")
    refused = reserve(state, usd(30, 100))
    assert refused.held and 0 < refused.wait_ms <= 1000
    settle(state, "a", 71)
    assert reserve(state, usd(30, 100)) == Reservation(refused_by=0, wait_ms=NEVER, held=False)


def test_spent_and_held_together_are_held_only_if_what_is_spent_leaves_room(state: SharedState) -> None:
    reserve(state, usd(50, 100), id="a")
    settle(state, "a", 50)
    reserve(state, usd(50, 100))
    assert reserve(state, usd(50, 100)).held
    assert reserve(state, usd(51, 100)) == Reservation(refused_by=0, wait_ms=NEVER, held=False)


def test_more_than_a_limit_is_never_granted(state: SharedState) -> None:
    for amount in (usd(101, 100), requests(4, amount=5), calls(0), usd(101, 100, window="day")):
        assert reserve(state, amount) == Reservation(refused_by=0, wait_ms=NEVER, held=False)


def test_of_several_refusals_the_longest_wait_counts(state: SharedState) -> None:
    reserve(state, calls(1), usd(100, 100), id="a")
    reserve(state, requests(1), id="b")
    settle(state, "b", 1)
    by_held = reserve(state, calls(1))
    by_minute = reserve(state, calls(1), requests(1))
    by_total = reserve(state, calls(1), requests(1), usd(101, 100))
    assert by_held.held and by_held.refused_by == 0
    assert not by_minute.held and by_minute.refused_by == 1 and by_minute.wait_ms > 1000
    assert by_total == Reservation(refused_by=2, wait_ms=NEVER, held=False)


def test_a_minute_is_over_sixty_seconds_after_the_reservation(state: SharedState) -> None:
    begun = time.monotonic()
    reserve(state, requests(1), id="a")
    reserved = time.monotonic()
    time.sleep(0.6)
    settle(state, "a", 1)
    asked = time.monotonic()
    answer = reserve(state, requests(1))
    passed_ms = (time.monotonic() - begun) * 1000
    assert not answer.held
    # From the reservation, not from the end of the call; a second more, because requests arrive late.
    assert answer.wait_ms + passed_ms >= 60_000 and answer.wait_ms + (asked - reserved) * 1000 <= 61_300


def test_a_wait_shrinks_as_time_passes(state: SharedState) -> None:
    reserve(state, requests(1), usd(100, 100, window="24h"), id="a")
    settle(state, "a", 1, 100)
    for amount in (requests(1), usd(1, 100, window="24h")):
        times = [time.monotonic()]
        first = reserve(state, amount).wait_ms
        times.append(time.monotonic())
        time.sleep(0.05)
        times.append(time.monotonic())
        second = reserve(state, amount).wait_ms
        times.append(time.monotonic())
        assert (times[2] - times[1]) * 1000 - 2 <= first - second <= (times[3] - times[0]) * 1000 + 2


def test_a_reservation_whose_lease_ends_is_presumed_spent(state: SharedState) -> None:
    _, refused = state.execute([Reserve("a", (usd(60, 100), calls(1)), 30), Reserve("b", (usd(60, 100),), LONG)])
    assert isinstance(refused, Reservation) and refused.held
    let_end(30)
    assert reserve(state, usd(60, 100)) == Reservation(refused_by=0, wait_ms=NEVER, held=False)
    assert in_use(state, usd(0)) == 60
    assert in_use(state, calls()) == 0
    assert reserve(state, calls(1)).refused_by is None


def test_what_is_presumed_is_seen(state: SharedState) -> None:
    if not hasattr(state, "used"):
        pytest.skip("this make does not show it")
    reserve(state, usd(60, 1000), calls(9), id="a", lease_ms=1)
    let_end(1)
    reserve(state, usd(5, 1000), calls(9, "budget"), id="b")
    assert state.used("budget") == {("nano-usd", "total"): (60, 5, 60), ("calls", "parallel"): (0, 1, 0)}
    settle(state, "a", 10, 1)
    settle(state, "b", 4, 1)
    assert state.used("budget")["nano-usd", "total"] == (14, 0, 0)
    assert all(used == (0, 0, 0) for used in state.used("leg").values())


@pytest.mark.parametrize(("used", "counted"), [(45, 45), (0, 0), (60, 60), (80, 80)])
def test_a_late_settlement_corrects_what_was_presumed(state: SharedState, used: int, counted: int) -> None:
    reserve(state, usd(60, 100), requests(9), calls(1), id="a", lease_ms=1)
    let_end(1)
    reserve(state, calls(1))
    for _ in range(2):
        settle(state, "a", used, 1, 1)
        assert in_use(state, usd(0)) == counted
        assert (in_use(state, requests()), in_use(state, calls())) == (1, 1)


def test_an_expired_reservation_is_known_if_it_is_sent_again(state: SharedState) -> None:
    first = reserve(state, usd(60, 100), id="a", lease_ms=1)
    let_end(1)
    assert reserve(state, usd(60, 100), id="a", lease_ms=1) == first
    assert in_use(state, usd(0)) == 60


def test_a_renewed_reservation_lives_on(state: SharedState) -> None:
    state.execute([
        Reserve("a", (usd(60, 100),), 30), Reserve("b", (usd(10, 100),), 30), Renew(("a", "unknown"), LONG),
    ])  # fmt: skip
    let_end(30)
    assert reserve(state, usd(40, 100)).held  # 10 of b are presumed spent, 60 of a are still held
    settle(state, "a", 0)
    assert in_use(state, usd(0)) == 10


def test_a_lease_may_be_made_shorter(state: SharedState) -> None:
    reserve(state, calls(1), id="a")
    do(state, Renew(("a",), 1))
    let_end(1)
    assert reserve(state, calls(1)).refused_by is None


def test_what_has_ended_is_not_renewed(state: SharedState) -> None:
    expired = reserve(state, calls(2), usd(10), id="expired", lease_ms=1)
    settled = reserve(state, calls(2), usd(10), id="settled")
    settle(state, "settled", 1, 3)
    let_end(1)
    do(state, Renew(("expired", "settled"), 1))
    let_end(1)
    assert (in_use(state, calls()), in_use(state, usd(0))) == (0, 13)
    # Nor are they forgotten sooner: what is sent again is not applied again, and what was presumed is corrected.
    assert reserve(state, calls(2), usd(10), id="expired") == expired
    assert reserve(state, calls(2), usd(10), id="settled") == settled
    settle(state, "expired", 1, 4)
    assert (in_use(state, calls()), in_use(state, usd(0))) == (0, 7)


def test_what_was_granted_elsewhere_is_recorded_even_without_room(state: SharedState) -> None:
    reserve(state, usd(90, 100))
    answer = reserve(state, usd(30, 100), id="a", granted=True)
    assert answer.refused_by is None
    assert in_use(state, usd(0)) == 120
    settle(state, "a", 5)
    assert in_use(state, usd(0)) == 95


def test_one_probes_at_a_time(state: SharedState) -> None:
    assert do(state, BeginProbe("leg", "a", LONG)) is True
    assert do(state, BeginProbe("leg", "a", LONG)) is True  # sent twice
    assert do(state, BeginProbe("leg", "b", LONG)) is False
    assert do(state, BeginProbe("other", "b", LONG)) is True
    assert do(state, EndProbe("leg", "b")) is None
    assert do(state, BeginProbe("leg", "b", LONG)) is False
    do(state, EndProbe("leg", "a"))
    do(state, EndProbe("leg", "a"))
    assert do(state, BeginProbe("leg", "b", LONG)) is True
    do(state, EndProbe("leg", "a"))
    assert do(state, BeginProbe("leg", "a", LONG)) is False


def test_a_probe_ends_with_its_lease(state: SharedState) -> None:
    do(state, BeginProbe("leg", "a", 30))
    let_end(30)
    assert do(state, BeginProbe("leg", "b", LONG)) is True
    assert do(state, BeginProbe("leg", "a", LONG)) is False


def test_events_are_seen_once_in_the_order_in_which_they_were_told(state: SharedState) -> None:
    tell(state, "a", error="QuotaExceededError", message="no money ☂", kind="breaker")
    tell(state, "b")
    seen = look(state)
    assert [event.name for event in seen.events] == [("groq", "a"), ("groq", "b")]
    first = seen.events[0]
    assert (first.kind, first.error, first.message) == ("breaker", "QuotaExceededError", "no money ☂")
    assert LONG - 5000 < first.left_ms <= LONG
    assert look(state, seen.cursor).events == ()
    tell(state, "c")
    later = look(state, seen.cursor)
    assert [event.name[-1] for event in later.events] == ["c"] and later.cursor > seen.cursor
    assert [event.name[-1] for event in look(state).events] == ["a", "b", "c"]


@pytest.mark.parametrize("lefts", [(LONG, 1000), (1000, LONG)])
def test_of_two_events_the_later_end_wins(state: SharedState, lefts: tuple[int, int]) -> None:
    for left, error in zip(lefts, ("RateLimitError", "ServerError"), strict=True):
        tell(state, "a", left, error=error)
    (event,) = look(state).events
    assert event.left_ms > 1000
    assert event.error == ("RateLimitError" if lefts[0] == LONG else "ServerError")


def test_an_event_that_ends_sooner_is_no_news(state: SharedState) -> None:
    tell(state, "a", LONG)
    cursor = look(state).cursor
    tell(state, "a", LONG - 5000)
    assert look(state, cursor).events == ()
    tell(state, "a", LONG, kind="breaker")
    assert [event.kind for event in look(state, cursor).events] == ["breaker"]


def test_an_event_is_over_when_it_ends(state: SharedState) -> None:
    tell(state, "a", 30)
    tell(state, "b", 0)
    tell(state, "c", -5)
    assert {event.name[-1] for event in look(state).events} <= {"a"}
    let_end(30)
    assert look(state).events == ()
    tell(state, "a", 1000)  # ends later than the first
    assert [event.name[-1] for event in look(state).events] == ["a"]


def test_what_one_host_says_is_known_when_a_second_one_agrees(state: SharedState) -> None:
    tell(state, "a", host="one")
    tell(state, "a", host="one")
    tell(state, "b", host="two")
    tell(state, "a", host="two", kind="breaker")
    assert look(state).events == ()
    tell(state, "a", 2000, host="two")
    (event,) = look(state).events
    assert event.name == ("groq", "a") and event.left_ms > 2000  # the later end


def test_what_any_machine_would_see_needs_no_second_host(state: SharedState) -> None:
    tell(state, "a", 1000, host="one")
    tell(state, "a", 5000)
    cursor = look(state).cursor
    assert [event.left_ms > 1000 for event in look(state).events] == [True]
    tell(state, "a", LONG, host="one")
    assert look(state, cursor).events == ()
    assert [event.left_ms <= 5000 for event in look(state).events] == [True]


def test_who_looks_is_a_member(state: SharedState) -> None:
    assert [look(state, member=one).members for one in "abca"] == [1, 2, 3, 3]
    assert [look(state, member=one).place for one in "abc"] == [0, 1, 2]


def test_another_client_sees_the_same(another: Another) -> None:
    one, two = another(), another()
    reserve(one, usd(60, 100), calls(1), id="a")
    assert reserve(two, usd(60, 100)).held
    settle(two, "a", 10, 1)
    assert reserve(one, usd(90, 100), calls(1)).left == (0, 0)
    tell(one, "a")
    assert [event.name[-1] for event in look(two).events] == ["a"]
    assert do(one, BeginProbe("leg", "a", LONG)) is True
    assert do(two, BeginProbe("leg", "b", LONG)) is False


def test_a_wait_ends_when_something_is_told(another: Another) -> None:
    one, two = another(), another()
    cursor = look(one).cursor
    two.wait(0.01)
    heard: list[bool] = []

    def listen() -> None:
        end = time.monotonic() + 20
        while not heard and time.monotonic() < end:  # a wait may end without news
            one.wait(20)
            if look(one, cursor).events:
                heard.append(True)

    listener = threading.Thread(target=listen)
    listener.start()
    time.sleep(0.1)
    told = time.monotonic()
    tell(two)
    listener.join(20)
    assert heard and time.monotonic() - told < 10  # the test of each make has its own bound


def test_what_was_told_before_a_wait_ends_it(another: Another) -> None:
    one, two = another(), another()
    look(one)
    one.wait(0.01)
    tell(two)
    begun = time.monotonic()
    one.wait(20)
    assert time.monotonic() - begun < 10


def test_a_wait_without_news_takes_its_time_and_close_ends_it(state: SharedState) -> None:
    look(state)
    state.wait(0)
    begun = time.monotonic()
    state.wait(0.1)
    assert time.monotonic() - begun >= 0.09
    waiting = threading.Thread(target=state.wait, args=(20,))
    waiting.start()
    end = time.monotonic() + 10
    while waiting.is_alive() and time.monotonic() < end:
        state.close()  # the one before may have come before the wait
        waiting.join(0.1)
    assert not waiting.is_alive()
    look(state)  # it may be used again
    state.wait(0)
    begun = time.monotonic()
    state.wait(0.1)
    assert time.monotonic() - begun >= 0.09
    state.close()


def test_names_may_be_any_text(state: SharedState) -> None:
    odd = ["a b", "a\nb", "ünï ☂", "a:b{c}", "", "'; --", "a|b", "x" * 2000]
    for index, scope in enumerate(odd):
        assert reserve(state, usd(index + 1, 100, scope), id=scope + "!").left == (99 - index,)
        assert do(state, BeginProbe(scope, "a", LONG)) is True
        tell(state, scope, message=scope)
    assert [in_use(state, usd(0, scope=scope)) for scope in odd] == list(range(1, len(odd) + 1))
    assert [event.message for event in look(state).events] == odd


def test_half_a_surrogate_pair_is_no_mistake(state: SharedState) -> None:
    half = "half \ud83d"
    reserve(state, usd(60, 100, half), id=half)
    settle(state, half, 50)
    assert in_use(state, usd(0, scope=half)) == 50
    assert do(state, BeginProbe(half, half, LONG)) is True
    assert do(state, BeginProbe(half, "other", LONG)) is False
    tell(state, half, message=half)
    assert len(look(state, member=half).events) == 1


def test_large_amounts_are_exact(state: SharedState) -> None:
    most = (1 << 53) - 1  # nine million USD
    assert reserve(state, usd(most - 1, most), id="a").left == (1,)
    assert reserve(state, usd(2, most)).held
    settle(state, "a", most - 3)
    assert reserve(state, usd(3, most)).left == (0,)


def test_what_is_no_command_is_refused(state: SharedState) -> None:
    with pytest.raises(TypeError, match="commands"):
        state.execute(["reserve"])  # type: ignore[list-item]
    assert reserve(state, usd(1, 1)).left == (0,)
