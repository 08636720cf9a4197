"""
A connection and the answer on it, on asyncio's public interface alone; used once.

`AsyncClient` sends over such connections if aiohttp's inner parts do not fit (`inner_parts.py`), and reads an answer
that came too early as one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

from ..errors.exceptions import ConnectionFailedError
from ..errors.signal_handlers import raised_by_signal_handler
from ..types.time_limit import TimeLimit
from .answer_parser import AnswerParser
from .async_limit import Within
from .common import PIECE, unreachable

_HEAD_START_S = 0.25
"""Of an address before the next one: as RFC 8305 recommends."""


class PlainAnswer(asyncio.Protocol):
    """
    What `AsyncByteStream` needs of a response, its connection, its protocol and its content, in one object.

    Attributes:
        status, headers: of the answer, once `read_head` has returned.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.connection = self.content = self.protocol = self
        self.transport: asyncio.Transport | None = None
        self._parser = AnswerParser()
        self._body = bytearray()
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # no check: uvloop's are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self._body += self._parser.feed(data)
        if self._parser.complete or self._parser.failure is not None:
            self.close()
        elif len(self._body) > 2 * PIECE and self.transport is not None:
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.transport = None  # see `Protocol.connection_lost`
        if exc is not None and raised_by_signal_handler(exc) is not None:  # as above
            self._error = self._error or exc
        self._parser.end()
        self._wake()

    def set_exception(self, error: BaseException) -> None:
        """End a wait."""
        self._error = error
        self._wake()

    def write(self, data: bytes) -> None:
        if self.transport is not None:  # else `read_head` tells what has come
            self.transport.write(data)

    def has_arrived(self) -> bool:
        """Whether `read` would return at once; of the head, whether it is here."""
        return bool(self._body) if self.status else self._parser.head is not None

    def is_eof(self) -> bool:
        """Whether all has come; it may not have been read."""
        return self._parser.complete

    def at_eof(self) -> bool:
        return self._parser.complete and not self._body

    async def read_head(self) -> None:
        while self._parser.head is None:
            await self._more()
        self.status, self.headers = self._parser.head.status, self._parser.head.fields

    async def read(self, size: int) -> bytes:
        while not self._body and not self._parser.complete:
            await self._more()
        piece = bytes(self._body[:size])
        del self._body[:size]
        if self.transport is not None and len(self._body) <= PIECE:
            self.transport.resume_reading()  # no error if it is not paused
        return piece

    async def _more(self) -> None:
        if (error := self._error or self._parser.failure) is not None:
            raise error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    release = close


async def connect(
    host: str, port: int, context: ssl.SSLContext | None, limit: TimeLimit, loop: asyncio.AbstractEventLoop
) -> PlainAnswer:
    """
    Return a new connection.

    Raises:
        ProviderError: there is none in time, or at all.
    """
    try:
        async with Within(limit.start_connecting()):
            sock = await _connected(host, port, loop)
            if context is None:
                _, answer = await loop.create_connection(PlainAnswer, sock=sock)
            else:  # in two steps: see `Connector._wrap_create_connection`
                plain, _ = await loop.create_connection(asyncio.Protocol, sock=sock)
                answer = PlainAnswer()
                answer.transport = await loop.start_tls(plain, answer, context, server_hostname=host)
    except TimeoutError:
        raise limit.connect_error() from None
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectionFailedError(f"the name {host!r} cannot be resolved", kind="dns") from error
    except (ssl.SSLError, ssl.CertificateError) as error:
        raise ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls") from error
    except OSError as error:
        if context is not None and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
            raise ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls") from error
        raise ConnectionFailedError(unreachable(f"{host}:{port}", error), kind="refused") from error
    return answer


async def _connected(host: str, port: int, loop: asyncio.AbstractEventLoop) -> socket.socket:
    """
    Return a socket that is connected to the first of the host's addresses to answer.

    asyncio's own race between them leaves the winner open if the task is cancelled.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # a name: a thread looks it up
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    racing: list[asyncio.Task[socket.socket]] = []
    for number, address in enumerate(found):
        racing.append(loop.create_task(_try(address, racing[-1:], number * _HEAD_START_S, loop)))
    winner: socket.socket | None = None

    def discard(task: asyncio.Task[socket.socket]) -> None:
        if not task.cancelled() and task.exception() is None and task.result() is not winner:
            task.result().close()

    try:
        for first in asyncio.as_completed(racing):
            try:
                winner = await first
                return winner
            except OSError as error:
                failure = error
        raise failure
    finally:
        for task in racing:
            task.cancel()
            task.add_done_callback(discard)


async def _try(
    address: Any, before: list[asyncio.Task[socket.socket]], head_start: float, loop: asyncio.AbstractEventLoop
) -> socket.socket:
    """Connect to an address once the one before it has failed, or had its head start."""
    if before:
        await asyncio.wait(before, timeout=head_start)
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock
