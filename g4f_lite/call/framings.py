"""
The bytes of a stream into events, for framings other than server-sent events: JSON lines, a JSON array, or the
provider's own. No I/O.

Rule: a piece may end anywhere, the time is linear in the bytes, and what is held back has a limit.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable

from ..errors.exceptions import MalformedResponseError
from ..provider.base import Provider
from ..provider.boundary import PluginBoundary
from ..provider.checked import shown
from ..provider.keys import Key
from ..provider.streaming import StreamFraming
from ..types.http import ServerSentEvent
from ..types.size_limits import beyond
from .sse_events import SSEDecoder

_OUTSIDE = re.compile(rb'["{}\[\],]')
_IN_TEXT = re.compile(rb'["\\]')
_BLANK = b" \t\r\n"


class Framing(ABC):
    """
    The base of the framings; `SSEDecoder` has the same methods.

    Args:
        most: bytes of one event.
    """

    whole_if = b"<"
    """First bytes of a body that is no stream: a web page."""

    def __init__(self, most: int) -> None:
        self._tail = bytearray()
        self._most = most
        self.has_worked = False
        """Whether the last piece for `feed` shows that the service works: it had more than blanks."""

    def feed_plain(self, piece: bytes) -> list[bytes] | None:
        """Return None: there is no quicker way."""
        return None

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """
        Return the events that this piece completes.

        Raises:
            MalformedResponseError: an event is larger than the limit.
        """
        self.has_worked = bool(piece.strip(_BLANK))
        events = self._cut(piece)
        if len(self._tail) > self._most or any(len(event.data) > self._most for event in events):
            raise beyond("an event of the stream", self._most)
        return events

    def close(self) -> list[ServerSentEvent]:
        """Return the event that the end of the body left unfinished, if any."""
        return self._take(b"")

    @abstractmethod
    def _cut(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that this piece completes; keep the rest."""

    def _take(self, rest: bytes) -> list[ServerSentEvent]:
        """Return what is held back, with the rest of it, as an event, unless it is blank."""
        data = bytes(self._tail + rest).strip(_BLANK)
        self._tail.clear()
        return [ServerSentEvent(data=data)] if data else []


class JSONLines(Framing):
    """Each line is an event, as in Ollama's own API. A line ends at LF; the last one may lack it."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._started = False

    def _cut(self, piece: bytes) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        *lines, rest = piece.split(b"\n")
        for line in lines:
            events += self._take(line)
        self._tail += rest
        return events

    def _take(self, rest: bytes) -> list[ServerSentEvent]:
        if not self._started:
            self._started = True
            rest, self._tail = bytes(self._tail + rest).removeprefix(b"\xef\xbb\xbf"), bytearray()
        return super()._take(rest)


class JSONArray(Framing):
    """The body is one JSON array, and each item is an event, as in Google's API without `alt=sse`."""

    whole_if = b"<{"

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._depth = 0
        self._in_text = self._escaped = False

    def _cut(self, piece: bytes) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        at = start = 0
        while at < len(piece):
            if self._escaped:
                self._escaped, at = False, at + 1
                continue
            found = (_IN_TEXT if self._in_text else _OUTSIDE).search(piece, at)
            if found is None:
                break
            mark, at = found[0], found.end()
            if mark == b'"':
                self._in_text = not self._in_text
            elif mark == b"\\":
                self._escaped = True
            elif mark in b"{[":
                self._depth += 1
                if self._depth == 1:  # the array begins
                    self._tail.clear()
                    start = at
            elif mark in b"}]":
                self._depth -= 1
                if self._depth < 2:
                    events += self._take(piece[start : at - (self._depth < 1)])
                    start = at
            elif self._depth == 1:  # a comma between two items
                events += self._take(piece[start : at - 1])
                start = at
        self._tail += piece[start:]
        return events


class OwnFraming(Framing):
    """A provider's framing: its failures are the leg's, and what it may hold back has the limit of one event."""

    whole_if = b""

    def __init__(self, own: StreamFraming, key: Key | None, most: int) -> None:
        super().__init__(most)
        self._own = own
        self._key = key
        self._held = 0

    def _cut(self, piece: bytes) -> list[ServerSentEvent]:
        with PluginBoundary(self._key, "cutting a stream into events", self._own, "feed"):
            events = _checked(self._own.feed(piece), "feed")
        self._held = len(piece) if events else self._held + len(piece)
        if self._held > self._most and not events:
            raise beyond("an event of the stream", self._most)
        return events

    def close(self) -> list[ServerSentEvent]:
        with PluginBoundary(self._key, "cutting a stream into events", self._own, "close"):
            return _checked(self._own.close(), "close")


def _checked(events: Iterable[ServerSentEvent], method: str) -> list[ServerSentEvent]:
    found = list(events)
    for event in found:
        if not isinstance(event, ServerSentEvent):
            raise MalformedResponseError(f"the provider's code returns {shown(event)} (in {method} of new_framing)")
    return [event for event in found if event.data]


def framing_of(provider: Provider, key: Key | None, most: int) -> SSEDecoder | Framing:
    """Return what cuts the body of one stream of this provider."""
    with PluginBoundary(key, "starting a stream", provider, "new_framing", reads=False):
        if (name := provider.stream_framing) == "json_lines":
            return JSONLines(most)
        if name == "json_array":
            return JSONArray(most)
        own = provider.new_framing()
        return SSEDecoder(tuple(provider.working_comments), most) if own is None else OwnFraming(own, key, most)
