"""
The calls of all processes of the machine: each tells its own in a file, and hears those of the others.

Rule: once a second, in a thread, and no call waits for it. Nothing is told of what was said: only what the page shows.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from ...records.trail import Attempt, Skipped, Trail
from ...types.endpoint import MediaUsage
from ...types.usage import Usage
from ..records import Record
from .file import AdminFile
from .recent import KEPT, KEPT_REFUSED

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT, teller TEXT NOT NULL, at REAL NOT NULL, refused INTEGER NOT NULL,
        call BLOB NOT NULL
    )""",
    """
    CREATE TABLE IF NOT EXISTS workers (
        teller TEXT PRIMARY KEY, at REAL NOT NULL, in_flight INTEGER NOT NULL, ended INTEGER NOT NULL
    )""",
)
_HEAR = "SELECT number, teller, call FROM calls WHERE number > ? ORDER BY number"
_FORGET = "DELETE FROM calls WHERE at < ?"
_FORGET_MORE = (
    "DELETE FROM calls WHERE refused = ? AND number <= "
    "(SELECT number FROM calls WHERE refused = ? ORDER BY number DESC LIMIT 1 OFFSET ?)"
)
_OTHERS = "SELECT coalesce(sum(in_flight), 0), coalesce(sum(ended), 0) FROM workers WHERE teller != ? AND at >= ?"
_KEPT_S = 3600.0
"""How long a call is kept in the file, for processes that start later."""
_GONE_S = 10.0
"""A process that has told nothing for so long has ended."""


class Counted(NamedTuple):
    """What a process has under way, and how many of its calls have ended."""

    in_flight: int = 0
    ended: int = 0


class _Call(msgspec.Struct, array_like=True):
    """A `Record`, as it is told."""

    request_id: str
    key: str
    operation: str
    model: str
    team: str | None
    streams: bool
    began: float
    seconds: float
    number: int
    status: int
    cost: float | None
    refusal: str | None
    messages: dict[int, str]
    waited: set[int]
    # Of its trail, without what services have said.
    outcome: str | None
    entries: tuple[Attempt | Skipped, ...] | None
    """None if it has no trail."""


_OF_RECORD = _Call.__struct_fields__[:-2]
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(_Call).decode
_ODD = (TypeError, ValueError, OverflowError)
"""What a call raises that cannot be told, by usage of a plugin's own; or heard, as another version has told it."""


class SharedCalls:
    """
    The calls of the processes that share a file.

    Args:
        worker: the name of this process.
    """

    def __init__(self, file: AdminFile, worker: str) -> None:
        self._file = file
        self._own = f"{worker}/{uuid4().hex}"
        self._lock = threading.Lock()
        self._seen = 0
        """The last row that was read."""
        self._counted: Counted | None = None
        self._counted_at = 0.0
        """What was told last, and when."""
        self.shared_up_to = 0
        """The number of the last call that the others were told of."""
        self.heard: deque[Record] = deque()
        """Calls that have ended elsewhere. Whoever keeps them takes them out: nothing is lost with a cancelled task."""
        self.others = Counted()
        """What all other processes have counted."""

    def exchange(self, ended: Sequence[Record], counted: Counted | None) -> None:
        """
        Tell the calls that have ended here, the oldest first; hear those that have ended elsewhere since the last time.

        Args:
            counted: None: this process ends.

        Raises:
            OSError, sqlite3.Error: the file cannot be used, and nothing is told or heard.
        """
        with self._lock:
            now, own = time.time(), [one for one in ended if one.number > self.shared_up_to]
            rows = [(self._own, now, one.trail is None, call) for one in own if (call := _encoded(one)) is not None]
            counts = counted != self._counted or now > self._counted_at + _GONE_S / 2
            with self._file.open(*_TABLES) as file:
                if rows:
                    file.executemany("INSERT INTO calls (teller, at, refused, call) VALUES (?, ?, ?, ?)", rows)
                    file.execute(_FORGET, (now - _KEPT_S,))
                    for refused, kept in ((False, KEPT), (True, KEPT_REFUSED)):
                        file.execute(_FORGET_MORE, (refused, refused, kept))
                if counts:
                    file.execute("DELETE FROM workers WHERE teller = ? OR at < ?", (self._own, now - _GONE_S))
                if counts and counted is not None:
                    file.execute("INSERT INTO workers VALUES (?, ?, ?, ?)", (self._own, now, *counted))
                others = Counted(*file.execute(_OTHERS, (self._own, now - _GONE_S)).fetchone())
                found = file.execute(_HEAR, (self._seen,)).fetchall()
            if counts:
                self._counted, self._counted_at = counted, now
            self.shared_up_to = own[-1].number if own else self.shared_up_to
            self._seen = found[-1][0] if found else self._seen
            self.others = others
            heard = (_decoded(call, teller.partition("/")[0]) for _, teller, call in found if teller != self._own)
            self.heard.extend(one for one in heard if one is not None)


def _encoded(record: Record) -> bytes | None:
    trail = record.trail
    entries = None if trail is None else tuple([replace(one, message=None) for one in trail.entries])
    known = {name: getattr(record, name) for name in _OF_RECORD}
    try:
        return _encode(_Call(**known, outcome=None if trail is None else trail.outcome, entries=entries))
    except _ODD:
        return None


def _decoded(encoded: bytes, worker: str) -> Record | None:
    try:
        call = _decode(encoded)
        entries = None if call.entries is None else tuple(map(_with_usage, call.entries))
    except _ODD:
        return None
    record = Record(call.request_id, call.key, call.operation, call.model)
    for name in _OF_RECORD:
        setattr(record, name, getattr(call, name))
    record.trail = None if entries is None else Trail(entries=entries, outcome=call.outcome)
    record.worker = worker
    return record


def _with_usage(entry: Attempt | Skipped) -> Attempt | Skipped:
    if isinstance(entry, Skipped) or entry.usage is None:
        return entry
    kind = MediaUsage if "input_tokens" in entry.usage else Usage
    return replace(entry, usage=msgspec.convert(entry.usage, kind))
