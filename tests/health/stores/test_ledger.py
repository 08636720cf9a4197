"""The ledger with a clock that is passed in: windows that roll over, and what `wait_ms` promises."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from helpers.states import LONG, PLENTY, calls, requests, usd
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.health.shared_state import NEVER, Amount, Renew, Reservation, Reserve, Settle, Window
from g4f_lite.health.stores.ledger import EXPIRED_MS, SETTLED_MS, Ledger

NOON = round(datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp() * 1000)  # a Sunday
MIDNIGHT = NOON + 43_200_000
DAY = 86_400_000


def used(ledger: Ledger, now: int, amount: Amount) -> tuple[int, int, int]:
    return ledger.used(amount.scope, now).get((amount.unit, amount.window), (0, 0, 0))


@pytest.mark.parametrize("window", ["day", "week"])
def test_a_budget_begins_anew_when_its_window_ends(window: Window) -> None:
    ledger = Ledger()
    amount = usd(60, 100, window=window)
    ledger.reserve(Reserve("a", (amount,), LONG), NOON)
    ledger.settle(Settle("a", (60,)), NOON)
    refused = ledger.reserve(Reserve("b", (amount,), LONG), NOON)
    assert refused == Reservation(refused_by=0, wait_ms=MIDNIGHT - NOON, held=False)
    assert ledger.reserve(Reserve("b", (amount,), LONG), MIDNIGHT - 1).wait_ms == 1
    assert ledger.reserve(Reserve("b", (amount,), LONG), MIDNIGHT).left == (40,)


@pytest.mark.parametrize("expires", [False, True])
def test_what_was_reserved_before_a_window_ended_counts_there(expires: bool) -> None:
    """However late it is settled: the new window has its whole limit, and never more."""
    ledger = Ledger()
    amount = usd(60, 100, window="day")
    ledger.reserve(Reserve("a", (amount,), 500 if expires else LONG), MIDNIGHT - 1000)
    assert ledger.reserve(Reserve("b", (usd(100, 100, window="day"),), LONG), MIDNIGHT).left == (0,)
    for now in (MIDNIGHT + 10, MIDNIGHT + 20):
        ledger.settle(Settle("a", (1,)), now)
        assert used(ledger, now, amount) == (0, 100, 0)
    assert ledger.reserve(Reserve("c", (usd(1, 100, window="day"),), LONG), MIDNIGHT + 30).held


def test_what_a_sliding_window_held_leaves_it_with_its_bucket() -> None:
    ledger = Ledger()
    amount = requests(1)
    ledger.reserve(Reserve("a", (amount,), 10 * LONG), NOON)
    assert ledger.reserve(Reserve("b", (amount,), LONG), NOON + 60_500).held
    assert ledger.reserve(Reserve("b", (amount,), LONG), NOON + 61_250).left == (0,)
    ledger.settle(Settle("a", (0,)), NOON + 61_300)
    ledger.settle(Settle("b", (1,)), NOON + 61_300)
    assert used(ledger, NOON + 61_300, amount) == (1, 0, 0)


@pytest.mark.parametrize("expires", [False, True])
def test_what_leaves_a_sliding_window_is_neither_held_nor_presumed_any_more(expires: bool) -> None:
    ledger = Ledger()
    ledger.reserve(Reserve("a", (requests(2),), 1_000 if expires else 10 * LONG), NOON)
    ledger.reserve(Reserve("b", (requests(2),), LONG), NOON + 30_000)
    ledger.settle(Settle("b", (1,)), NOON + 30_000)
    now = NOON + 61_250
    assert used(ledger, now - 1, requests()) == ((2, 0, 1) if expires else (1, 1, 0))
    assert used(ledger, now, requests()) == (1, 0, 0)
    refused = ledger.reserve(Reserve("c", (requests(2, amount=2),), LONG), now)
    assert refused == Reservation(refused_by=0, wait_ms=30_000, held=False)
    ledger.settle(Settle("a", (0,)), now)  # too late to matter
    assert used(ledger, now, requests()) == (1, 0, 0)


def test_who_waits_for_what_is_spent_does_not_wait_for_what_is_held() -> None:
    ledger = Ledger()
    ledger.reserve(Reserve("a", (requests(10, amount=5),), LONG), NOON)
    ledger.settle(Settle("a", (5,)), NOON)
    ledger.reserve(Reserve("b", (requests(10, amount=5),), LONG), NOON + 30_000)
    refused = ledger.reserve(Reserve("c", (requests(10, amount=6),), LONG), NOON + 30_000)
    assert refused == Reservation(refused_by=0, wait_ms=31_250, held=False)
    assert ledger.reserve(Reserve("c", (requests(10, amount=6),), LONG), NOON + 61_250).held


def test_more_than_was_reserved_counts_where_it_was_reserved() -> None:
    ledger = Ledger()
    amount = Amount("leg", "tokens", "minute", 100, 10)
    ledger.reserve(Reserve("a", (amount,), LONG), NOON)
    ledger.settle(Settle("a", (150,)), NOON + 30_000)
    refused = ledger.reserve(Reserve("b", (amount,), LONG), NOON + 30_000)
    assert (refused.held, refused.wait_ms) == (False, 31_250)
    assert ledger.reserve(Reserve("b", (amount,), LONG), NOON + 61_250).left == (90,)


asks = st.lists(
    st.tuples(
        st.integers(0, 8_000),  # ms since the last
        st.sampled_from(["minute", "24h", "day", "total", "parallel"]),
        st.integers(0, 12),  # amount, of a limit of 20
        st.integers(0, 14),  # what is used of it
        st.sampled_from([1, 500, 5_000, 100_000]),  # lease
        st.integers(0, 20_000),  # when it is settled
    ),
    max_size=60,
)


def play(ledger: Ledger, rows: list[tuple[int, Window, int, int, int, int]]) -> list[tuple[int, Window, int, int]]:
    """Reserve and settle; return time, window, and the most and the least that counts, of what was granted."""
    granted, settlements = [], []
    now = MIDNIGHT - 100_000
    for index, (passed, window, wanted, most, lease, late) in enumerate(rows):
        now += passed
        for at, one, amount in sorted(settlements):
            if at <= now:
                ledger.settle(Settle(one, (amount,)), at)
        settlements = [item for item in settlements if item[0] > now]
        amount = Amount("leg", "tokens", window, 20, wanted)
        answer = ledger.reserve(Reserve(f"{index}", (amount,), lease), now)
        if answer.refused_by is None:
            granted.append((now, window, wanted, min(wanted, most)))
            settlements.append((now + late, f"{index}", min(wanted, most)))
    return granted


@settings(deadline=None)
@given(asks)
def test_a_window_never_has_more_than_its_limit(rows: list[tuple[int, Window, int, int, int, int]]) -> None:
    granted = play(Ledger(), rows)
    for window, length in (("minute", 60_000), ("24h", DAY), ("total", 1 << 60)):
        for begin in [at for at, of, _, _ in granted if of == window]:
            within = [least for at, of, _, least in granted if of == window and begin <= at < begin + length]
            assert sum(within) <= 20
    days = [(at // DAY, least) for at, of, _, least in granted if of == "day"]
    for day in {number for number, _ in days}:
        assert sum(least for number, least in days if number == day) <= 20


@pytest.mark.no_cover
@settings(deadline=None)
@given(asks, st.integers(0, 25), st.sampled_from(["minute", "24h", "day", "total", "parallel"]))
def test_a_wait_is_exact(rows: list[tuple[int, Window, int, int, int, int]], amount: int, window: Window) -> None:
    """Just before it nothing is granted; after it something is, or what is in the way is held by others."""
    ledger = Ledger()
    play(ledger, rows)
    now = MIDNIGHT + 10_000_000 if len(rows) % 2 else MIDNIGHT + 500_000
    command = Reserve("x", (Amount("leg", "tokens", window, 20, amount),), LONG)
    answer = ledger.reserve(command, now)
    if answer.refused_by is None:
        return
    if answer.wait_ms == NEVER:
        assert not answer.held
        assert copy.deepcopy(ledger).reserve(command, now + 10 * 366 * DAY).wait_ms == NEVER
    elif not answer.held:
        assert answer.wait_ms > 0
        assert copy.deepcopy(ledger).reserve(command, now + answer.wait_ms - 1).refused_by == 0
        after = copy.deepcopy(ledger).reserve(command, now + answer.wait_ms)
        assert after.refused_by is None or after.held


@pytest.mark.no_cover
@pytest.mark.parametrize("call_ms", [50, 3_000, 20_000])
@pytest.mark.parametrize(("limit", "amount"), [(30, 1), (6_000, 700), (1_000_000, 1)])
def test_who_asks_as_told_reaches_nearly_the_limit(limit: int, amount: int, call_ms: int) -> None:
    """95 % of the limit in each minute, however long the calls take."""
    ledger, now, end = Ledger(), NOON, NOON + 20 * 60_000
    granted, number, open_calls = 0, 0, []
    while now < end:
        while open_calls and open_calls[0][0] <= now:
            at, one = open_calls.pop(0)
            ledger.settle(Settle(one, (amount,)), at)
        wanted = amount if limit < 1_000_000 else 10_000
        answer = ledger.reserve(Reserve(f"{number}", (Amount("leg", "tokens", "minute", limit, wanted),), LONG), now)
        if answer.refused_by is None:
            granted, number = granted + wanted, number + 1
            open_calls.append((now + call_ms, f"{number - 1}"))
            amount = wanted
        else:
            now += answer.wait_ms
    reachable = limit // wanted * wanted
    assert granted >= 0.95 * reachable * 20


def test_a_ledger_forgets_what_is_over() -> None:
    """Accounts of windows that are over, calls at once that are given back, ids that are settled or expired."""
    ledger, now = Ledger(), NOON
    for index in range(3000):
        now += 1_000
        scope = f"leg-{index}"
        amounts = (requests(5, scope), calls(5, scope), usd(0, 5, scope), usd(1, 5, scope, "day"))
        ledger.reserve(Reserve(f"{index}", amounts, 300_000), now)
        ledger.renew(Renew((f"{index}",), 300_000), now)
        if index % 10:
            ledger.settle(Settle(f"{index}", (1, 1, 0, 0)), now + 10)
    assert len(ledger._reserved) <= 61 + 310  # settled ones for a minute, expired ones for an hour
    ledger.settle(Settle("nobody", ()), now + 300_000)
    later = now + 300_000 + max(SETTLED_MS, EXPIRED_MS)
    ledger.reserve(Reserve("x", (), 1), later)
    assert len(ledger._reserved) == 1
    assert len(ledger._accounts) == 3000  # of the day
    ledger.reserve(Reserve("y", (), 1), later + DAY)
    assert len(ledger._accounts) == 0
    assert len(ledger._accounts._heap) < 100


@pytest.mark.parametrize("settled", [False, True])
def test_an_id_is_known_for_a_while(settled: bool) -> None:
    """A minute after it was settled, an hour after it has expired: so long a command may be sent again."""
    ledger = Ledger()
    command = Reserve("a", (usd(60, 1000),), 1)
    first = ledger.reserve(command, NOON)
    if settled:
        ledger.settle(Settle("a", (60,)), NOON)
    known = SETTLED_MS if settled else EXPIRED_MS
    if not settled:
        ledger.settle(Settle("nobody", ()), NOON + 1)
    assert ledger.reserve(command, NOON + known - 1) == first
    assert used(ledger, NOON + known - 1, usd(0))[0] == 60
    if not settled:
        ledger.settle(Settle("a", (7,)), NOON + known - 1)
        assert used(ledger, NOON + known - 1, usd(0))[0] == 7


def test_a_total_is_never_forgotten() -> None:
    ledger = Ledger()
    ledger.reserve(Reserve("a", (usd(60, 100),), 1), NOON)
    assert used(ledger, NOON + 1000 * DAY, usd(60)) == (60, 0, 60)
    assert ledger.reserve(Reserve("b", (usd(60, 100),), LONG), NOON + 2000 * DAY).wait_ms == NEVER


@pytest.mark.no_cover
def test_many_ids_take_bounded_memory_and_time() -> None:
    ledger = Ledger()
    for index in range(20_000):
        now = NOON + index * 10
        ledger.reserve(Reserve(f"{index}", (requests(PLENTY),), 300_000), now)
        ledger.settle(Settle(f"{index}", (1,)), now)
    assert len(ledger._reserved) <= 6_001  # those of a minute
    assert len(ledger._reserved._heap) <= 2 * 6_001 + 64
