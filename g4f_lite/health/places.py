"""
The places of the calls that wait for their turn, first come first served.

Rule: nothing here waits or reads a clock; times are monotonic seconds and are passed in. `Health` holds the lock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection
from itertools import count
from math import inf
from typing import NamedTuple

ABSENT_S = 1.0
"""How late a call may be for its turn. Then it loses its place until it asks again."""
SHORTEST_WAIT_S = 0.001

_numbers = count(1)


class Ticket:
    """The place of one call in all its lines. Lower numbers come first."""

    __slots__ = ("lines", "number", "wake", "woken")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.lines: list[Places] = []
        self.woken: bool | None = None
        """Whether it may be its turn before it asks again; None if none of its lines can tell."""
        self.wake: Callable[[], None] | None = None
        """Ends its wait; set while it waits."""

    def asks(self) -> None:
        """Record that the call asks now for its turn: from here on, it is to be told."""
        if self.woken:
            self.woken = False

    def give_up(self, line: Places) -> None:
        """Leave a line without having had its turn there."""
        self.lines.remove(line)
        line.leave(self.number)
        line.moved_up()

    def leave(self, turn_in: Collection[Places | None] = (), asking_at: float | None = None) -> None:
        """
        Leave all lines: it is the call's turn in these, and it gives up its place in the others.

        Args:
            asking_at: when the call asks for what it waits for; it stays where that is not given to it yet.
        """
        stays_in = []
        for line in self.lines:
            if asking_at is not None and line in turn_in and line.stays(self.number, asking_at):
                stays_in.append(line)
                continue
            line.leave(self.number)
            if line not in turn_in:
                line.moved_up()
        self.lines[:] = stays_in
        if not stays_in:
            self.woken = None  # it was for this wait, not for the next one


class Turn(NamedTuple):
    """When a call may go."""

    at: float
    """Its predicted turn."""
    ask_at: float
    """When it must ask again: before its turn if that is far away, because it may come sooner."""
    first_at: float
    """When the next request of any call may go."""
    rate: float
    """The requests per second that the leg seems to allow; 0 if the limit is a declared one, not a learnt one."""
    ahead: int
    """How many calls come before it."""
    line: Places
    """Where it waits."""


class Places:
    """The calls in one line, by their tickets."""

    __slots__ = ("_ask_at", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[int] = []
        """The tickets' numbers, sorted."""
        self._ask_at: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, ticket: Ticket, ask_at: float) -> None:
        """Stand in line, in the order of the tickets; the call asks again at `ask_at`."""
        if self not in ticket.lines:  # first: whoever is interrupted from here on leaves it all the same
            ticket.lines.append(self)
        place, is_there = self._place(ticket.number)
        if not is_there:
            self._waiting.insert(place, ticket.number)
        self._ask_at[ticket.number] = ask_at

    def leave(self, number: int) -> None:
        """Give up a place, if there is one."""
        place, is_there = self._place(number)
        if is_there:
            del self._waiting[place]
        self._ask_at.pop(number, None)

    def stays(self, number: int, now: float) -> bool:
        """Return whether a call whose turn it is stays until it has been given what it waits for."""
        return False

    def moved_up(self) -> None:
        """Tell those who are to be told that a call has left without its turn."""

    def _place(self, number: int) -> tuple[int, bool]:
        """Return the place that a ticket has or would have, and whether it is there."""
        place = bisect_left(self._waiting, number)
        return place, place < len(self._waiting) and self._waiting[place] == number

    def clear(self) -> None:
        """Remove all calls: after a fork they are the parent's."""
        self._waiting.clear()
        self._ask_at.clear()

    def _remove_absent(self, now: float) -> None:
        """Remove the calls at the head that have not asked in time, or left in part, so that they block no others."""
        while self._waiting and self._ask_at.get(self._waiting[0], -inf) + ABSENT_S < now:
            self.leave(self._waiting[0])
