"""
Bytes into server-sent events.

Rule: a line ends at CR, LF or CR LF and nowhere else (`str.splitlines` also splits at U+2028, which JSON may
contain). Source: the event stream format of the HTML standard, §9.2.6.
"""

from __future__ import annotations

from collections.abc import Collection

from ..types.http import ServerSentEvent
from ..types.size_limits import MAX_EVENT, MAX_OBJECTS, beyond

_BOM = b"\xef\xbb\xbf"


_HEARTBEATS = frozenset((b"ping", b"pong", b"heartbeat", b"keep-alive", b"keepalive", b"null", b""))
_HEARTBEAT_NAMES = frozenset(("ping", "heartbeat", "keep-alive", "keepalive"))


def is_heartbeat(event: ServerSentEvent) -> bool:
    """Return whether an event is known to mean nothing but that the service lives."""
    if event.event == "error":  # whatever it says
        return False
    data = event.data
    is_word = len(data) < 16 and data.strip(b' "').lower() in _HEARTBEATS
    return is_word or data == b"{}" or event.event in _HEARTBEAT_NAMES


class SSEDecoder:
    """
    Turns the pieces of a body into events; a piece may end anywhere.

    Tolerant where services deviate: a field named `error` (llama.cpp) is an event `error`, and the last event may
    lack its blank line, as may all that are JSON objects in one line.

    Args:
        signs: comments that show that the service works.
        most: bytes of one event.
    """

    whole_if = b"{[<"
    """First bytes of a body that is no stream: a body in one piece, an error or a web page."""

    def __init__(self, signs: Collection[str] = (), most: int = MAX_EVENT) -> None:
        self._tail = bytearray()
        self._data: list[bytes] = []
        self._event = ""
        self._size = 0
        self._started = False
        self._after_cr = False
        self._signs = signs
        self._most = most
        self._most_plain = min(max(most >> 4, 1 << 16), most, MAX_OBJECTS)
        self.stray = ""
        """What a message about the stream may end with: it quotes the first line that is no field of an event."""
        self.has_worked = False
        """Whether the last piece for `feed` shows that the service works: it had more than comments and blank lines."""

    def feed_plain(self, piece: bytes) -> list[bytes] | None:
        """
        Return the data of the events that this piece completes, if each of them is one `data: ` line.

        OpenAI's protocol uses the format in this way. In any other case return None and change nothing: `feed` takes
        the piece.
        """
        if self._data or self._event or self._after_cr or b"\n" not in piece:
            return None
        whole = b"".join((self._tail, piece)) if self._tail else piece
        end = whole.rfind(b"\n\n")
        if end < 0 or len(whole) > self._most_plain or not whole.startswith(b"data: ") or b"\r" in whole:
            return None
        events = whole[6:end].split(b"\n\ndata: ")
        if whole.count(b"\n") != 2 * len(events):
            return None
        self._started = True
        self._tail[:] = whole[end + 2 :]
        return events

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """
        Return the events that this piece completes.

        Raises:
            MalformedResponseError: an event is larger than `most` bytes.
        """
        self.has_worked = False
        if not self._started:
            piece = b"".join((self._tail, piece))
            self._tail.clear()
            if len(piece) < 3 and _BOM.startswith(piece):
                self._tail += piece
                return []
            self._started = True
            piece = piece.removeprefix(_BOM)
        if self._after_cr and piece:  # a CR LF across two pieces is one line end
            self._after_cr = False
            piece = piece.removeprefix(b"\n")
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        events: list[ServerSentEvent] = []
        if b"\n" in piece:
            if self._tail:  # joined when the line ends, so a long line in small pieces takes linear time
                piece = b"".join((self._tail, piece))
                self._tail.clear()
            lines = piece.split(b"\n")
            piece = lines.pop()
            for line in lines:
                if line.startswith(b"data: ") and not self._data:  # the usual case, without a call
                    self._data.append(line[6:])
                    self._size += len(line)
                    self.has_worked = True
                elif line:
                    self._field(line, events)
                elif self._data:
                    self._dispatch(events)
                else:
                    self._event = ""
        self._tail += piece
        if self._size + len(self._tail) > self._most:
            raise beyond("an event of the stream", self._most)
        self.has_worked = self.has_worked or bytes(self._tail[:1]) not in (b"", b":")
        return events

    def close(self) -> list[ServerSentEvent]:
        """Return the event that the end of the body left unfinished, if any."""
        events: list[ServerSentEvent] = []
        if self._tail:
            self._field(bytes(self._tail), events)
            self._tail.clear()
        if self._data:
            self._dispatch(events)
        return events

    def _end_object(self, value: bytes, events: list[ServerSentEvent]) -> None:
        """End an event that is a JSON object in one line before another one: some servers leave out blank lines."""
        data = self._data[0]
        is_object = len(self._data) == 1 and not self._event and data[:2] == b'{"' and data[-1:] == b"}"
        if is_object and (value[:2] == b'{"' or value == b"[DONE]"):
            self._dispatch(events)

    def _field(self, line: bytes, events: list[ServerSentEvent]) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name or (self._signs and value.decode("utf-8", "replace").strip() in self._signs):
            self.has_worked = True
        if name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name in (b"data", b"error"):
            if name == b"error":
                self._event = "error"
            if self._data:
                self._end_object(value, events)
            self._data.append(value)
            self._size += len(line)
        elif name not in (b"", b"id", b"retry") and not self.stray:
            self.stray = f", with a line that is no event: {line[:60].decode('utf-8', 'replace')!r}"

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._size > self._most:
            raise beyond("an event of the stream", self._most)
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if data and not data.isspace():
            events.append(ServerSentEvent(data=data, event=self._event))
        self._data = []
        self._event = ""
        self._size = 0
