"""
What a link answers while its state is away, so that all processes together stay close to the limits.

Each process knows what was left at its last answer, and how many processes there are. As long as what was used before
may still count, it gives out its share of what was left, less what the others may have taken since; afterwards its
share of the limit. Of a limit that it has never been told of, it takes a sixteenth at most. Of a budget, the state
never gives out the last hundredth: the processes divide that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

from ..shared_state import NEVER, Amount, Answer, Command, Reservation, Reserve, Seen, Window
from .memory import MemoryState

GRACE = 100
"""Of a budget, one part in so many is kept for the time in which the state is away."""
MOST = 1 << 62
"""A limit that nobody reaches."""
UNKNOWN_MEMBERS = 16
"""Among how many a process divides a limit of which the state has never told it what is left."""
_ASK_AGAIN_MS = 1000
"""The state may be back then: it is asked once a second."""
_COUNTS_S: dict[Window, float] = {"parallel": 61.0, "minute": 61.0, "24h": 86_760.0}
"""How long after the last answer what was used before it may still count."""
_MOST_KNOWN = 10_000
_LATE_S = 15.0
"""Of so many seconds, the most processes that were seen at once."""
_KNOWN_S = 1.0
"""How long what is left of a limit is believed while the state answers that others hold another one, or have to tell
what they have used."""
_MOMENT_S = 0.02
"""How long ago an answer is at least."""

_Name = tuple[str, str, str]


class _Left(NamedTuple):
    """What is left of a limit, as the state has said."""

    amount: int
    at: float
    taken_by_others: float
    """How much they took in a second, of late."""


def _name(amount: Amount) -> _Name:
    return amount.scope, amount.unit, amount.window


def share_of(name: str) -> str:
    """Return the id under which a reservation of the state is taken from the share of this process."""
    return name + " share"


def without_grace(command: Reserve) -> Reserve:
    """Return what to ask the state for: of a budget, it gives out all but the part that is kept."""
    if command.when_down != "local" or all(amount.unit != "nano-usd" for amount in command.amounts):
        return command
    amounts = tuple(
        Amount(one.scope, one.unit, one.window, one.limit - one.limit // GRACE, one.amount)
        if one.unit == "nano-usd"
        else one
        for one in command.amounts
    )
    return Reserve(command.id, amounts, command.lease_ms, command.when_down, command.granted)


class Fallback:
    """Answers for a state that is away. Threads may share it."""

    def __init__(self) -> None:
        self._state = MemoryState()
        self._left: dict[_Name, _Left] = {}
        self._then: dict[_Name, _Left] = {}
        """The same, when the state went away. What the processes share is what was left then."""
        self._down_at = 0.0
        self._outage = 0
        self._carried: dict[_Name, int] = {}
        """Calls under way that the state has granted, when it went away."""
        self._seen: list[tuple[float, int]] = []
        """When the state was asked, of late, and how many processes there were."""
        self._place = UNKNOWN_MEMBERS - 1

    def note(self, command: Reserve, answer: Reservation, now: float) -> None:
        """Remember what the state said to what was sent at this time."""
        if answer.refused_by is not None:
            for index, amount in enumerate(command.amounts):
                old = self._left.get(_name(amount), _Left(0, 0.0, 0.0))
                if index == answer.refused_by or (answer.held and old.at < now - _KNOWN_S):
                    self._left[_name(amount)] = _Left(0, now, old.taken_by_others)
            return
        for amount, left in zip(command.amounts, answer.left, strict=bool(answer.left)):
            name, rate = _name(amount), 0.0
            if (known := self._left.get(name)) is not None:
                passed = now - known.at
                rate = known.taken_by_others * max(0.0, 1 - passed)
                if passed > 0:
                    rate = max(rate, (known.amount - left - amount.amount) / max(passed, _MOMENT_S))
            self._left[name] = _Left(left, now, rate)
            self._then.setdefault(name, self._left[name])
        while len(self._left) > _MOST_KNOWN:
            oldest = next(iter(self._left))
            del self._left[oldest]
            self._then.pop(oldest, None)

    def sending(self, now: float) -> None:
        """Remember when commands are sent: if they are not answered, the state was away by then."""
        self._down_at = now

    def saw(self, seen: Seen) -> bool:
        """Remember how many processes there are. Return whether this is the first time, and there are others."""
        now, is_first = time.monotonic(), not self._seen
        self._seen = [*(one for one in self._seen if one[0] > now - _LATE_S), (now, seen.members)]
        self._place = seen.place
        return is_first and seen.members > 1

    def members(self) -> int:
        """Return how many processes share the limits: the most of late, as a state that was away forgets some."""
        return max((members for _, members in self._seen), default=UNKNOWN_MEMBERS)

    def begin(self, under_way: Iterable[Reserve]) -> list[str]:
        """
        Begin a time in which the state is away, or others may have to tell it what they have used.

        Args:
            under_way: what the state has granted. When one of these calls ends, another one may begin.

        Returns:
            The ids of those calls.
        """
        ids = []
        self._outage += 1
        self._then, self._carried = dict(self._left), {}
        for command in under_way:
            calls = tuple(amount for amount in command.amounts if amount.window == "parallel")
            if calls:
                ids.append(command.id)
                own = tuple(self._own(amount, amount.limit) for amount in calls)
                self._state.execute((Reserve(command.id, own, command.lease_ms, granted=True),))
            for amount in calls:
                self._carried[_name(amount)] = self._carried.get(_name(amount), 0) + amount.amount
        return ids

    def go_on(self) -> None:
        """
        Go on with the same shares: the state is away again, before all have told it what they have used.

        What it has said since leaves out what the others used when it was away before. So what this process has used
        counts on, and of what was left then and what is left now the smaller amount holds.
        """
        for name, left in self._left.items():
            if (then := self._then.get(name)) is None or left.amount < then.amount:
                self._then[name] = left

    def answer(self, command: Command) -> Answer:
        """Answer in the place of the state."""
        if isinstance(command, Reserve):
            return self._reserve(command, command.id, [self._limit(one, command) for one in command.amounts])
        return self._state.execute((command,))[0]

    def share(self, command: Reserve) -> Reservation:
        """Take from the share of this process what the state is about to be asked for. It decides on the budget."""
        limits = [MOST if one.unit == "nano-usd" else self._limit(one, command) for one in command.amounts]
        return self._reserve(command, share_of(command.id), limits)

    def _own(self, amount: Amount, limit: int) -> Amount:
        """Return an amount of the share of this process: of a budget, for all its window; else for this outage."""
        is_grace = amount.unit == "nano-usd" and limit != MOST
        scope = amount.scope if is_grace else f"{amount.scope} {self._outage}"
        return Amount(scope, amount.unit, amount.window, limit, amount.amount)

    def _reserve(self, command: Reserve, name: str, limits: Iterable[int]) -> Reservation:
        amounts = tuple(self._own(one, limit) for one, limit in zip(command.amounts, limits, strict=True))
        (answer,) = self._state.execute((Reserve(name, amounts, command.lease_ms),))
        assert isinstance(answer, Reservation)
        if answer.refused_by is None:
            return answer
        wanted = command.amounts[answer.refused_by]
        if wanted.amount > wanted.limit:
            return Reservation(refused_by=answer.refused_by, wait_ms=NEVER)
        wait_ms = _ASK_AGAIN_MS if answer.wait_ms == NEVER else max(1, min(answer.wait_ms, _ASK_AGAIN_MS))
        return Reservation(refused_by=answer.refused_by, wait_ms=wait_ms, held=True)

    def _limit(self, amount: Amount, command: Reserve) -> int:
        """Return how much of a limit this process may use."""
        if amount.unit == "nano-usd":
            if command.when_down == "local":
                return self._share(amount.limit // GRACE)
            return MOST if command.when_down == "open" else 0
        name, now = _name(amount), time.monotonic()
        known = self._then.get(name)
        if known is None:
            return self._share(amount.limit, UNKNOWN_MEMBERS)
        if now - known.at > _COUNTS_S.get(amount.window, float("inf")):
            return self._share(amount.limit)
        if amount.window == "parallel":
            return self._share(known.amount) + self._carried.get(name, 0)
        return self._share(known.amount - self._taken_since(known, amount.amount))

    def _taken_since(self, known: _Left, each: int) -> int:
        """Return how much the others may have taken between this answer and the moment in which the state went away."""
        others = self.members() - 1
        if not others:
            return 0
        passed = max(0.0, self._down_at - known.at) + _MOMENT_S
        return others * each + ceil(known.taken_by_others * passed)

    def _share(self, total: int, among: int = 1) -> int:
        total, members = max(0, total), max(among, self.members())
        return total // members + (self._place < total % members)
