"""A state in the memory of this process, which several clients may share."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ...forks import reset_in_child
from ...value import Unpicklable
from ..shared_state import (
    Answer,
    BeginProbe,
    Command,
    EndProbe,
    Event,
    Look,
    Renew,
    Reserve,
    Restore,
    Seen,
    Settle,
    Tell,
)
from .ledger import Ledger, unknown

_KEPT_EVENTS = 4096


class MemoryState(Unpicklable):
    """Limits and health that live as long as this object. Threads may share it; a fork gives the child an empty one."""

    is_local = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._closed = False
        self._clear()
        reset_in_child(self)

    def _clear(self) -> None:
        self._started_ms = time.time() * 1000 - time.monotonic() * 1000
        self._ledger = Ledger()
        self._probes: dict[str, tuple[str, int]] = {}
        self._events: dict[int, tuple[Event, int]] = {}
        """By number, each with the time at which it ends."""
        self._cursor = 0

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds; a change of the machine's clock does not matter."""
        return int(self._started_ms + time.monotonic() * 1000)

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        with self._lock:
            now = self.now_ms()
            return [self._execute(command, now) for command in commands]

    def _execute(self, command: Command, now: int) -> Answer:
        match command:
            case Reserve():
                return self._ledger.reserve(command, now)
            case Settle():
                self._ledger.settle(command, now)
            case Renew():
                self._ledger.renew(command, now)
            case Restore():
                self._ledger.restore(command, now)
            case BeginProbe(name, probe, lease_ms):
                holder, until = self._probes.get(name, (probe, 0))
                if holder != probe and now < until:
                    return False
                self._probes[name] = probe, now + lease_ms
                return True
            case EndProbe(name, probe):
                if self._probes.get(name, ("", 0))[0] == probe:
                    del self._probes[name]
            case Tell(event):
                self._tell(event, now)
            case Look(since):
                return self._seen(since, now)
            case _:
                raise unknown(command)
        return None

    def _tell(self, event: Event, now: int) -> None:
        self._cursor += 1
        self._events[self._cursor] = event, now + event.left_ms
        if len(self._events) > _KEPT_EVENTS:
            del self._events[next(iter(self._events))]
        self._told.set()

    def _seen(self, since: int, now: int) -> Seen:
        events = []
        for number, (event, until) in list(self._events.items()):
            if until <= now:
                del self._events[number]
            elif number > since:
                events.append(Event(event.kind, event.name, until - now, event.error, event.message, event.host))
        return Seen(self._cursor, tuple(events))

    def wait(self, seconds: float) -> None:
        if not self._closed and self._told.wait(seconds):
            self._told.clear()

    def close(self) -> None:
        self._closed = True
        self._told.set()

    def after_fork(self) -> None:
        self._lock, self._told = threading.Lock(), threading.Event()
        self._clear()
