"""
The connections of `AsyncClient` and their pool: aiohttp's, which know too little of broken answers.

No connection is used again after something unasked has arrived on it.
"""

from __future__ import annotations

import asyncio
import select
import sys
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDict, CIMultiDictProxy

from ..errors.signal_handlers import raised_by_signal_handler
from .answer_parser import AnswerParser, Head
from .async_limit import Within
from .common import PIECE


class Body(aiohttp.StreamReader):
    """aiohttp's, which drops what has come and was not read when the connection fails, and costs more to read."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol, PIECE, loop=protocol._loop)
        self._source = protocol
        self._pieces: list[bytes] = []
        """What has come and was not read."""
        self._held = 0
        """Their bytes."""
        self._paused = False
        self._failure: BaseException | None = None
        """Is raised once they have been read."""
        self._reader: asyncio.Future[None] | None = None

    def has_arrived(self) -> bool:
        """Whether `read` would return at once."""
        return bool(self._pieces) or self.is_eof()

    def at_eof(self) -> bool:
        return not self._pieces and self.is_eof()

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        self._pieces.append(data)
        self._held += len(data)
        if self._reader is not None and not self._reader.done():  # as in `_wake`, without a call for each packet
            self._reader.set_result(None)
        if self._held > 2 * PIECE and not self._paused:
            self._pause(True)
        return False

    def feed_eof(self) -> None:
        super().feed_eof()
        self._wake()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        self._failure = exc
        super().set_exception(exc, *cause)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self, n: int = -1) -> bytes:
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.is_eof():
                return b""
            if self._reader is not None:
                raise RuntimeError("another task reads")
            self._reader = self._source._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if 0 <= n < len(piece):
            self._pieces.append(piece[n:])
            piece = piece[:n]
        self._held -= len(piece)
        if self._paused and self._held <= PIECE:
            self._pause(False)
        return piece

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        if (transport := self._source.transport) is not None:
            if paused:
                transport.pause_reading()
            else:
                transport.resume_reading()


class Protocol(ResponseHandler):
    """aiohttp's, with `AnswerParser` in the place of its parsers, of which one is stricter than the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._answer = AnswerParser()
        self._body: Body | None = None
        self._used = False

    def set_response_params(self, **params: Any) -> None:
        if self._used:
            self._answer = AnswerParser()
            self._payload = self._body = None
        self._used = True  # what came before the first request, such as a 503, is its answer

    def has_arrived(self) -> bool:
        """Whether the head is here."""
        return self._answer.head is not None

    def is_unused(self) -> bool:
        """Whether nothing has come since the last answer."""
        return self._answer.complete and not self._answer.surplus and not self._answer.will_close

    async def read(self) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
        head, body = await self.read_head()
        version = aiohttp.HttpVersion10 if head.version == "1.0" else aiohttp.HttpVersion11
        headers = CIMultiDictProxy(CIMultiDict(head.headers))
        closes = self._answer.will_close
        return RawResponseMessage(version, head.status, head.reason, headers, (), closes, None, False, False), body

    async def read_head(self) -> tuple[Head, Body]:
        """As `read`, of which aiohttp makes a response."""
        return await super().read()  # type: ignore[return-value]  # what `data_received` feeds

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        piece = answer.feed(data)
        if self._body is None and answer.head is not None:
            self._payload = self._body = Body(self)
            if answer.will_close:
                self._should_close = True
            self.feed_data((answer.head, self._body), 0)  # type: ignore[arg-type]
        if piece and self._body is not None:
            self._body.feed_data(piece)
        if answer.complete or answer.failure is not None:
            self._settle()

    def _settle(self) -> None:
        answer = self._answer
        if answer.surplus or answer.failure is not None:
            self._should_close = True
        if answer.complete:
            if self._body is not None and not self._body.is_eof():
                self._body.feed_eof()
        elif answer.failure is not None:
            self.set_exception(answer.failure)
            if self._body is not None:
                self._body.set_exception(answer.failure)
            if self.transport is not None:
                self.transport.abort()

    def close(self) -> None:
        """Close at once: with TLS, aiohttp would wait for the service's farewell, and the loop may end before it."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = self._payload = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self.transport = None  # asyncio fails if it is told to close one that has just ended
        if exc is not None and raised_by_signal_handler(exc) is not None:  # it came in here, and asyncio closed
            self.set_exception(exc)
            if self._body is not None:
                self._body.set_exception(exc)
        else:
            self._answer.end()
            self._settle()
        super().connection_lost(exc)


class Connector(aiohttp.TCPConnector):
    """
    aiohttp's, which hands out idle connections without a look at what has arrived on them.

    What a service sends unasked (a second answer, a gateway's 408) would be read as the answer to the
    next request, and every later answer by the request after its own.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)
        self._factory = partial(Protocol, loop=self._loop)  # type: ignore[assignment]  # partial is invariant

    def close_idle(self) -> None:
        """Close all connections that no call uses, at once: of TLS, older versions would leave some to the loop."""
        for idle in self._conns.values():
            for protocol, _ in idle:
                if protocol.transport is not None:
                    protocol.transport.abort()
        self._conns.clear()

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's
    ) -> ResponseHandler:
        """Bound all of it: the look-up of the name, all addresses, and TLS."""
        if timeout.sock_connect is None:
            return await super()._create_connection(req, traces, timeout)
        async with Within(timeout.sock_connect):
            return await super()._create_connection(req, traces, aiohttp.ClientTimeout())

    async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
        """
        Connect first, then begin TLS: asyncio can do both in one, but does not close a connection whose task is
        cancelled between the two.
        """
        if not kwargs.pop("ssl", None):
            return await super()._wrap_create_connection(*args, **kwargs)
        del kwargs["server_hostname"]  # `_start_tls_connection` finds it again
        plain, _ = await super()._wrap_create_connection(asyncio.Protocol, *args[1:], **kwargs)  # it drops what comes
        return await self._start_tls_connection(plain, kwargs["req"], kwargs["timeout"], kwargs["client_error"])

    async def _get(self, *args: Any) -> Connection | None:
        while (idle := await super()._get(*args)) is not None:
            assert idle.protocol is not None
            if not _has_unasked_data(idle.protocol):
                return idle
            idle.close()
        return None


def _has_unasked_data(protocol: ResponseHandler) -> bool:
    """Tell whether anything has come since the last answer, be it half a line, or not yet read from the socket."""
    if protocol.should_close or protocol.transport is None:
        return True
    if isinstance(protocol, Protocol) and not protocol.is_unused():
        return True
    return _readable(protocol.transport.get_extra_info("socket").fileno())


if sys.platform == "win32":

    def _readable(number: int) -> bool:
        return bool(select.select([number], [], [], 0)[0])

else:

    def _readable(number: int) -> bool:
        poll = select.poll()  # select.select refuses file numbers from 1024 on
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))
