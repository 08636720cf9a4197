"""A whole answer that is sent at once: aiohttp's own way of a response takes as long as all else of its server."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from aiohttp import HttpVersion11, web
from aiohttp.http import SERVER_SOFTWARE

_AT_ONCE = 1 << 15
"""Bytes that a transport takes without a wait, if it holds none: half of what it holds at most."""
_HEAD = re.compile(r"(?:[\t -~]*\r\n)*")


class WholeAnswer(web.Response):
    """
    A successful answer.

    Args:
        own: its headers.
    """

    def __init__(self, own: Mapping[str, str], body: bytes) -> None:
        super().__init__(body=body)
        self._own, self._content = own, body
        self._is_sent = False

    @property
    def prepared(self) -> bool:
        return self._is_sent or super().prepared

    @property
    def keep_alive(self) -> bool | None:
        return self._is_sent or super().keep_alive

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send all of it if nothing stands against that; else begin as aiohttp does."""
        transport = request.transport
        if (
            super().keep_alive is None  # else it is the last one
            and request.keep_alive
            and request.version == HttpVersion11
            and request.method != "HEAD"
            and len(self._content) < _AT_ONCE
            and transport is not None
            and not (transport.is_closing() or transport.get_write_buffer_size())
        ):
            lines = "".join([f"{name}: {value}\r\n" for name, value in self._own.items()])
            if _HEAD.fullmatch(lines):
                head = f"HTTP/1.1 200 OK\r\n{lines}{_ours(len(self._content), int(time.time()))}"
                transport.write(head.encode("ascii") + self._content)
                self._is_sent = True
                return None
        self.headers.update(self._own)
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the rest."""
        if not self._is_sent:
            await super().write_eof(data)


@lru_cache(maxsize=64)
def _ours(length: int, now: int) -> str:
    """Return the headers that each answer has, and the end of the head."""
    return f"Content-Length: {length}\r\nDate: {formatdate(now, usegmt=True)}\r\nServer: {SERVER_SOFTWARE}\r\n\r\n"
