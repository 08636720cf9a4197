"""
Server-sent events, from bytes.

Lines end at CR, LF or CR LF and nowhere else (`str.splitlines` also splits at U+2028, which JSON
may hold). Source: the event stream format of the HTML standard, §9.2.6.
"""

from __future__ import annotations

from ..errors import MalformedResponseError
from ..http import MAX_EVENT, ServerSentEvent

_BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """
    Turn pieces of a body, cut anywhere, into events.

    Kept forgiving where services are sloppy: a field named `error` (llama.cpp) is an event
    `error`, and a last event without its blank line counts.
    """

    def __init__(self) -> None:
        self._tail = b""
        self._data: list[bytes] = []
        self._event = ""
        self._size = 0
        self._started = False

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """
        Return the events that this piece completes.

        Raises:
            MalformedResponseError: an event is larger than `MAX_EVENT` bytes.
        """
        buffer = self._tail + piece if self._tail else piece
        if not self._started:
            if len(buffer) < 3 and _BOM.startswith(buffer):
                self._tail = buffer
                return []
            self._started = True
            buffer = buffer.removeprefix(_BOM)
        # A CR at the very end may be half of a CR LF: it waits for the next piece.
        held = b"\r" if buffer.endswith(b"\r") else b""
        if b"\r" in buffer:
            buffer = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = buffer.split(b"\n")
        self._tail = lines.pop() + held
        events: list[ServerSentEvent] = []
        for line in lines:
            if line.startswith(b"data: ") and not self._data and not self._event:
                self._data.append(line[6:])
                self._size += len(line)
            elif line:
                self._field(line)
            elif self._data:
                self._dispatch(events)
            else:
                self._event = ""
        if self._size + len(self._tail) > MAX_EVENT:
            raise MalformedResponseError(f"an event of the stream is larger than {MAX_EVENT >> 20} MiB")
        return events

    def close(self) -> list[ServerSentEvent]:
        """Return the event that the end of the body leaves unfinished, if there is one."""
        events: list[ServerSentEvent] = []
        line = self._tail.rstrip(b"\r")
        self._tail = b""
        if line:
            self._field(line)
        if self._data:
            self._dispatch(events)
        return events

    def _field(self, line: bytes) -> None:
        self._size += len(line)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"error":
            self._event = "error"
            self._data.append(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if data:
            events.append(ServerSentEvent(data=data, event=self._event))
        self._data = []
        self._event = ""
        self._size = 0
