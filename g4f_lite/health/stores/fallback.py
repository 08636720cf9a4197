"""
What a link answers while its state is away, so that all processes together stay within the limits.

Each process knows what was left at its last answer, and how many processes there are. As long as what was used before
may still count, it gives out its share of what was left; afterwards its share of the limit. Of a budget, the state
never gives out the last hundredth: the processes divide that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..shared_state import NEVER, Amount, Answer, Command, Reservation, Reserve, Seen, Window
from .memory import MemoryState

GRACE = 100
"""Of a budget, one part in so many is kept for the time in which the state is away."""
UNKNOWN_MEMBERS = 16
"""Among how many a process divides that has never reached the state."""
_ASK_AGAIN_MS = 1000
"""The state may be back then: it is asked once a second."""
_COUNTS_S: dict[Window, float] = {"parallel": 61.0, "minute": 61.0, "24h": 86_760.0}
"""How long after the last answer what was used before it may still count."""
_MOST_KNOWN = 10_000
_LOOKS = 16

_Name = tuple[str, str, str]


def _name(amount: Amount) -> _Name:
    return amount.scope, amount.unit, amount.window


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
        self._left: dict[_Name, tuple[int, float]] = {}
        """Of each limit, what the state said was left, and when."""
        self._carried: dict[_Name, int] = {}
        """Calls under way that the state has granted, when it went away."""
        self._members = [UNKNOWN_MEMBERS]
        self._place = UNKNOWN_MEMBERS - 1

    def note(self, command: Reserve, answer: Reservation) -> None:
        """Remember what the state said."""
        now = time.monotonic()
        if answer.refused_by is not None:
            self._left[_name(command.amounts[answer.refused_by])] = 0, now
            return
        for amount, left in zip(command.amounts, answer.left, strict=True):
            self._left[_name(amount)] = left, now
        while len(self._left) > _MOST_KNOWN:
            self._left.pop(next(iter(self._left)), None)

    def saw(self, seen: Seen) -> None:
        """Remember how many processes there are; the most of late, as a state that was away has forgotten some."""
        self._members = [*([] if UNKNOWN_MEMBERS in self._members else self._members)[1 - _LOOKS :], seen.members]
        self._place = seen.place

    def carry(self, under_way: Iterable[Reserve]) -> list[str]:
        """Take over calls that the state has granted: when one ends, another may begin. Return their ids."""
        ids = []
        self._carried = {}
        for command in under_way:
            calls = tuple(amount for amount in command.amounts if amount.window == "parallel")
            if calls:
                self._state.execute((Reserve(command.id, calls, command.lease_ms, granted=True),))
                ids.append(command.id)
            for amount in calls:
                self._carried[_name(amount)] = self._carried.get(_name(amount), 0) + amount.amount
        return ids

    def answer(self, command: Command) -> Answer:
        """Answer in the place of the state."""
        if isinstance(command, Reserve):
            return self._reserve(command)
        return self._state.execute((command,))[0]

    def _reserve(self, command: Reserve) -> Reservation:
        amounts = tuple(
            Amount(one.scope, one.unit, one.window, self._limit(one, command), one.amount) for one in command.amounts
        )
        (answer,) = self._state.execute((Reserve(command.id, amounts, command.lease_ms),))
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
            return amount.limit if command.when_down == "open" else 0
        name = _name(amount)
        left, at = self._left.get(name, (0, float("-inf")))
        if time.monotonic() - at < _COUNTS_S.get(amount.window, float("inf")):
            return self._share(max(0, left)) + self._carried.get(name, 0)
        return self._share(amount.limit)

    def _share(self, total: int) -> int:
        members = max(self._members)
        return total // members + (self._place < total % members)
