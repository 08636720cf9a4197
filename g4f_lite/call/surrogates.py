"""
Characters that a service cut in two: one of UTF-16's surrogates, which JSON escapes, without the other. No I/O.

Rule: a pair that two events of a stream share is joined. A surrogate that stays alone becomes U+FFFD, as browsers show
it: it is no character, and most decoders of JSON refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from ..types.http import ServerSentEvent
from ..value import SURROGATES, repair_surrogates
from .sse_events import is_heartbeat


class SurrogateJoiner:
    """
    Joins what two events share: an event whose text ends with the first half of a pair waits for the next one.

    Attributes:
        waiting: the event that waits.
    """

    def __init__(self) -> None:
        self.waiting: ServerSentEvent | None = None

    def add_all(self, events: Sequence[ServerSentEvent]) -> Sequence[ServerSentEvent]:
        """Return the events that are whole."""
        if self.waiting is None and not any(b"\\ud" in event.data or b"\\uD" in event.data for event in events):
            return events
        whole: list[ServerSentEvent] = []
        for event in events:
            after = event
            if self.waiting is not None and not is_heartbeat(event):
                first, after = _joined(self.waiting, event)
                whole.append(first)
                self.waiting = None
            if _ends(after.data) is not None:
                self.waiting = after
            else:
                whole.append(_repaired(after))
        return whole

    def close(self) -> Sequence[ServerSentEvent]:
        """Return the event that waits, if any: no other half will come."""
        waiting, self.waiting = self.waiting, None
        return () if waiting is None else (_repaired(waiting),)


def _joined(first: ServerSentEvent, second: ServerSentEvent) -> tuple[ServerSentEvent, ServerSentEvent]:
    """Move the second half of a pair, with which a text of the second event begins, into the first event."""
    end, start = _ends(first.data), _starts(second.data)
    if end is not None and start is not None:
        half = second.data[start : start + 6]
        first = msgspec.structs.replace(first, data=first.data[:end] + half + first.data[end:])
        second = msgspec.structs.replace(second, data=second.data[:start] + second.data[start + 6 :])
    return _repaired(first), second


def _ends(data: bytes) -> int | None:
    """Return where a text ends with the first half of a pair, None if none does."""
    return next(
        (one.end() for one in _lone(data) if one[0][3:4] in b"89abAB" and data.startswith(b'"', one.end())), None
    )


def _starts(data: bytes) -> int | None:
    """Return where a text starts with the second half of a pair, None if none does."""
    return next(
        (one.start() for one in _lone(data) if one[0][3:4] in b"cdefCDEF" and data.endswith(b'"', 0, one.start())), None
    )


def _lone(data: bytes) -> Iterator[re.Match[bytes]]:
    return (found for found in SURROGATES.finditer(data) if found["lone"])


def _repaired(event: ServerSentEvent) -> ServerSentEvent:
    data = repair_surrogates(event.data)
    return event if data is event.data else msgspec.structs.replace(event, data=data)
