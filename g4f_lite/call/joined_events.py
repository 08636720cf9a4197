"""
Many events into one: what came together and differs in text alone is read, kept and checked as one event.

Most events of a stream are such pieces of text. A service could as well have sent the one event in their place. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ..value import NOT_JSON, decode_json

_MOST_TRIES = 4
"""Events of a piece that are looked at closely without any use: some services put something new into each."""
_encode = msgspec.json.Encoder().encode
_decode_texts = msgspec.json.Decoder(list[str]).decode
_TEXT = re.compile(rb'"content"[ \t]*+:[ \t]*+("(?:[^"\\]|\\.)*+")').search


class JoinedEvents(bytes):
    """The data of one event that says what several say."""

    parts: Sequence[bytes] = ()
    """The data of those, as the service has sent them."""


def joined(events: Sequence[bytes]) -> Sequence[bytes]:
    """Return the data of events, of each run that differs in text alone one `JoinedEvents`."""
    found: list[bytes] = []
    at, tries = 0, 0
    while at < len(events) and tries < _MOST_TRIES:
        first, end = events[at], at + 1
        if end < len(events) and (frame := _frame(first)) is not None:
            before, after = frame
            while end < len(events) and events[end].startswith(before) and events[end].endswith(after):
                end += 1
            if end > at + 1 and (one := _one(events[at:end], before, after)) is not None:
                found.append(one)
                at = end
                continue
        found += events[at:end]
        at, tries = end, tries + 1
    return [*found, *events[at:]]


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
    texts = b",".join([event[len(before) : len(event) - len(after)] for event in events])
    try:
        said = _decode_texts(b"[%b]" % texts)
    except NOT_JSON:
        return None
    if len(said) != len(events):
        return None
    one = JoinedEvents(b"".join((before, _encode("".join(said)), after)))
    one.parts = events
    return one
