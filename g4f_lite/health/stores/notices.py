"""What clients tell each other, who they are, and who probes. Pure, as `ledger` is."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ..shared_state import BeginProbe, EndProbe, Event, Look, Seen, Tell
from .table import FOREVER, NewTable, Table, in_memory

AGREE_MS = 10_000
"""Within this time a second host must say the same of what one machine alone may have seen."""
MEMBER_MS = 5_000
"""How long a process counts as a member after a look."""
MOST_EVENTS = 4096


class Said(Struct, array_like=True):
    """What one host says, until when it holds, and when it was said."""

    host: str
    ends_at: int
    at: int


class Known(Struct, array_like=True):
    """What is known of one name."""

    number: int = 0
    """Its place in the order of the events; 0 if it is not known to others yet."""
    ends_at: int = 0
    event: Event | None = None
    said: tuple[Said, ...] = ()
    """What single hosts said in the last seconds, one each."""


class Notices:
    """Events, members and probes of one state. Not locked."""

    def __init__(self, table: NewTable = in_memory) -> None:
        self._events: Table[Known] = table("events", Known)
        self._numbers: Table[int] = table("numbers", int)
        self._members: Table[str] = table("members", str)
        self._probes: Table[str] = table("probes", str)
        self._expired_at = 0

    @property
    def cursor(self) -> int:
        """The number of the last event."""
        return self._numbers.get("cursor") or 0

    def nudge(self, now: int) -> None:
        """Let members look, although nothing has been told."""
        self._numbers.put("cursor", max(self.cursor + 1, now), FOREVER)

    def tell(self, command: Tell, now: int) -> None:
        """Keep an event; of two, the one that ends later."""
        self._expire(now)
        event = command.event
        if event.left_ms <= 0:
            return
        key = repr((event.kind, event.name))
        known, ends_at = self._events.get(key), now + event.left_ms
        if known is None:
            known = Known()
            if len(self._events) >= MOST_EVENTS:
                self._events.drop(min(self._events.items(), key=lambda item: item[1].ends_at)[0])
        agreed = True
        if event.host:
            others = [one for one in known.said if one.host != event.host and now - one.at < AGREE_MS]
            known.said = (*others, Said(event.host, ends_at, now))
            agreed, ends_at = bool(others), max(one.ends_at for one in known.said)
        if agreed and ends_at > known.ends_at:
            # With the time, so that a cursor of a state that has been lost is never ahead of a new one.
            known.number = max(self.cursor + 1, now)
            known.ends_at, known.event = ends_at, replace(event, host="")
            self._numbers.put("cursor", known.number, FOREVER)
        self._events.put(key, known, max([known.ends_at, *(one.at + AGREE_MS for one in known.said)]))

    def look(self, command: Look, now: int) -> Seen:
        """Return the events since a look, and count who asks."""
        self._expire(now)
        self._members.put(command.member, "", now + MEMBER_MS)
        found = [known for _, known in self._events.items() if known.number > command.since and known.ends_at > now]
        events = tuple(
            replace(known.event, left_ms=known.ends_at - now)
            for known in sorted(found, key=lambda known: known.number)
            if known.event is not None
        )
        members = sorted(member for member, _ in self._members.items())
        return Seen(self.cursor, events, len(members), members.index(command.member))

    def begin_probe(self, command: BeginProbe, now: int) -> bool:
        """Let one probe until its lease ends."""
        self._expire(now)
        if self._probes.get(command.name) not in (None, command.id):
            return False
        self._probes.put(command.name, command.id, now + command.lease_ms)
        return True

    def end_probe(self, command: EndProbe, now: int) -> None:
        """Let others probe."""
        self._expire(now)
        if self._probes.get(command.name) == command.id:
            self._probes.drop(command.name)

    def _expire(self, now: int) -> None:
        if now == self._expired_at:
            return
        self._expired_at = now
        for table in (self._events, self._members, self._probes):
            for key, _ in table.due(now):
                table.drop(key)
