"""
What is spent and reserved of each limit. Pure: the time is passed in, as Unix milliseconds that never go back.

A reservation holds its amounts until it is settled. If its lease ends before, they count as spent: presumed. Either way
they count in the window in which they were reserved: that is when the service counts them.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from msgspec import Struct

from ..shared_state import NEVER, Amount, Renew, Reservation, Reserve, Restore, Settle, Window
from .table import FOREVER, MemoryTable, Table
from .windows import Account, bucket_end, bucket_number

HELD_POLL_MS = 50
"""When to ask again for what others hold: nobody knows when they give it back."""
EXPIRED_MS = 3_600_000
"""How long a reservation that has expired may still be settled."""
SETTLED_MS = 60_000
"""How long the id of a settled reservation is known, so that a command that is sent twice is not applied twice."""


class Reserved(Struct, array_like=True):
    """A reservation that was granted."""

    amounts: tuple[Amount, ...]
    answer: Reservation
    at: int
    expired: bool = False
    settled: bool = False


class Used(NamedTuple):
    """What is used of one limit."""

    spent: int
    reserved: int
    presumed: int
    """The part of `spent` whose reservations expired: nobody said what was really used."""


class Ledger:
    """The limits of one state. Not locked."""

    def __init__(self, accounts: Table[Account] | None = None, reserved: Table[Reserved] | None = None) -> None:
        self._accounts: Table[Account] = MemoryTable() if accounts is None else accounts
        self._reserved: Table[Reserved] = MemoryTable() if reserved is None else reserved
        self._expired_at = 0

    def reserve(self, command: Reserve, now: int) -> Reservation:
        """Take all the amounts, or say which one has no room."""
        self._expire(now)
        if (known := self._reserved.get(command.id)) is not None:
            return known.answer
        if not command.granted and (refused := self._refusal(command, now)) is not None:
            return refused
        accounts = [
            self._change(amount, now, now, used=amount.amount, held=amount.amount) for amount in command.amounts
        ]
        left = tuple(amount.limit - one.used for one, amount in zip(accounts, command.amounts, strict=True))
        answer = Reservation(left=left)
        self._reserved.put(command.id, Reserved(command.amounts, answer, now), now + command.lease_ms)
        return answer

    def _refusal(self, command: Reserve, now: int) -> Reservation | None:
        refused, latest = None, -1
        taken: dict[str, int] = {}
        for index, amount in enumerate(command.amounts):
            key = _key(amount)
            account = self._account(key, amount.window, now)
            wanted = taken[key] = taken.get(key, 0) + amount.amount
            if account.used + wanted <= amount.limit:
                continue
            held = account.used - account.held + wanted <= amount.limit
            again = now + HELD_POLL_MS if held else account.room_at(amount.window, amount.limit - wanted)
            if (FOREVER if again is None else again) > latest:
                latest = FOREVER if again is None else again
                wait_ms = NEVER if again is None else again - now
                refused = Reservation(refused_by=index, wait_ms=wait_ms, held=held)
        return refused

    def settle(self, command: Settle, now: int) -> None:
        """Record what was used of a reservation, and free the rest."""
        self._expire(now)
        if (reserved := self._reserved.get(command.id)) is None or reserved.settled:
            return
        for index, amount in enumerate(reserved.amounts):
            used = max(0, command.used[index]) if index < len(command.used) else amount.amount
            self._end(reserved, amount, used, now, presumed=False)
        reserved.settled, reserved.amounts = True, ()
        self._reserved.put(command.id, reserved, now + SETTLED_MS)

    def renew(self, command: Renew, now: int) -> None:
        """Give reservations a new lease."""
        self._expire(now)
        for one in command.ids:
            if (reserved := self._reserved.get(one)) is not None and not (reserved.expired or reserved.settled):
                self._reserved.put(one, reserved, now + command.lease_ms)

    def restore(self, command: Restore, now: int) -> None:
        """A ledger that lives as long as its users has lost nothing."""

    def used(self, scope: str, now: int) -> dict[tuple[str, str], Used]:
        """Return what is used of the limits of a scope, by unit and window."""
        self._expire(now)
        found: dict[tuple[str, str], Used] = {}
        for key, account in self._accounts.items():
            unit, window, name = key.split(" ", 2)
            if name == scope:
                account.refresh(cast("Window", window), now)
                found[unit, window] = Used(account.used - account.held, account.held, account.presumed)
        return found

    def _account(self, key: str, window: Window, now: int) -> Account:
        account = self._accounts.get(key)
        if account is None:
            return Account([])
        account.refresh(window, now)
        return account

    def _change(self, amount: Amount, at: int, now: int, *, used: int, held: int, presumed: int = 0) -> Account:
        """Change what is used of a limit, in the bucket of the moment `at`, unless that does not count any more."""
        window, key, number = amount.window, _key(amount), bucket_number(amount.window, at)
        account = self._account(key, window, now)
        end = bucket_end(window, number)
        if end is None or end > now:
            account.add(number, used, held, presumed)
            last = bucket_end(window, account.buckets[-1][0])
            if account.used or account.held or last is not None:
                self._accounts.put(key, account, FOREVER if last is None else last)
            else:
                self._accounts.drop(key)
        return account

    def _end(self, reserved: Reserved, amount: Amount, used: int, now: int, *, presumed: bool) -> None:
        """Count what was used instead of what is held, or presumed."""
        held = 0 if reserved.expired else -amount.amount
        if amount.window != "parallel":
            guess = amount.amount if presumed else -amount.amount if reserved.expired else 0
            self._change(amount, reserved.at, now, used=used - amount.amount, held=held, presumed=guess)
        elif held:
            self._change(amount, reserved.at, now, used=held, held=held)

    def _expire(self, now: int) -> None:
        if now == self._expired_at:
            return
        self._expired_at = now
        for key, reserved in self._reserved.due(now):
            if reserved.expired or reserved.settled:
                self._reserved.drop(key)
                continue
            for amount in reserved.amounts:
                self._end(reserved, amount, amount.amount, now, presumed=True)
            reserved.expired = True
            self._reserved.put(key, reserved, now + EXPIRED_MS)
        for key, _ in self._accounts.due(now):
            self._accounts.drop(key)


def _key(amount: Amount) -> str:
    return f"{amount.unit} {amount.window} {amount.scope}"


def unknown(command: object) -> TypeError:
    """Return the error for what is no command."""
    return TypeError(f"a state takes commands, not {command!r}")
