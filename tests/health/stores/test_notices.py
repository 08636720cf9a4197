"""Events, members and probes with a clock that is passed in."""

from __future__ import annotations

import pytest

from g4f_lite.health.shared_state import BeginProbe, EndProbe, Event, Look, Tell
from g4f_lite.health.stores.notices import AGREE_MS, MEMBER_MS, MOST_EVENTS, Notices

NOON = 1_795_953_600_000


def said(name: str, left_ms: int, host: str = "") -> Tell:
    return Tell(Event("breaker", ("origin", name), left_ms, "ConnectionFailedError", "refused", host))


def lefts(notices: Notices, now: int, since: int = 0) -> dict[str, int]:
    return {event.name[-1]: event.left_ms for event in notices.look(Look(since, "me"), now).events}


@pytest.mark.parametrize(("after", "known"), [(0, True), (AGREE_MS - 1, True), (AGREE_MS, False)])
def test_a_second_host_must_agree_within_ten_seconds(after: int, known: bool) -> None:
    notices = Notices()
    notices.tell(said("a", 60_000, "one"), NOON)
    notices.tell(said("a", 1_000, "two"), NOON + after)
    assert lefts(notices, NOON + after) == ({"a": 60_000 - after} if known else {})


def test_a_host_that_says_it_again_is_heard_from_then_on() -> None:
    notices = Notices()
    notices.tell(said("a", 30_000, "one"), NOON)
    notices.tell(said("a", 30_000, "one"), NOON + 9_000)
    notices.tell(said("a", 5_000, "two"), NOON + 18_000)
    assert lefts(notices, NOON + 18_000) == {"a": 21_000}


def test_what_is_known_is_made_longer_by_agreement_only() -> None:
    notices = Notices()
    notices.tell(said("a", 5_000), NOON)
    notices.tell(said("a", 60_000, "one"), NOON + 1)
    assert lefts(notices, NOON + 1) == {"a": 4_999}
    notices.tell(said("a", 9_000, "two"), NOON + 2)
    assert lefts(notices, NOON + 2) == {"a": 59_999}


def test_what_a_host_said_long_ago_is_no_agreement() -> None:
    notices = Notices()
    notices.tell(said("a", 60_000), NOON)
    notices.tell(said("a", 100_000, "one"), NOON)
    notices.tell(said("a", 100_000, "two"), NOON + AGREE_MS)
    assert lefts(notices, NOON + AGREE_MS) == {"a": 50_000}


def test_what_is_over_when_it_is_told_says_nothing() -> None:
    notices = Notices()
    notices.tell(said("a", 60_000, "one"), NOON)
    notices.tell(said("a", 0, "two"), NOON)
    assert lefts(notices, NOON) == {}


def test_what_a_host_says_does_not_keep_an_event_alive() -> None:
    notices = Notices()
    notices.tell(said("a", 1_000), NOON)
    notices.tell(said("a", 1_000, "one"), NOON + 500)
    assert lefts(notices, NOON + 999) == {"a": 1}
    assert lefts(notices, NOON + 1_000) == {}


def test_members_are_those_who_looked_lately() -> None:
    notices = Notices()
    for at, member in ((0, "a"), (1_000, "b"), (MEMBER_MS - 1, "c")):
        seen = notices.look(Look(0, member), NOON + at)
    assert (seen.members, seen.place) == (3, 2)
    seen = notices.look(Look(0, "c"), NOON + MEMBER_MS)
    assert (seen.members, seen.place) == (2, 1)


def test_a_cursor_of_a_state_that_was_lost_misses_nothing() -> None:
    lost, new = Notices(), Notices()
    for index in range(100):
        lost.tell(said(f"{index}", 1_000), NOON)
    cursor = lost.look(Look(0, "me"), NOON).cursor
    new.tell(said("a", 1_000), NOON + 500)
    assert lefts(new, NOON + 500, cursor) == {"a": 1_000}


def test_notices_forget_what_is_over() -> None:
    notices = Notices()
    for index in range(500):
        now = NOON + index * 1_000
        notices.tell(said(f"{index}", 2_000), now)
        notices.tell(said(f"x{index}", 2_000, "one"), now)
        notices.look(Look(0, f"{index}"), now)
        notices.begin_probe(BeginProbe(f"{index}", "me", 2_000), now)
    assert len(notices._events) <= 2 + 11 and len(notices._members) <= 6 and len(notices._probes) <= 3
    for index in range(MOST_EVENTS + 10):
        notices.tell(said(f"{index}", 60_000 + index), now)
    assert len(notices._events) == MOST_EVENTS
    assert f"{MOST_EVENTS + 9}" in lefts(notices, now)


def test_the_end_of_a_probe_that_has_expired_frees_nobody_else() -> None:
    notices = Notices()
    assert notices.begin_probe(BeginProbe("leg", "a", 1_000), NOON)
    assert not notices.begin_probe(BeginProbe("leg", "b", 1_000), NOON + 999)
    assert notices.begin_probe(BeginProbe("leg", "b", 1_000), NOON + 1_000)
    notices.end_probe(EndProbe("leg", "a"), NOON + 1_001)
    assert not notices.begin_probe(BeginProbe("leg", "a", 1_000), NOON + 1_002)
