"""The answer of a service on its way, over aiohttp: its head, its body piece by piece, and what can go wrong."""

from __future__ import annotations

import asyncio
import ssl
import typing
import weakref
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError

from ..errors.exceptions import ConnectionFailedError, MalformedResponseError, ProviderError, may_end_body
from ..errors.signal_handlers import raised_by_signal_handler
from ..types.time_limit import TimeLimit
from .answer_parser import NotHTTP
from .async_pool import Body, Protocol
from .async_upload import UploadPayload
from .common import DECODED_PIECE, ELSEWHERE, GRACE, MOST_LATE, PIECE, STREAM_PIECE, body_cap, too_large, unreachable
from .decoding import Decoder, NotDecodable, decoder_for
from .plain_answer import PlainAnswer

_NEVER = float("inf")
FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, RuntimeError)
"""What reading a body raises; RuntimeError if the connection has been closed meanwhile."""
_LOST = "the connection was lost before the answer was complete"


class RawResponse:
    """The part of aiohttp's `ClientResponse` that is needed here, for a connection of its own."""

    __slots__ = ("_connection", "content", "headers", "protocol", "status")

    def __init__(self, connection: Connection) -> None:
        assert isinstance(connection.protocol, Protocol)
        self._connection = connection
        self.protocol = connection.protocol
        self.status = 0
        self.headers: dict[str, str] = {}
        self.content: Body

    def write(self, data: bytes) -> None:
        transport = self._connection.transport
        if transport is None:
            raise aiohttp.ServerDisconnectedError
        self.expect()
        transport.write(data)

    def expect(self) -> None:
        """Prepare for the response."""
        self.protocol.set_response_params()

    async def read_head(self) -> None:
        head, self.content = await self.protocol.read_head()
        self.status, self.headers = head.status, head.fields

    @property
    def connection(self) -> Connection:
        return self._connection

    def release(self) -> None:
        self._connection.release()

    def close(self) -> None:
        self._connection.close()


class Session(typing.Protocol):
    """What a stream knows of the session to which its connection belongs."""

    streams: weakref.WeakSet[AsyncByteStream]
    """Those that may still be read."""

    def left(self) -> None:
        """Call this when a call or stream has ended."""


