"""
The line at a declared limit: the calls that wait for room, first come first served.

Rule: as in `places.py`. Only the shared state knows how much room there is; a gate knows when to ask it again.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf

from .places import SHORTEST_WAIT_S, Places, Ticket, Turn

BACKSTOP_S = 1.0
"""How soon a call asks again that is to be woken: whoever should wake it may have been interrupted."""


class Gate(Places):
    """The line at the limits of one name."""

    __slots__ = ("_held_until", "_rate", "_room", "_tickets", "message")

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        """What the calls wait for."""
        self._held_until = -inf
        self._rate = inf
        """The requests per second that the limit allows in the long run."""
        self._room = 0
        """For how many calls there seems to be room, those that ask the state now included. One may always ask."""
        self._tickets: dict[int, Ticket] = {}

    def join(self, ticket: Ticket, ask_at: float) -> None:
        super().join(ticket, ask_at)
        self._tickets[ticket.number] = ticket
        if ticket.woken is None:
            ticket.woken = False

    def leave(self, number: int) -> None:
        super().leave(number)
        self._tickets.pop(number, None)

    def clear(self) -> None:
        super().clear()
        self._tickets.clear()

    def stays(self, number: int, now: float) -> bool:
        """Keep the place of a call that asks the state, so that no later one gets there first."""
        self._ask_at[number] = now
        return True

    def turn(self, number: int | None, now: float) -> Turn | None:
        """
        Return when a call may ask the state; None for now.

        Args:
            number: of the call's ticket; None for a call that would come last.
        """
        if self._waiting:
            self._remove_absent(now)
        ahead = len(self._waiting) if number is None else bisect_left(self._waiting, number)
        late = max(0, ahead + 1 - max(1, self._room))
        if now >= self._held_until and not late:
            return None
        start = max(now + SHORTEST_WAIT_S, self._held_until)
        at = start + late / self._rate
        ask_at = start + BACKSTOP_S if late else start
        return Turn(at=at, ask_at=ask_at, first_at=start, rate=0.0, ahead=ahead, line=self)

    def granted(self, room: int) -> None:
        """Record that a call was let through, and how many like it may follow."""
        self._room = room
        self._wake()

    def refused(self, now: float, wait_s: float, *, rate: float, message: str) -> None:
        """Record that there was no room: nobody asks before this wait is over."""
        self._held_until = now + max(wait_s, SHORTEST_WAIT_S)
        self._rate, self._room, self.message = rate, 0, message

    def freed(self, now: float) -> None:
        """Record that a call has given back what it held: one more of the line may ask at once."""
        self._held_until = min(self._held_until, now)
        self._room += 1
        self._wake()

    def moved_up(self) -> None:
        self._wake()

    def _wake(self) -> None:
        for number in self._waiting[: max(1, self._room)]:
            ticket = self._tickets[number]
            if not ticket.woken:  # else it is about to ask
                ticket.woken = True
                if (wake := ticket.wake) is not None:
                    wake()
