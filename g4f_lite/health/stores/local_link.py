"""The link between a client and a state of its own process, and what every link can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol
from weakref import WeakKeyDictionary, WeakMethod, WeakSet

import msgspec

from ..shared_state import Amount, Answer, Command, Event, Look, Reserve, Seen, SharedState, Tell

_LEASE_MS = 30 * 86_400_000
"""A reservation lives as long as the process that settles it."""

_links: WeakKeyDictionary[SharedState, WeakSet[LocalLink]] = WeakKeyDictionary()


class Link(Protocol):
    """Between a client and a state. A call waits for one command at most, and never fails because of the state."""

    @property
    def away(self) -> bool:
        """Whether the state does not answer. It is looked at once a second, from the first command on."""
        ...

    def ask(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        """
        Return the state's answers, or what stands for them while it is away.

        Args:
            within: seconds after which it counts as away, if that is sooner than usual.
        """
        ...

    async def ask_async(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        """As `ask`."""
        ...

    def tell(self, *commands: Command) -> None:
        """Write commands behind: at once, and without an error. They come after what was asked or told before."""
        ...

    def listen(self, callback: Callable[[Event], None], limits: Sequence[Amount] = ()) -> None:
        """
        Pass on what others tell, to a bound method that is referred to weakly.

        Args:
            limits: those that will be asked for, so that the state keeps shares of them free from the first look on.
        """
        ...

    def close(self) -> None:
        """Free what it holds. It may be used again."""
        ...


class LocalLink:
    """
    A link without threads, so that nobody renews leases: they are long.

    Args:
        state: one that `is_local`.
    """

    def __init__(self, state: SharedState) -> None:
        self._state = state
        self._cursor = 0
        self._callback: WeakMethod[Callable[[Event], None]] | None = None

    @property
    def away(self) -> bool:
        return False

    def ask(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        return self._state.execute(_lasting(commands))

    async def ask_async(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        return self.ask(commands)

    def tell(self, *commands: Command) -> None:
        self._state.execute(_lasting(commands))
        if any(isinstance(one, Tell) for one in commands):
            for link in list(_links.get(self._state, ())):
                link.look()

    def listen(self, callback: Callable[[Event], None], limits: Sequence[Amount] = ()) -> None:
        self._callback = WeakMethod(callback)
        _links.setdefault(self._state, WeakSet()).add(self)
        self.look()

    def look(self) -> None:
        """Pass on what has been told since the last look."""
        callback = None if self._callback is None else self._callback()
        (seen,) = self._state.execute([Look(self._cursor, "")])
        if callback is not None and isinstance(seen, Seen):
            self._cursor = seen.cursor
            for event in seen.events:
                callback(event)

    def close(self) -> None:
        """There is nothing to free."""


def _lasting(commands: Sequence[Command]) -> Sequence[Command]:
    return [msgspec.structs.replace(one, lease_ms=_LEASE_MS) if isinstance(one, Reserve) else one for one in commands]
