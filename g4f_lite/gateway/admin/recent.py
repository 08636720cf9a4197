"""The calls that have ended last, in the memory of this process: its own, and what others have told."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import merge

from ...openai.mapping.requests import Asked
from ..quoting import texts_of, without_quotes
from ..records import Record

KEPT, KEPT_REFUSED = 500, 100
"""Calls, and calls that the gateway itself has refused: a caller who is refused again and again displaces no others."""


class Recent:
    """The last calls. `listener` is called with each that ends."""

    def __init__(self) -> None:
        self.listener: Callable[[Record], None] | None = None
        self.ended = 0
        """How many calls have ended in this process."""
        self._last = 0
        self._calls: deque[Record] = deque(maxlen=KEPT)
        self._refused: deque[Record] = deque(maxlen=KEPT_REFUSED)

    def add(self, record: Record, asked: Asked) -> None:
        """Keep a call that has ended."""
        self.ended += 1
        self._last = record.number = max(self._last + 1, time.time_ns() // 1000)
        if record.trail is not None:
            record.messages = _messages(record, asked)
            self._calls.append(record)
        else:
            if record.refusal is not None and record.status == 400:  # it may name what is wrong
                record.refusal = without_quotes(record.refusal, texts_of(asked.fields))
            self._refused.append(record)
        if self.listener is not None:
            self.listener(record)

    def hear(self, records: Sequence[Record]) -> None:
        """Keep calls that have ended in other processes."""
        if not records:
            return
        for kept, refused in ((self._calls, False), (self._refused, True)):
            more = [one for one in records if (one.trail is None) is refused]
            every = sorted([*kept, *more], key=lambda one: one.number)
            kept.clear()
            kept.extend(every)
        if self.listener is not None:
            for one in records:
                self.listener(one)

    def own_after(self, number: int) -> list[Record]:
        """Return the calls that have ended in this process, after that with this number, the oldest first."""
        found = [one for one in self.newest() if one.number > number and not one.worker]
        return found[::-1]

    def find(self, request_id: str) -> Record | None:
        """Return a call by its id; None if it is not kept."""
        return next((one for one in self.newest() if one.request_id == request_id), None)

    def newest(self, before: int | None = None) -> Iterator[Record]:
        """Yield the calls, the newest first; those with a smaller number than `before`, if it is given."""
        for one in merge(reversed(self._calls), reversed(self._refused), key=lambda one: -one.number):
            if before is None or one.number < before:
                yield one


def _messages(record: Record, asked: Asked) -> dict[int, str]:
    """Return what services have said of the attempts that failed, by index, without what they quote of the request."""
    assert record.trail is not None
    said = {one.index: one.message for one in record.trail.attempts if one.message}
    if not said:
        return {}
    texts = texts_of(asked.fields)
    return {index: without_quotes(message, texts) for index, message in said.items()}
