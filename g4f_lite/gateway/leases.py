"""
What the next calls of a key may use, taken from the state in advance: most calls ask nobody.

Rule: what calls may use here is reserved in the state before they begin. A lease reserves for many calls at once while
there is plenty of room; near a limit, or while the state is away, each call reserves for itself. What is not used goes
back within a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from math import ceil
from operator import add
from typing import Literal, NamedTuple, TypeAlias
from uuid import uuid4

from ..health.shared_state import Amount, Command, Reservation, Reserve, Settle, Window
from ..health.stores.local_link import Link

_HELD_S = 0.9
"""What is counted a minute is counted from when it was reserved; a window of the state has 1 s to spare."""
_LEASE_MS = 10_000
"""How long what a process has reserved outlives it; the link renews it as long as the process lives."""
_PATIENCE_S = 8.0
"""How long a state that gives out nothing yet is waited for: Redis, after it was empty, for 1.5 s; or for 6 s, if not
all of the processes that it knew are back."""
_CALLS = 8
"""A lease is for so many calls, or for those of the next two seconds."""
_PLENTY = 16
"""A lease takes at most one part in so many of what is left."""
_MOST_KEPT = 4096
"""Keys whose accounts are kept while they are not used."""


class Limit(NamedTuple):
    """A limit of a key or of a team; the fields are those of `Amount`."""

    scope: str
    unit: Literal["calls", "requests", "tokens", "nano-usd"]
    window: Window
    limit: int


Limits: TypeAlias = tuple[Limit, ...]


class Taken:
    """
    What a call has taken.

    Args:
        left: what is left of each limit.
        id: of its own reservation; "" if it is part of a lease.
    """

    __slots__ = ("account", "id", "left", "limits", "wanted")

    def __init__(self, account: _Account, wanted: tuple[int, ...], left: tuple[int, ...], id: str = "") -> None:
        self.account, self.wanted, self.left, self.id = account, wanted, left, id
        self.limits = account.limits


class NoRoomError(Exception):
    """The state has refused: an amount, and its answer."""

    def __init__(self, amount: Amount, answer: Reservation) -> None:
        super().__init__(amount)
        self.amount, self.answer = amount, answer


class _Account:
    """The limits of one key, and the lease on them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lock = asyncio.Lock()
        """Held while a lease is asked for."""
        self.id = ""
        """Of the lease; "" for none."""
        self.began = 0.0
        self.granted, self.spent, self.busy = [0] * len(limits), [0] * len(limits), [0] * len(limits)
        """What the lease reserves, what calls have used of it, and what those under way may use."""
        self.left: tuple[int, ...] = ()
        """In the state, besides the lease; empty if that is not known."""
        self.calls = self.begun = 0
        """Those of the lease that are under way, and all."""

    def has(self, wanted: tuple[int, ...], now: float) -> bool:
        """Return whether a call finds in the lease what it may use."""
        if now >= self.began + _HELD_S:
            return False
        for granted, spent, busy, one in zip(self.granted, self.spent, self.busy, wanted, strict=True):
            if granted - spent - busy < one:  # each call asks this, and a generator costs a microsecond
                return False
        return True

    def take(self, wanted: tuple[int, ...]) -> Taken:
        """Take this from the lease. Requests are used when they begin."""
        self.calls += 1
        self.begun += 1
        for index, one in enumerate(wanted):
            counts = self.spent if self.limits[index].unit == "requests" else self.busy
            counts[index] += one
        left = [
            besides + granted - spent - busy
            for besides, granted, spent, busy in zip(self.left, self.granted, self.spent, self.busy, strict=False)
        ]
        return Taken(self, wanted, tuple(left))

    def end(self, wanted: tuple[int, ...], used: tuple[int, ...]) -> None:
        """End a call that has taken this."""
        self.calls -= 1
        for index, limit in enumerate(self.limits):
            if limit.unit != "requests":
                self.busy[index] -= wanted[index]
                if limit.unit != "calls":
                    self.spent[index] += used[index]

    def next_lease(self, wanted: tuple[int, ...], now: float) -> list[int] | None:
        """Return what to reserve for calls like this one, and for those under way; None if there is not plenty."""
        calls = max(_CALLS, ceil(2 * self.begun / max(now - self.began, 0.1)) if self.id else 0)
        lease: list[int] = []
        if not self.left:
            return None
        for index, one in enumerate(wanted):
            many = max(_CALLS, self.calls) if self.limits[index].unit == "calls" else calls
            more = min(many * one, self.left[index] // _PLENTY)
            if more < 2 * one or self.busy[index] > self.left[index] // 2:
                return None
            lease.append(self.busy[index] + more)
        return lease

    def amounts(self, of: Sequence[int]) -> tuple[Amount, ...]:
        return tuple(Amount(*limit, amount) for limit, amount in zip(self.limits, of, strict=True))


class Leases:
    """
    Args:
        link: to the state in which all processes count.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._accounts: dict[Limits, _Account] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._prefix, self._numbers = uuid4().hex, count(1)

    async def take(self, limits: Limits, wanted: tuple[int, ...]) -> Taken:
        """
        Take what a call may use at most.

        Args:
            wanted: of each limit.

        Raises:
            NoRoomError: there is no room for it.
        """
        account = self._accounts.get(limits)
        if account is None:
            if len(self._accounts) >= _MOST_KEPT:
                self._accounts = {name: one for name, one in self._accounts.items() if one.id or one.lock.locked()}
            account = self._accounts[limits] = _Account(limits)
        if not account.lock.locked() and account.has(wanted, time.monotonic()):
            return account.take(wanted)
        async with account.lock:
            if account.has(wanted, time.monotonic()) or await self._lease(account, wanted):
                return account.take(wanted)
        return await self._take_alone(account, wanted)

    def end(self, taken: Taken, used: tuple[int, ...]) -> None:
        """End a call, and count what was used of each limit."""
        if taken.id:
            self._link.tell(Settle(taken.id, used))
        else:
            taken.account.end(taken.wanted, used)

    def close(self) -> None:
        """Give back what no call uses."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for account in self._accounts.values():
            self._shrink(account)

    async def _lease(self, account: _Account, wanted: tuple[int, ...]) -> bool:
        """Reserve for the next calls; return whether the state has agreed."""
        now = time.monotonic()
        if self._link.away or (lease := account.next_lease(wanted, now)) is None:
            self._shrink(account)
            return False
        command = Reserve(self._name(), account.amounts(lease), _LEASE_MS)
        answer = await self._ask(command)
        if answer.refused_by is not None:
            account.left = ()
            self._shrink(account)
            return False
        back = [granted - spent for granted, spent in zip(account.granted, account.spent, strict=True)]
        account.left = tuple(map(add, answer.left, back))  # as it will be once the old lease is settled
        if account.id:
            self._link.tell(Settle(account.id, tuple(account.spent)))
        account.id, account.granted, account.spent = command.id, lease, [0] * len(lease)
        account.began, account.begun = now, 0
        self._watch()
        return True

    async def _take_alone(self, account: _Account, wanted: tuple[int, ...]) -> Taken:
        command = Reserve(self._name(), account.amounts(wanted), _LEASE_MS)
        answer = await self._ask(command)
        if answer.refused_by is not None and answer.held and self._give_back(command.amounts[answer.refused_by].scope):
            answer = await self._ask(command)
        account.left = answer.left
        if answer.refused_by is not None:
            raise NoRoomError(command.amounts[answer.refused_by], answer)
        return Taken(account, wanted, answer.left, command.id)

    async def _ask(self, command: Reserve) -> Reservation:
        """Return the answer of the state, once it gives out anything."""
        last = time.monotonic() + _PATIENCE_S
        while True:
            (answer,) = await self._link.ask_async([command])
            assert isinstance(answer, Reservation)
            if not answer.waits or time.monotonic() > last:
                return answer
            await asyncio.sleep(answer.wait_ms / 1000)

    def _give_back(self, scope: str) -> bool:
        """Give back what other keys have leased of a limit; return whether there was any."""
        found = [one for one in self._accounts.values() if any(scope == limit.scope for limit in one.limits)]
        return sum(self._shrink(one) for one in found) > 0

    def _shrink(self, account: _Account) -> bool:
        """Keep of a lease what calls under way may use; return whether there was more, or something used."""
        if not account.id or (account.calls and account.granted == account.busy and not any(account.spent)):
            return False
        if account.calls and self._link.away:  # it would not know the new one
            return False
        commands: list[Command] = [Settle(account.id, tuple(account.spent))]
        account.id = ""
        if account.calls:
            account.id = self._name()
            kept = Reserve(account.id, account.amounts(account.busy), _LEASE_MS, granted=True)
            commands.insert(0, kept)
        account.granted, account.spent = list(account.busy), [0] * len(account.busy)
        self._link.tell(*commands)
        return True

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_HELD_S, self._tick)

    def _tick(self) -> None:
        """Give back old leases: a key that is used has a new one."""
        self._timer, end = None, time.monotonic() - _HELD_S
        for account in self._accounts.values():
            if account.began <= end and not account.lock.locked():
                self._shrink(account)
        if any(account.id for account in self._accounts.values()):
            self._watch()

    def _name(self) -> str:
        return f"{self._prefix}/{next(self._numbers)}"
