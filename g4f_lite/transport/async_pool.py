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
from aiohttp.http_exceptions import HttpProcessingError


class Protocol(ResponseHandler):
    """
    aiohttp's, which loses an answer if bytes that are not HTTP come behind it in one piece, and lets the reader of a
    body wait until its limit if the body's framing is broken.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._awaits_head = True

    def set_response_params(self, **params: Any) -> None:
        self._awaits_head = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if self._awaits_head and (end := data.find(b"\r\n\r\n") + 4) > 3:
            self._awaits_head = False
            super().data_received(data[:end])  # by itself: what breaks the rest does not take the head along
            if not (data := data[end:]):
                return
        super().data_received(data)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        if isinstance(exc, HttpProcessingError) and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(exc, *cause)


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

    async def _get(self, *args: Any) -> Connection | None:
        while (idle := await super()._get(*args)) is not None:
            assert idle.protocol is not None
            if not _has_unasked_data(idle.protocol):
                return idle
            idle.close()
        return None


def _has_unasked_data(protocol: ResponseHandler) -> bool:
    """Tell whether anything has come since the last answer, be it half a line, or not yet read from the socket."""
    if protocol.should_close or protocol._parser is None or protocol.transport is None:
        return True
    try:
        if protocol._parser.feed_eof() is not None:  # the beginning of another answer
            return True
    except Exception:  # the beginning was not even HTTP; aiohttp raises errors of many kinds here
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