class AsyncByteStream:
    """
    The body of an answer, piece by piece. Close it, or read it to its end.

    Attributes:
        session: is told when the stream is closed.
    """

    session: Session | None = None
    _rest = b""
    """Of what was read, what is returned next."""
    _in_parts = True

    def __init__(
        self,
        response: aiohttp.ClientResponse | RawResponse | PlainAnswer,
        limit: TimeLimit,
        loop: asyncio.AbstractEventLoop,
        upload: UploadPayload | None = None,
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {}
        if response.headers:  # else they come after `start`
            self.headers = lower(response.headers)
            limit.on_headers()
        self._response = response
        self._freed = False
        self._limit = limit
        self._loop = loop
        self._waiting: ResponseHandler | aiohttp.StreamReader | PlainAnswer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = _NEVER
        self._late = self._late_pieces = 0
        self._full = False
        self._decoder: Decoder | None = None
        if "content-encoding" in self.headers:
            self._decoder = decoder_for(self.headers)
        self._upload = upload
        if upload is not None:
            upload.answered()

    def __del__(self) -> None:
        if not self._freed:
            try:  # a finaliser may run in any thread, and in the middle of anything
                self._loop.call_soon_threadsafe(_free, self._response, self._timer, self.session)
            except RuntimeError:
                pass  # the loop has closed, and its session with it

    async def start(self, request: bytes) -> None:
        """Send the request and wait for the headers of the answer."""
        response = self._response
        assert isinstance(response, (RawResponse, PlainAnswer))
        response.write(request)
        del request  # it holds the key, and tracebacks may be shown with local variables
        self._await(response.protocol)
        try:
            await response.read_head()
        finally:
            self._waiting = None
        self._limit.on_headers()
        self.status = response.status
        self.headers = response.headers
        if "content-encoding" in self.headers:
            self._decoder = decoder_for(self.headers)

    def read(self) -> Coroutine[Any, Any, bytes]:
        """
        Return up to `STREAM_PIECE` bytes of what has arrived, waiting for at least one; b"" at the end.

        Raises:
            ProviderError: the limit is reached, or the body is cut or broken.
        """
        return self._read_raw() if self._decoder is None else self._read_decoded(self._decoder)

    async def _read_decoded(self, decoder: Decoder) -> bytes:
        while True:
            try:
                if piece := decoder.take(DECODED_PIECE):
                    self._check_limit(piece)  # a few bytes of the socket, where the limit is asked, can be many pieces
                    await asyncio.sleep(0)
                    return piece
                if not (raw := await self._read_raw()):
                    decoder.finish()
                    return b""
            except NotDecodable as error:
                raise MalformedResponseError(str(error), status=self.status) from error
            decoder.feed(raw)

    def _check_limit(self, piece: bytes) -> None:
        if self._limit.expired():
            self._late_pieces += 1
            if self._late_pieces > MOST_LATE or (self._late_pieces == 1 and self._full):
                raise self._limit.error()
        self._full = len(piece) == DECODED_PIECE

    async def _read_raw(self) -> bytes:
        if self._rest:
            await asyncio.sleep(0)
            return self._part(self._rest)
        piece = await self._receive()
        if self._decoder is None:
            self._full = len(piece) == PIECE
        if piece[PIECE - 1 :]:  # there may be more already: reading it would not wait, and no other task would run
            await asyncio.sleep(0)
        return self._part(piece) if piece[STREAM_PIECE:] else piece

    async def _receive(self) -> bytes:
        if asyncio.get_running_loop() is not self._loop:
            raise ConnectionFailedError(ELSEWHERE, kind="reset")
        content = self._response.content
        self._await(content)
        try:
            return await content.read(PIECE)
        except FAILURES as error:
            if self._loop.is_closed():  # what ends its coroutines meets whatever is left of them
                raise
            raise translate(error, self._limit) from error
        finally:
            self._waiting = None

    def _part(self, piece: bytes) -> bytes:
        """Return the beginning of a piece; the limit counts whole pieces."""
        if self._decoder is None and self._in_parts:
            piece, self._rest = piece[:STREAM_PIECE], piece[STREAM_PIECE:]
        return piece

    @property
    def has_rest(self) -> bool:
        """Whether the next `read` returns what has come together with the last piece."""
        return bool(self._rest)

    async def read_all(self) -> bytes:
        """
        Return the whole body; of an error, its beginning.

        Raises:
            ProviderError: as `read`, or it is too large.
        """
        self._in_parts = False
        cap = body_cap(self.status, self._limit.max_bytes)
        body = bytearray()
        try:
            while piece := await self.read():
                body += piece
                if len(body) > cap:
                    if 200 <= self.status < 300:
                        raise too_large(self.status, self._limit.max_bytes)
                    del body[cap:]
                    break
                if self._decoder is None and self._response.content.at_eof():
                    break
        except ProviderError as error:
            if not may_end_body(self.status, error):
                raise
        return bytes(body)

    def _await(self, source: ResponseHandler | aiohttp.StreamReader | PlainAnswer) -> None:
        """
        From now on, waiting for this ends at the limit.

        Raises:
            ProviderError: the limit is reached already.
        """
        try:
            remaining = self._limit.remaining()
        except ProviderError:
            if self._is_too_late(source):
                raise
            remaining = 0.0
        self._waiting = source
        if self._timer is None or self._limit.expires_at < self._fires_at:
            self._arm(remaining)

    def _is_too_late(self, source: ResponseHandler | aiohttp.StreamReader | PlainAnswer) -> bool:
        """
        Return whether nothing more is read, now that the limit is reached.

        The loop may have been held up past it: then what is there is read. An end that is there costs no piece.
        """
        self._late += isinstance(source, ResponseHandler) or not source.is_eof()
        return self._late > MOST_LATE or (self._late == 1 and self._full)

    def _arm(self, remaining: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fires_at = self._limit.expires_at
        if self._limit.expires_at != _NEVER:
            # Through a weak reference: the timer must not keep a dropped stream alive.
            self._timer = self._loop.call_later(remaining, _fire, weakref.ref(self))

    def fire(self) -> None:
        """One timer for the answer, set again when it turns out that data has come meanwhile."""
        self._timer = None
        if self._waiting is None or has_arrived(self._waiting):  # the loop may have been held up past the limit
            return
        remaining = self._limit.expires_at - self._limit.now()
        if remaining <= 0:
            self._waiting.set_exception(TimeoutError())
        else:
            self._arm(remaining)

    async def finish(self) -> None:
        """Give the connection back if the body ends at once, else close it."""
        if not self._response.content.at_eof():
            self._limit.expires_at = self._limit.now() + GRACE
            try:
                while await self.read():
                    pass
            except ProviderError:
                pass
        await self.close()

    async def close(self) -> None:
        """Free the connection: to the pool if the body has been read, else closed."""
        self.free()

    def free(self) -> None:
        """As `close`; nothing in it waits."""
        if not self._freed:
            self._freed = True
            if self._waiting is not None:  # another task reads
                self._waiting.set_exception(aiohttp.ClientConnectionError())
            if self._upload is not None:
                self._upload.end(well=self._response.content.at_eof())
            try:
                _free(self._response, self._timer, self.session)
            except RuntimeError:
                if not self._loop.is_closed():  # else its session has closed with it
                    raise


def _free(
    response: aiohttp.ClientResponse | RawResponse | PlainAnswer,
    timer: asyncio.TimerHandle | None,
    session: Session | None,
) -> None:
    if timer is not None:
        timer.cancel()
    content = getattr(response, "content", None)  # none: its headers never came
    if content is not None and content.at_eof():
        response.release()
    else:
        if response.connection is not None and response.connection.transport is not None:
            response.connection.transport.abort()  # closing would wait until a server that does not read has read all
        response.close()
    if session is not None:
        session.left()


def has_arrived(source: ResponseHandler | aiohttp.StreamReader | PlainAnswer) -> bool:
    """Whether reading it would not wait."""
    return isinstance(source, (Body, Protocol, PlainAnswer)) and source.has_arrived()


def _fire(stream: weakref.ref[AsyncByteStream]) -> None:
    if (alive := stream()) is not None:
        alive.fire()


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def lacks_thread(error: BaseException) -> bool:
    """Return whether no thread could be started: asyncio resolves the names of hosts in threads."""
    return isinstance(error, RuntimeError) and "start new thread" in str(error)


def translate(error: BaseException, limit: TimeLimit) -> ProviderError:
    """
    Return our exception for one of aiohttp or the socket.

    Raises:
        BaseException: what a signal handler of the program raised, such as its own TimeoutError.
    """
    if (interruption := raised_by_signal_handler(error)) is not None:
        raise interruption
    if lacks_thread(error):
        return ConnectionFailedError(f"the host's name cannot be resolved: {error}", kind="dns")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return limit.connect_error()
    if isinstance(error, TimeoutError):
        return limit.error()
    if isinstance(error, aiohttp.ClientHttpProxyError):  # its own text has the proxy's password
        return ConnectionFailedError(f"the proxy cannot be used: {error.status} {error.message}"[:200], kind="proxy")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        reason = unreachable(f"{error.host}:{error.port}", error.os_error)
        return ConnectionFailedError(f"the proxy cannot be used: {reason}", kind="proxy")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ConnectionFailedError(f"the name {error.host!r} cannot be resolved", kind="dns")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return ConnectionFailedError(f"no secure connection: {error}"[:200], kind="tls")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectionFailedError(unreachable(f"{error.host}:{error.port}", error.os_error), kind="refused")
    if isinstance(error, aiohttp.InvalidURL):
        return ConnectionFailedError("the base URL is not an address", kind="dns")
    if isinstance(error, NotHTTP):
        return MalformedResponseError(f"the answer is not HTTP: {error}")
    if isinstance(error, (aiohttp.ClientResponseError, HttpProcessingError)):
        return MalformedResponseError("the answer is not HTTP")
    return ConnectionFailedError(_LOST, kind="reset")
