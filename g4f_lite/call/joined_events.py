"""
Many events into one: what came together and differs in text alone is read, kept and checked as one event.

Most events of a stream are such pieces of text. A service could as well have sent the one event in their place. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ..value import NOT_JSON, decode_json

_MOST_RUNS = 8
"""Events of a piece that are looked at closely: some services put something new into each."""
_encode = msgspec.json.Encoder().encode
_decode_texts = msgspec.json.Decoder(list[str]).decode
_TEXT = re.compile(rb'"content"[ \t]*+:[ \t]*+("(?:[^"\\]|\\.)*+")').search


class JoinedEvents(bytes):
    """The data of one event that says what several say."""

    parts: Sequence[bytes] = ()
    """The data of those, as the service has sent them."""


class Joiner:
    """Joins the events of one stream."""

    def __init__(self) -> None:
        self._frame: tuple[bytes, bytes] | None = None
        """What stood before and after the text of the last event that was joined: most streams have one frame."""

    def joined(self, events: Sequence[bytes]) -> Sequence[bytes]:
        """Return the data of events, each of one line; of each run that differs in text alone one `JoinedEvents`."""
        found: list[bytes] = []
        at = 0
        for _ in range(_MOST_RUNS):
            if at >= len(events) - 1:
                break
            if self._frame is None or not _is_in(self._frame, events[at]):
                self._frame = _frame(events[at])
            run = events[at : at + 1] if self._frame is None else _run(events[at:], *self._frame)
            one = None if self._frame is None or len(run) < 2 else _one(run, *self._frame)
            found += run if one is None else [one]
            at += len(run)
        return [*found, *events[at:]]


def _is_in(frame: tuple[bytes, bytes], event: bytes) -> bool:
    return event.startswith(frame[0]) and event.endswith(frame[1])


def _run(events: Sequence[bytes], before: bytes, after: bytes) -> Sequence[bytes]:
    """Return the events up to the first one that is not in this frame, as the first one is."""
    frame, end = (before, after), len(events)
    while not _is_in(frame, events[end - 1]):
        end -= 1
    if b"\n".join(events[:end]).count(after + b"\n" + before) == end - 1:  # as nearly always, without a loop
        return events[:end]
    return events[: next((place for place, event in enumerate(events) if not _is_in(frame, event)), end)]


def _frame(event: bytes) -> tuple[bytes, bytes] | None:
    """Return what stands before and after the text of an event; None if it has more of a message than that."""
    if event.count(b'"content"') != 1 or (found := _TEXT(event)) is None:
        return None
    before, own, after = event[: found.start(1)], found[1], event[found.end() :]
    if b"\\" in before or b"\\" in after:  # a name may be hidden by escapes
        return None
    match decode_json(event):
        case {"choices": [{"delta": {"content": str(text), **delta}, **choice}], **others}:
            delta.pop("role", None)
            choice.pop("index", None)
            says_more = any((*delta.values(), *choice.values(), others.get("usage")))
            return None if says_more or decode_json(own) != text else (before, after)
    return None


def _one(events: Sequence[bytes], before: bytes, after: bytes) -> JoinedEvents | None:
    """Return one event for those in this frame; None if something else than a text stands in it."""
    start, end = len(before), -len(after)
    texts = b",\n".join([event[start:end] for event in events])  # no text spans a line, so none swallows the next
    try:
        said = _decode_texts(b"[%b]" % texts)
    except NOT_JSON:
        return None
    if len(said) != len(events):
        return None
    one = JoinedEvents(b"".join((before, _encode("".join(said)), after)))
    one.parts = events
    return one
