"""The pool of `AsyncClient`'s connections: none of them is used again after it has said something unasked."""

from __future__ import annotations

import select
import sys
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection


class Connector(aiohttp.TCPConnector):
    """
    aiohttp's, which hands out idle connections without a look at what has arrived on them.

    What a service sends unasked (a second answer, a gateway's 408) would be read as the answer to the
    next request, and every later answer by the request after its own.
    """

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
