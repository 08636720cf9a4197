"""
The line at a declared limit: the calls that wait for room, first come first served.

Rule: as in `places.py`. Only the shared state knows how much room there is; a gate knows when to ask it again.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf

from .places import SHORTEST_WAIT_S, Places, Turn

POLL_S = 0.005
"""How soon the first in line asks again for what other calls hold; the others ask later, by their place."""
LONGEST_POLL_S = 0.1
FREED_POLL_S = 0.25
"""How soon a call asks again whose turn is far away: a call under way may give back what it does not use."""


class Gate(Places):
    """The line at the limits of one name."""

    __slots__ = ("_held", "_held_until", "_rate", "_room", "message")

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        """What the calls wait for."""
        self._held_until = -inf
        self._held = False
        """Whether other calls hold what is missing, so that nobody knows when there is room."""
        self._rate = inf
        """The requests per second that the limit allows in the long run."""
        self._room = 1
        """How many calls may ask at once without passing others."""

    def turn(self, number: int | None, now: float) -> Turn | None:
        """
        Return when a call may ask the state; None for now.

        Args:
            number: of the call's ticket; None for a call that would come last.
        """
        if self._waiting:
            self._remove_absent(now)
        ahead = len(self._waiting) if number is None else bisect_left(self._waiting, number)
        late = max(0, ahead + 1 - self._room)
        if now >= self._held_until and not late:
            return None
        soon = now + SHORTEST_WAIT_S
        start = max(soon, self._held_until)
        at = start + late / self._rate
        if self._held or now >= self._held_until:
            ask_at = now + min(LONGEST_POLL_S, POLL_S * (ahead + 1))
        else:
            ask_at = min(at, now + max(FREED_POLL_S, (at - now) / 16))
        return Turn(at=max(at, soon), ask_at=max(ask_at, soon), first_at=start, rate=0.0, ahead=ahead, line=self)

    def granted(self, room: int) -> None:
        """Record that a call was let through, and how many like it may follow."""
        self._room = max(1, room)

    def refused(self, now: float, wait_s: float, *, held: bool, rate: float, message: str) -> None:
        """Record that there was no room: nobody asks before this wait is over."""
        self._held_until, self._held = now + max(wait_s, SHORTEST_WAIT_S), held
        self._rate, self._room, self.message = rate, 1, message

    def freed(self, now: float) -> None:
        """Record that a call has given back what it held: the first in line may ask at once."""
        self._held_until = min(self._held_until, now)
        self._room += 1
