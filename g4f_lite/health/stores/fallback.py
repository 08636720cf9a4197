"""
What a link answers while its state is away, so that all processes together keep to the limits.

Of each rate, the state keeps a share free for each process that declares it: half of what is left, divided between
them. While the state is away, each process gives out its share; for each of its calls that ends, another one may begin.
After a minute, when nothing counts any more that was used before, it gives out its part of three quarters of the limit.

A process that begins meanwhile has no share, and knows nothing of others. It waits a moment for the state; then it
guesses that it is one of four, and takes a quarter. So four that begin while there is no state keep to a limit; after a
minute one has room beside those that were there.

Of a budget, the state never gives out the last hundredth, the *grace*. That is a limit of its own, which is divided in
the same way, with three quarters for those that are known: what one that is killed has not told is not used twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

from msgspec.structs import replace

from ..shared_state import NEVER, Amount, Answer, Command, Reservation, Reserve, Seen, Settle, WhenDown, Window
from .memory import MemoryState

GRACE = 100
"""Of a budget, one part in so many is kept for the time in which the state is away."""
MOST = 1 << 62
"""A limit that nobody reaches."""
GUESSED = 4
"""A process that has never reached the state guesses that there are so many."""
PAUSE_S, RESTART_S = 3.0, 0.5
"""How long it waits before it guesses: for a state that is there and does not answer, and for one that is not there."""
_ASK_AGAIN_MS = 1000
"""The state may be back then: it is asked once a second."""
COUNTS_S: dict[Window, float] = {"parallel": 61.0, "minute": 61.0, "24h": 86_760.0}
"""How long after the last answer what was used before it may still count."""
_MONEY = ("nano-usd", "grace")
_MOST_SHARES = 1_000
_LATE_S = 15.0
"""Of so many seconds, the most processes that were seen at once."""

_Name = tuple[str, str, str]


@dataclass(slots=True)
class _Share:
    """What a process may give out of one limit. The state keeps free for it `left` and `unrecorded`, or more."""

    amount: Amount
    left: int = 0
    unrecorded: int = 0
    """What it has given out, and the state has not recorded."""
    returned: int = 0
    """Calls that the state granted and that have ended: it does not know, so that others may take their place."""
    is_known: bool = False
    """The state has said how much it is."""


class _Given(NamedTuple):
    """What a reservation has taken of a share."""

    place: int
    """Of the amount in its command."""
    share: _Share
    left: int
    unrecorded: int
    returned: int


def _name(amount: Amount) -> _Name:
    return amount.scope, amount.unit, amount.window


def grace(amount: Amount) -> Amount:
    """Return an amount of a budget as one of its last hundredth."""
    return Amount(amount.scope, "grace", amount.window, amount.limit // GRACE, amount.amount)


def is_local(amount: Amount, when_down: WhenDown) -> bool:
    """Return whether it is one of a budget of which a small part may be spent while the state is away."""
    return amount.unit == "nano-usd" and when_down == "local"


def given_out(amount: Amount, when_down: WhenDown = "local") -> Amount:
    """Return an amount with the limit that the state is to keep to: it gives out all but what is kept for outages."""
    if amount.unit == "nano-usd":
        kept = amount.limit // GRACE if is_local(amount, when_down) else 0
        return replace(amount, limit=amount.limit - kept) if kept else amount
    if amount.unit == "grace":
        return replace(amount, limit=amount.limit - amount.limit // 4)
    return amount


def without_grace(command: Reserve) -> Reserve:
    """Return what to ask the state for."""
    amounts = tuple(given_out(amount, command.when_down) for amount in command.amounts)
    if all(new is old for new, old in zip(amounts, command.amounts, strict=True)):
        return command
    return Reserve(command.id, amounts, command.lease_ms, command.when_down, command.granted)


def as_granted(command: Reserve) -> Reserve:
    """Return what to tell the state of a reservation that it has not made."""
    graces = tuple(grace(amount) for amount in command.amounts if is_local(amount, command.when_down))
    return Reserve(command.id, command.amounts + graces, command.lease_ms, command.when_down, granted=True)


class Fallback:
    """Answers for a state that is away. Threads may share it."""

    def __init__(self) -> None:
        self._state = MemoryState()
        self._lock = threading.RLock()  # a finalizer may end a call at any moment
        self._shares: dict[_Name, _Share] = {}
        self._given: dict[str, list[_Given]] = {}
        """By reservation, until the state has recorded it."""
        self._outage = 0
        self._takes_back = False
        """Nothing is sent to the state until it answers a look."""
        self._seen: list[tuple[float, int]] = []
        """When the state was asked, of late, and how many processes there were."""
        self._place = 0
        self._began: float | None = None
        """When it first answered, if that was before the state did."""
        self._guesses_at = inf
        """From when on a part is given out of limits of which the state has said nothing."""

    # -- while the state answers -----------------------------------------------------------

    def note(self, amounts: Iterable[Amount], when_down: WhenDown = "local") -> None:
        """Remember which limits are used."""
        for amount in amounts:
            if amount.unit == "nano-usd":
                if when_down == "local":
                    self.note((grace(amount),))
                continue
            share = self._shares.get(name := _name(amount))
            if share is not None:
                share.amount = amount
            elif len(self._shares) < _MOST_SHARES:
                self._shares[name] = _Share(amount)

    def shares(self) -> tuple[Amount, ...]:
        """Return what the state is to keep free for this process."""
        found = []
        with self._lock:
            for share in list(self._shares.values()):
                one, kept = given_out(share.amount), share.left + share.unrecorded
                if self._is_over(one.window):
                    kept = max(kept, self._part(share.amount.limit))
                found.append(replace(one, amount=min(kept, one.limit)))
        return tuple(found)

    def saw(self, seen: Seen, asked: Sequence[Amount]) -> bool:
        """
        Remember what the state said to a look. Return whether it waits for a share to be given back.

        Args:
            asked: what it was to keep free.
        """
        now = time.monotonic()
        self._seen = [*(one for one in self._seen if one[0] > now - _LATE_S), (now, seen.members)]
        self._place = seen.place
        wanted = False
        with self._lock:
            for amount, kept in zip(asked, seen.shares, strict=False):
                share = self._shares[_name(amount)]
                share.is_known = True
                if kept >= amount.amount:
                    share.left += kept - amount.amount
                else:
                    share.left = max(0, min(share.left, kept - share.unrecorded))
                    wanted |= kept == 0
        return wanted

    def members(self) -> int:
        """Return how many processes share the limits: the most of late, as a state that was away forgets some."""
        return max((members for _, members in self._seen), default=1)

    def recorded(self, commands: Iterable[Command]) -> None:
        """Learn what the state knows now, or never will."""
        with self._lock:
            for command in commands:
                if isinstance(command, Reserve) and command.granted:
                    for given in self._given.pop(command.id, ()):
                        given.share.unrecorded -= given.unrecorded

    # -- while it is away ------------------------------------------------------------------

    def begin(self, under_way: Iterable[Reserve], *, is_there: bool) -> list[str]:
        """
        Begin a time in which nothing is sent to the state but looks.

        Args:
            under_way: what the state has granted. When one of these calls ends, another one may begin.
            is_there: it may be busy or paused; else nobody can reach it.

        Returns:
            The ids of those calls.
        """
        with self._lock:
            self._outage += 1
            self._takes_back = True
            self._guesses_at = min(self._guesses_at, time.monotonic() + (PAUSE_S if is_there else RESTART_S))
        ids = []
        for command in under_way:
            calls = tuple(self._own(one, MOST) for one in command.amounts if one.window == "parallel")
            if calls and self._state.execute((Reserve(command.id, calls, command.lease_ms, granted=True),)):
                ids.append(command.id)
        return ids

    def end(self) -> None:
        """The state answers: it is about to be told which calls have ended, and others may take their place."""
        with self._lock:
            self._takes_back = False
            self._guesses_at = inf
            for share in self._shares.values():
                share.returned = 0

    @property
    def was_long(self) -> bool:
        """Whether the state has been away for so long that a process has gone on with its part of a limit."""
        return self._is_over("minute")

    def answer(self, command: Command) -> Answer:
        """Answer in the place of the state."""
        if self._began is None and not self._seen:
            self._began = time.monotonic()
            self._guesses_at = min(self._guesses_at, self._began + PAUSE_S)
        if isinstance(command, Reserve):
            with self._lock:
                return self._reserve(command)
        return self._state.execute((command,))[0]

    def settle(self, command: Settle, granted: Reserve | None) -> None:
        """
        End a reservation that this has made, or knew of.

        Args:
            granted: what the state has granted; None if it has not.
        """
        self._state.execute((command,))
        with self._lock:
            if (given := self._given.get(command.id)) is not None:
                self._given[command.id] = []
                for one in given:
                    if one.share.amount.window == "parallel":
                        back = one.unrecorded
                        one.share.returned += one.returned * self._takes_back
                    else:  # the state is told what was used, and no more
                        used = command.used[one.place] if one.place < len(command.used) else one.unrecorded
                        back = max(0, one.unrecorded - used)
                        self._given[command.id].append(one._replace(unrecorded=one.unrecorded - back))
                    one.share.left += min(back, one.left)
                    one.share.unrecorded -= back
            elif granted is not None and self._takes_back:
                for amount in granted.amounts:
                    if amount.window == "parallel" and (known := self._shares.get(_name(amount))) is not None:
                        known.returned += amount.amount

    def _reserve(self, command: Reserve) -> Reservation:
        self.note(command.amounts, command.when_down)
        asked = [grace(one) if is_local(one, command.when_down) else one for one in command.amounts]
        limits, taken = [], dict[_Name, int]()
        for index, amount in enumerate(asked):
            if (limit := self._limit(amount, command)) is None:
                share, name = self._shares[_name(amount)], _name(amount)
                taken[name] = taken.get(name, 0) + amount.amount
                if taken[name] > share.left + share.returned:
                    return _refused(command, index, _ASK_AGAIN_MS)
            limits.append(limit)
        amounts = tuple(
            self._own(one, MOST if limit is None else limit) for one, limit in zip(asked, limits, strict=True)
        )
        (answer,) = self._state.execute((Reserve(command.id, amounts, command.lease_ms),))
        assert isinstance(answer, Reservation)
        if answer.refused_by is not None:
            left_s = self._guesses_at - time.monotonic()
            if limits[answer.refused_by] == 0 and left_s > 0 and asked[answer.refused_by].unit not in _MONEY:
                return replace(_refused(command, answer.refused_by, ceil(min(left_s, 1) * 1000)), waits=True)
            return _refused(command, answer.refused_by, answer.wait_ms)
        given = self._given[command.id] = []
        for index, (amount, limit) in enumerate(zip(asked, limits, strict=True)):
            if (known := self._shares.get(_name(amount))) is not None:
                returned = min(known.returned, amount.amount) if limit is None else 0
                unrecorded = amount.amount - returned
                left = unrecorded if limit is None else 0
                known.left, known.returned, known.unrecorded = (
                    known.left - left,
                    known.returned - returned,
                    known.unrecorded + unrecorded,
                )
                given.append(_Given(index, known, left, unrecorded, returned))
        return answer

    def _own(self, amount: Amount, limit: int) -> Amount:
        """Return an amount of the part of this process; calls at once are those of this outage."""
        scope = f"{amount.scope} {self._outage}" if amount.window == "parallel" else amount.scope
        return Amount(scope, amount.unit, amount.window, limit, amount.amount)

    def _limit(self, amount: Amount, command: Reserve) -> int | None:
        """Return how much of a limit this process may use; None for its share."""
        if amount.unit == "nano-usd":
            return MOST if command.when_down == "open" else 0
        if self._seen and self._is_over(amount.window):
            return self._part(amount.limit)
        share = self._shares.get(_name(amount))
        if share is not None and share.is_known:
            return None
        if amount.unit == "grace":
            return amount.limit // 4 // GUESSED
        if time.monotonic() < self._guesses_at:
            return 0
        part = self._part(amount.limit)
        return part if self._seen else max(part, min(amount.amount, amount.limit))  # a large call goes alone

    def _is_over(self, window: Window) -> bool:
        """Return whether nothing counts any more that was used before the last answer of the state."""
        since = self._seen[-1][0] if self._seen else self._began
        return since is not None and time.monotonic() - since > COUNTS_S.get(window, inf)

    def _part(self, total: int) -> int:
        """Return the part of this process in what nobody else has used: three quarters are for those that are known."""
        if not self._seen:
            return max(1, total // GUESSED)
        known, members = total - total // 4, self.members()
        return known // members + (self._place < known % members)


def _refused(command: Reserve, index: int, wait_ms: int) -> Reservation:
    wanted = command.amounts[index]
    if wanted.amount > wanted.limit:
        return Reservation(refused_by=index, wait_ms=NEVER)
    wait_ms = _ASK_AGAIN_MS if wait_ms == NEVER else max(1, min(wait_ms, _ASK_AGAIN_MS))
    return Reservation(refused_by=index, wait_ms=wait_ms, held=True)
