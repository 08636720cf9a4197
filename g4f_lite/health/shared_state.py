"""
What clients share through a state: the commands that they give it, and its answers. Data only.

Amounts are integers: requests, tokens, calls at once, or nano-dollars. Times are milliseconds, and durations: only the
state has a clock. Limits travel with the commands, so that a state has no settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

Window: TypeAlias = Literal["parallel", "minute", "24h", "day", "week", "month", "total"]
"""
The time in which a limit holds: `parallel` counts what is reserved now; `minute` and `24h` slide; `day`, `week` (from
Monday) and `month` are those of the calendar in UTC; `total` has no end.
"""
WhenDown: TypeAlias = Literal["local", "refuse", "open"]
"""A budget while its state is away: a small part of it may be spent, nothing, or anything."""
NEVER = -1
"""A wait that has no end."""


class Amount(msgspec.Struct, frozen=True, array_like=True):
    """What a call takes at most of one limit."""

    scope: str
    """Whose limit it is, such as `leg/groq` or `budget/team-a`."""
    unit: Literal["calls", "requests", "tokens", "nano-usd", "grace"]
    """`grace`: nano-dollars of a budget that a process has spent without asking, while the state was away."""
    window: Window
    limit: int
    amount: int


class Reserve(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """
    Take all of these amounts, or none of them: one atomic step. The answer is a `Reservation`.

    An amount counts in the window in which it is reserved, and leaves with it. A granted command whose id has been seen
    is not applied again: it gets the same answer, so it may be sent twice. A refusal leaves nothing behind.
    """

    id: str
    amounts: tuple[Amount, ...]
    lease_ms: int
    """After this time the reservation ends by itself, and its amounts count as spent: presumed."""
    when_down: WhenDown = "local"
    """What becomes of its nano-dollars while the state is away; for the link. A state does not read it."""
    granted: bool = False
    """It was granted while the state was away: it is recorded, even if there is no room."""


class Settle(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """
    End a reservation, and record what was used of each of its amounts. The answer is None.

    It has no effect on an id that is unknown or settled, nor on a window that is over; one that has expired is
    corrected. An amount that `used` does not have was used whole.
    """

    id: str
    used: tuple[int, ...]


class Renew(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Give reservations a new lease from now. The answer is None; those that are unknown or have ended are left out."""

    ids: tuple[str, ...]
    lease_ms: int


class BeginProbe(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Ask to be the only one that probes something. The answer is True, or False while another one does."""

    name: str
    id: str
    lease_ms: int


class EndProbe(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Let others probe, if this id is the one that does. The answer is None."""

    name: str
    id: str


class Event(msgspec.Struct, frozen=True, array_like=True):
    """What one client has learnt of a leg, a key or an origin, for the others."""

    kind: Literal["cooldown", "breaker", "hold"]
    name: tuple[str, ...]
    """What it is about. Keys are fingerprints."""
    left_ms: int
    """How long it is not used, from the moment in which the state answers. Of two, the later end wins."""
    error: str
    """The class of the error that caused it."""
    message: str
    host: str = ""
    """Set if only this machine may have seen it: others learn of it when a second host says the same within 10 s."""


class Tell(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Let the others know. The answer is None."""

    event: Event


class Look(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Ask for the events since the last look, and be counted as a member for some seconds. The answer is `Seen`."""

    since: int
    """`Seen.cursor` of the last look; 0 for all that still holds."""
    member: str
    """Who asks: an id of the process."""
    shares: tuple[Amount, ...] = ()
    """
    Of each limit that it uses: what the state is to keep free for it from now on, so that it may give that out itself
    while the state is away. At most what the state has said; what it does not name any more is not kept.
    """
    number: int = 0
    """Counts the looks of a member: of one that comes late, the shares are ignored."""


class Restore(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """
    Tell a state that has lost its data what was used before. The answer is None.

    Of several that tell of one limit, the largest counts, besides what was used since the loss.
    """

    used: tuple[Amount, ...]
    """Spent and reserved in all, as the last answer said."""
    members: int = 0
    """How many there were before."""
    kept: tuple[int, ...] = ()
    """What was kept free of each, in all."""


class Reservation(msgspec.Struct, frozen=True, array_like=True):
    """
    The answer to `Reserve`.

    It is refused if `refused_by` is not None: for the amount with this index there is no room. Of several, it is the
    one with the longest wait.
    """

    left: tuple[int, ...] = ()
    """What is left of each limit, with the reservation taken off; empty if the state has just lost its data."""
    refused_by: int | None = None
    wait_ms: int = 0
    """When to ask again; `NEVER` if waiting does not help. If not `held`: the soonest moment at which there is room."""
    held: bool = False
    """Whether it would have room if others gave back what they hold; else it is spent."""
    waits: bool = False
    """
    Whether it is to be asked again: there is room that is kept free for the time in which the state is away, and given
    back within moments; or the state is new, or has lost its data, and waits for what others have used.
    """


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """The answer to `Look`."""

    cursor: int
    events: tuple[Event, ...]
    members: int = 1
    """How many processes have looked in the last seconds."""
    place: int = 0
    """Which of them asks, from 0: they divide between them what nobody can ask for while the state is away."""
    shares: tuple[int, ...] = ()
    """
    What it may give out itself of each limit from now on. If that is less than it asked for, others wait for the rest
    until its next look.
    """


Command: TypeAlias = Reserve | Settle | Renew | BeginProbe | EndProbe | Tell | Look | Restore
Answer: TypeAlias = Reservation | Seen | bool | None


class SharedState(Protocol):
    """
    Where clients keep what they share. Its invariant: of each limit, spent + reserved ≤ limit, but for what
    was `granted` while it was away.

    `g4f_lite.health.stores` has three: in memory, SQLite, Redis. `tests/health/stores` proves each of them.
    """

    is_local: bool
    """Whether `execute` returns at once, without I/O, and may be called from any thread; else it has one caller."""

    def execute(self, commands: Sequence[Command]) -> Sequence[Answer]:
        """
        Apply the commands in order; each is one atomic step. Return their answers.

        Raises:
            TimeoutError: the state is there, and does not answer in time; it may have applied the commands, or will.
            OSError: it cannot be reached; some of the commands may have been applied.
        """
        ...

    def wait(self, seconds: float) -> None:
        """Return when others may have told something, at the latest after this time. Called by one other thread."""
        ...

    def close(self) -> None:
        """Free what it holds; a `wait` under way returns. It may be used again."""
        ...
