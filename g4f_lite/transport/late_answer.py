"""
The answer of a service that closed the connection before it had the whole request, such as a 413.

When sending fails, asyncio closes its socket with all that it has not read yet. A second handle of that socket still
has it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from ..types.time_limit import TimeLimit
from .answer_parser import Cut, NotHTTP
from .async_body import AsyncByteStream
from .common import PIECE
from .plain_answer import PlainAnswer

_MOST = 1 << 20
"""Bytes of such an answer that are read."""


class LateAnswer:
    """
    Args:
        transport: of the connection over which the request is sent.
    """

    def __init__(self, transport: asyncio.BaseTransport | None) -> None:
        self._socket: socket.socket | None = None
        self._tls: ssl.SSLObject | None = None if transport is None else transport.get_extra_info("ssl_object")
        # Private, because asyncio has no way to decrypt what it has not read itself.
        self._encrypted: ssl.MemoryBIO | None = getattr(getattr(transport, "_ssl_protocol", None), "_incoming", None)
        sock = None if transport is None else transport.get_extra_info("socket")
        try:
            self._socket = None if sock is None else sock.dup()
        except OSError:
            pass  # closed, or no more handles: an answer may be lost, as without this

    async def stream(self, limit: TimeLimit, loop: asyncio.AbstractEventLoop) -> AsyncByteStream | None:
        """Return the answer that is there, after sending has failed; None if there is none. Nothing waits."""
        if not (received := self._received()):
            return None
        answer = PlainAnswer()
        answer.data_received(received)
        answer.connection_lost(None)
        try:
            await answer.read_head()
        except (NotHTTP, Cut):
            return None
        return AsyncByteStream(answer, limit, loop)

    def _received(self) -> bytes:
        received = bytearray()
        if self._socket is not None:
            try:
                self._socket.setblocking(False)
                while len(received) < _MOST and (piece := self._socket.recv(PIECE)):
                    received += piece
            except OSError:  # nothing more, or the reset
                pass
        if self._tls is None:
            return bytes(received)
        return b"" if self._encrypted is None else self._decrypted(self._tls, self._encrypted, received)

    def _decrypted(self, tls: ssl.SSLObject, encrypted: ssl.MemoryBIO, received: bytearray) -> bytes:
        encrypted.write(received)
        plain = bytearray()
        try:
            while piece := tls.read(PIECE):
                plain += piece
        except (OSError, ValueError):  # nothing more
            pass
        return bytes(plain)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
