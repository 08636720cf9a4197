"""
What is spent and reserved of each limit. Pure: the time is passed in, as Unix milliseconds that never go back.

A reservation holds its amounts until it is settled. If its lease ends before, they count as spent: presumed. Either way
they count in the window in which they were reserved: that is when the service counts them.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from msgspec import Struct

from ..shared_state import NEVER, Amount, Look, Renew, Reservation, Reserve, Restore, Settle, Window
from .table import FOREVER, NewTable, Table, in_memory
from .windows import Account, bucket_end, bucket_number

HELD_POLL_MS = 50
"""When to ask again for what others hold: nobody knows when they give it back."""
EXPIRED_MS = 3_600_000
"""How long a reservation that has expired may still be settled."""
SETTLED_MS = 60_000
"""How long the id of a settled reservation is known, so that a command that is sent twice is not applied twice."""
SHARE_MS = 75_000
"""How long a share is kept free for a member that is silent: what it may have used of it counts for a minute."""
SILENT_MS = 1200
"""If no member has looked for so long, nobody could."""
PRESSED_MS = 2000
"""How long nothing is kept free of a limit after somebody had no room because of that."""


class Kept(Struct, array_like=True):
    """What is kept free for one member."""

    number: int
    """Of its last look."""
    at: int
    shares: dict[str, int]
    """By limit."""


class Reserved(Struct, array_like=True):
    """A reservation that was granted."""

    amounts: tuple[Amount, ...]
    """Empty once it is settled."""
    answer: Reservation
    at: int
    expired: bool = False


class Used(NamedTuple):
    """What is used of one limit."""

    spent: int
    reserved: int
    presumed: int
    """The part of `spent` whose reservations expired: nobody said what was really used."""


class Ledger:
    """The limits of one state. Not locked."""

    def __init__(self, table: NewTable = in_memory) -> None:
        self._accounts: Table[Account] = table("accounts", Account)
        self._reserved: Table[Reserved] = table("reserved", Reserved)
        self._kept: Table[Kept] = table("kept", Kept)
        self._expired_at = 0
        self.pressed = False
        """Somebody has no room because of what is kept free: members should look."""

    def reserve(self, command: Reserve, now: int) -> Reservation:
        """Take all the amounts, or say which one has no room."""
        self._expire(now)
        if (known := self._reserved.get(command.id)) is not None:
            return known.answer
        keys = [_key(amount) for amount in command.amounts]
        accounts: dict[str, Account] = {}
        for key, amount in zip(keys, command.amounts, strict=True):
            if key not in accounts:
                accounts[key] = self._account(key, amount.window, now)
        if not command.granted and (refused := _refusal(command, keys, accounts, now)) is not None:
            self._press(command, accounts, now)
            return refused
        for key, amount in zip(keys, command.amounts, strict=True):
            accounts[key].add(bucket_number(amount.window, now), amount.amount, amount.amount)
            self._store(key, amount.window, accounts[key])
        left = tuple(amount.limit - accounts[key].used for key, amount in zip(keys, command.amounts, strict=True))
        answer = Reservation(left=left)
        self._reserved.put(command.id, Reserved(command.amounts, answer, now), now + command.lease_ms)
        return answer

    def _press(self, command: Reserve, accounts: dict[str, Account], now: int) -> None:
        """Have shares given back, of those limits that have no room because of them."""
        wanted = dict.fromkeys(accounts, 0)
        for amount in command.amounts:
            account = accounts[key := _key(amount)]
            wanted[key] += amount.amount
            if amount.limit - account.kept < account.used + wanted[key] <= amount.limit:
                account.pressed_at, self.pressed = now, True
                self._store(key, amount.window, account)

    def share(self, command: Look, members: int, place: int, now: int) -> tuple[int, ...]:
        """Keep free what a member asks for. Half of what is left is for the shares of all, unless somebody waits."""
        self._expire(now)
        self._forget_members(now)
        known = self._kept.get(command.member) or Kept(0, now, {})
        if command.number <= 0 or command.number < known.number:
            return ()
        kept = Kept(command.number, now, {_key(amount): amount.amount for amount in command.shares})
        self._keep_free(known.shares, kept.shares, now)
        answers = []
        for amount in command.shares:
            account, asked = self._account(key := _key(amount), amount.window, now), amount.amount
            pressed = now - account.pressed_at < PRESSED_MS
            left = max(0, amount.limit - account.used)
            half = 0 if pressed else left if amount.unit == "grace" else left // 2
            fair = half // members + (place < half % members)
            more = max(0, min(fair - asked, amount.limit - account.used - account.kept))
            kept.shares[key] = asked + more
            answers.append(min(fair, asked + more))
            self._keep_free({}, {key: more}, now)
        self._kept.put(command.member, kept, now + SHARE_MS)
        return tuple(answers)

    def _keep_free(self, before: dict[str, int], after: dict[str, int], now: int) -> None:
        for key in {**before, **after}:
            window = cast("Window", key.split(" ", 2)[1])
            account = self._account(key, window, now)
            account.kept += after.get(key, 0) - before.get(key, 0)
            self._store(key, window, account)

    def _forget_members(self, now: int) -> None:
        """A member that is silent is gone, but not if all were: then they could not look."""
        members = self._kept.items()
        if members and now - max(kept.at for _, kept in members) > SILENT_MS:
            for member, kept in members:
                kept.at = now
                self._kept.put(member, kept, now + SHARE_MS)
        for member, kept in self._kept.due(now):
            self._keep_free(kept.shares, {}, now)
            for key, share in kept.shares.items():
                if share and key.startswith("grace "):  # it may have spent it, and could not tell
                    _, window, scope = key.split(" ", 2)
                    one = Amount(scope, "grace", cast("Window", window), share, share)
                    self._change(one, now, now, used=share, held=0, presumed=share)
            self._kept.drop(member)

    def settle(self, command: Settle, now: int) -> None:
        """Record what was used of a reservation, and free the rest."""
        self._expire(now)
        if (reserved := self._reserved.get(command.id)) is None or not reserved.amounts:
            return
        for index, amount in enumerate(reserved.amounts):
            used = max(0, command.used[index]) if index < len(command.used) else amount.amount
            self._end(reserved, amount, used, now, presumed=False)
        reserved.amounts = ()
        self._reserved.put(command.id, reserved, now + SETTLED_MS)

    def renew(self, command: Renew, now: int) -> None:
        """Give reservations a new lease."""
        self._expire(now)
        for one in command.ids:
            if (reserved := self._reserved.get(one)) is not None and reserved.amounts and not reserved.expired:
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

    def mend(self) -> None:
        """Count anew what is held, if a signal has interrupted a command: no place is lost, nor given twice."""
        held: dict[str, dict[int, int]] = {key: {} for key, _ in self._accounts.items()}
        open_ones = [one for _, one in self._reserved.items() if not one.expired]
        for at, amount in ((one.at, amount) for one in open_ones for amount in one.amounts):
            buckets, number = held.setdefault(_key(amount), {}), bucket_number(amount.window, at)
            buckets[number] = buckets.get(number, 0) + amount.amount
        for key, buckets in held.items():
            account = self._accounts.get(key) or Account([])
            account.mend(buckets, keeps_spent=" parallel " not in key)
            self._accounts.put(key, account, FOREVER)

    def _account(self, key: str, window: Window, now: int) -> Account:
        account = self._accounts.get(key)
        if account is None:
            return Account([])
        account.refresh(window, now)
        return account

    def _store(self, key: str, window: Window, account: Account) -> None:
        last = bucket_end(window, account.buckets[-1][0]) if account.buckets else None
        if account.kept:
            self._accounts.put(key, account, FOREVER)
        elif account.buckets and (last is not None or account.used or account.held):
            self._accounts.put(key, account, FOREVER if last is None else last)
        elif account.pressed_at:
            self._accounts.put(key, account, account.pressed_at + PRESSED_MS)
        else:
            self._accounts.drop(key)

    def _change(self, amount: Amount, at: int, now: int, *, used: int, held: int, presumed: int = 0) -> None:
        """Change what is used of a limit, in the bucket of the moment `at`; one that is over is forgotten at once."""
        key, window = _key(amount), amount.window
        account = self._account(key, window, now)
        account.add(bucket_number(window, at), used, held, presumed)
        self._store(key, window, account)

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
            if reserved.expired or not reserved.amounts:
                self._reserved.drop(key)
                continue
            for amount in reserved.amounts:
                self._end(reserved, amount, amount.amount, now, presumed=True)
            reserved.expired = True
            self._reserved.put(key, reserved, now + EXPIRED_MS)
        for key, _ in self._accounts.due(now):
            self._accounts.drop(key)


def _refusal(command: Reserve, keys: list[str], accounts: dict[str, Account], now: int) -> Reservation | None:
    """Say for which amount there is no room; of several, that with the longest wait, and rather for what is used."""
    refused, latest = None, now
    taken = dict.fromkeys(keys, 0)
    for index, (key, amount) in enumerate(zip(keys, command.amounts, strict=True)):
        account = accounts[key]
        wanted = taken[key] = taken[key] + amount.amount
        if account.used + account.kept + wanted <= amount.limit:
            continue
        held = account.used - account.held + wanted <= amount.limit
        again = now + HELD_POLL_MS if held else account.room_at(amount.window, amount.limit - wanted)
        if again is None:
            return Reservation(refused_by=index, wait_ms=NEVER)
        waits = account.used + wanted <= amount.limit
        if again > latest or (refused is not None and refused.waits and again == latest and not waits):
            latest = again
            refused = Reservation(refused_by=index, wait_ms=again - now, held=held, waits=waits)
    return refused


def _key(amount: Amount) -> str:
    return f"{amount.unit} {amount.window} {amount.scope}"


def unknown(command: object) -> TypeError:
    """Return the error for what is no command."""
    return TypeError(f"a state takes commands, not {command!r}")
