"""
What is spent and reserved of each limit. Pure: the time is passed in, as Unix milliseconds that never go back.

A reservation holds its amounts until it is settled. If its lease ends before, they count as spent: presumed.
"""

from __future__ import annotations

import heapq
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from ..shared_state import NEVER, Amount, Renew, Reservation, Reserve, Restore, Settle, Window

SLIDING: dict[Window, tuple[int, int]] = {"minute": (250, 244), "24h": (360_000, 241)}
"""Milliseconds of a bucket, and how many buckets count; more than the window, because a request arrives late."""
HELD_POLL_MS = 50
"""When to ask again for what others hold: nobody knows when they give it back."""

_Name = tuple[str, str, str]


def window_end(window: Window, now: int) -> int | None:
    """Return when a window of the calendar ends; None for one that has no end or slides."""
    if window not in ("day", "week", "month"):
        return None
    midnight = datetime.fromtimestamp(now / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "month":
        end = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        end = midnight + timedelta(days=1 if window == "day" else 7 - midnight.weekday())
    return round(end.timestamp() * 1000)


class _Account:
    """What is used of one limit."""

    __slots__ = ("_buckets", "_count", "_ends_at", "_size_ms", "_window", "held", "presumed", "spent")

    def __init__(self, window: Window, now: int) -> None:
        self._window: Window = window
        self._ends_at = window_end(window, now)
        self._size_ms, self._count = SLIDING.get(window, (0, 0))
        self._buckets: deque[list[int]] = deque()
        """Of a sliding window: the number of each bucket, and what was spent in it."""
        self.spent = self.held = self.presumed = 0

    def refresh(self, now: int) -> None:
        """Forget what was spent in windows that are over."""
        if self._ends_at is not None and now >= self._ends_at:
            self._ends_at = window_end(self._window, now)
            self.spent = self.presumed = 0
        if self._size_ms:
            first = now // self._size_ms - self._count
            while self._buckets and self._buckets[0][0] < first:
                self.spent -= self._buckets.popleft()[1]

    def spend(self, amount: int, now: int) -> None:
        """Record what was spent; a negative amount corrects what was presumed."""
        if self._window == "parallel":
            return
        self.spent += amount
        if self._size_ms:
            number = now // self._size_ms
            if not self._buckets or self._buckets[-1][0] != number:
                self._buckets.append([number, 0])
            self._buckets[-1][1] += amount

    def wait_ms(self, wanted: Amount, now: int) -> tuple[int, bool]:
        """Return when to ask again for an amount for which there is no room, and whether others hold it."""
        if wanted.amount > wanted.limit:
            return NEVER, False
        if self.spent + wanted.amount <= wanted.limit:
            return HELD_POLL_MS, True
        if self._ends_at is not None:
            return self._ends_at - now, False
        over = self.spent + wanted.amount - wanted.limit
        for number, amount in self._buckets:
            over -= amount
            if over <= 0:
                return (number + self._count + 1) * self._size_ms - now, False
        return NEVER, False


class _Reserved:
    __slots__ = ("amounts", "answer", "ends_at", "expired")

    def __init__(self, amounts: tuple[Amount, ...], ends_at: int, answer: Reservation) -> None:
        self.amounts: tuple[Amount, ...] = amounts
        """Empty once it is settled."""
        self.ends_at = ends_at
        self.answer = answer
        self.expired = False


EXPIRED_MS = 3_600_000
"""How long a reservation that has expired may still be settled."""


class Ledger:
    """The limits of one state. Not locked."""

    def __init__(self) -> None:
        self._accounts: dict[_Name, _Account] = {}
        self._reserved: dict[str, _Reserved] = {}
        self._ends: list[tuple[int, str]] = []

    def reserve(self, command: Reserve, now: int) -> Reservation:
        """Take all the amounts, or say which one has no room."""
        self._expire(now)
        if (known := self._reserved.get(command.id)) is not None:
            return known.answer
        accounts = [self._account(amount, now) for amount in command.amounts]
        for index, (account, wanted) in enumerate(zip(accounts, command.amounts, strict=True)):
            if account.spent + account.held + wanted.amount > wanted.limit:
                wait_ms, held = account.wait_ms(wanted, now)
                return Reservation(refused_by=index, wait_ms=wait_ms, held=held)
        for account, wanted in zip(accounts, command.amounts, strict=True):
            account.held += wanted.amount
        left = [
            wanted.limit - account.spent - account.held
            for account, wanted in zip(accounts, command.amounts, strict=True)
        ]
        answer = Reservation(left=tuple(left))
        self._reserved[command.id] = _Reserved(command.amounts, now + command.lease_ms, answer)
        heapq.heappush(self._ends, (now + command.lease_ms, command.id))
        return answer

    def settle(self, command: Settle, now: int) -> None:
        """Record what was used of a reservation, and free the rest."""
        self._expire(now)
        if (reserved := self._reserved.get(command.id)) is None:
            return
        for wanted, used in zip(reserved.amounts, command.used, strict=False):
            account = self._account(wanted, now)
            if reserved.expired:
                account.spend(used - wanted.amount, now)
                account.presumed -= wanted.amount
            else:
                account.held -= wanted.amount
                account.spend(used, now)
        reserved.amounts = ()

    def renew(self, command: Renew, now: int) -> None:
        """Give reservations a new lease."""
        self._expire(now)
        for one in command.ids:
            if (reserved := self._reserved.get(one)) is not None and not reserved.expired:
                reserved.ends_at = now + command.lease_ms

    def restore(self, command: Restore, now: int) -> None:
        """A ledger that lives as long as its process has lost nothing."""

    def used(self, scope: str, now: int) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Return by unit and window what is spent, reserved, and of the spent presumed."""
        self._expire(now)
        found: dict[tuple[str, str], tuple[int, int, int]] = {}
        for (name, unit, window), account in self._accounts.items():
            if name == scope:
                account.refresh(now)
                found[unit, window] = (account.spent, account.held, account.presumed)
        return found

    def _account(self, amount: Amount, now: int) -> _Account:
        name = (amount.scope, amount.unit, amount.window)
        if (account := self._accounts.get(name)) is None:
            account = self._accounts[name] = _Account(amount.window, now)
        account.refresh(now)
        return account

    def _expire(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, one = heapq.heappop(self._ends)
            reserved = self._reserved[one]
            if reserved.ends_at > now:  # it was renewed
                heapq.heappush(self._ends, (reserved.ends_at, one))
            elif reserved.expired or not reserved.amounts:
                del self._reserved[one]
            else:
                for wanted in reserved.amounts:
                    account = self._account(wanted, now)
                    account.held -= wanted.amount
                    account.spend(wanted.amount, now)
                    account.presumed += wanted.amount
                reserved.expired, reserved.ends_at = True, now + EXPIRED_MS
                heapq.heappush(self._ends, (reserved.ends_at, one))


def unknown(command: Any) -> TypeError:
    """Return the error for what is no command."""
    return TypeError(f"a state takes commands, not {command!r}")
