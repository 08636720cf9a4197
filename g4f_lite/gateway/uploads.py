"""The body of a request, read as it comes; of a form, what is large is kept on disk until the call has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ..openai.mapping.forms import FormReader
from ..openai.mapping.requests import Asked, Place
from ..transport.async_threads import off_loop
from .dialects import Dialect
from .failures import NO_SPACE, TOO_LARGE, TOO_SLOW, RefusedError

log = logging.getLogger("g4f_lite.gateway")

IN_MEMORY = 4 << 20
"""Bytes of a file, or of the fields, that are kept in memory."""
_BLOCK = 1 << 18
_FORM = "multipart/form-data"


def is_form(request: web.BaseRequest) -> bool:
    """Return whether a request has a form."""
    return request.headers.get("Content-Type", "")[: len(_FORM)].lower() == _FORM


async def let_it_send(request: web.BaseRequest) -> None:
    """Answer `Expect: 100-continue`: its caller sends the body once it knows that it is wanted, or after a second."""
    if request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def too_large(most: int) -> RefusedError:
    return RefusedError(TOO_LARGE, f"the request has more than {most} bytes, the most that are allowed")


async def pieces_of(request: web.BaseRequest, most: int, stall: float) -> AsyncIterator[bytes]:
    """
    Yield the body of a request as it comes.

    Raises:
        RefusedError: it has more than `most` bytes, or nothing has come for `stall` seconds.
    """
    size = 0
    while True:
        try:
            async with asyncio.timeout(stall):
                data = await request.content.readany()
        except TimeoutError:
            raise RefusedError(TOO_SLOW, f"nothing of the request's body has come for {stall:g} s") from None
        if not data:
            return
        size += len(data)
        if size > most:
            raise too_large(most)
        yield data
        if request.content.at_eof():  # another wait with a limit would take as long as this one
            return


@asynccontextmanager
async def reading_form(
    request: web.BaseRequest, place: Place, dialect: Dialect, *, most: int, stall: float
) -> AsyncIterator[Asked]:
    """
    Read a form, for as long as the block lasts: then what is on disk is removed.

    Args:
        most: bytes of the request.
        stall: seconds for which nothing of it may come.

    Raises:
        InvalidRequestError: it cannot be read, or is not what the endpoint takes.
        RefusedError: it is too large, or does not come, or cannot be kept on disk.
        ConnectionError, asyncio.CancelledError: the caller has left.
    """
    reader = FormReader(request.headers["Content-Type"], IN_MEMORY)
    try:
        await _read(request, reader, most, stall)
        yield dialect.checked(Asked(place, *reader.end()))
    finally:
        reader.close()


async def _read(request: web.BaseRequest, reader: FormReader, most: int, stall: float) -> None:
    size, block = 0, bytearray()
    async for data in pieces_of(request, most, stall):
        size += len(data)
        block += data
        if len(block) >= _BLOCK:
            await _feed(reader, bytes(block), blocks=size > IN_MEMORY)
            block.clear()
    await _feed(reader, bytes(block), blocks=size > IN_MEMORY)


async def _feed(reader: FormReader, data: bytes, *, blocks: bool) -> None:
    """Let it read on: in a thread, once it may wait for a disk."""
    try:
        if not blocks:
            reader.feed(data)
            return
        feeding = asyncio.ensure_future(off_loop(reader.feed, data))
        try:
            await asyncio.shield(feeding)
        except asyncio.CancelledError:
            await asyncio.wait([feeding])  # the file is not to be closed under it
            raise
    except OSError as error:
        log.error("an upload cannot be kept on disk: %s", error)
        raise RefusedError(NO_SPACE, "the gateway cannot keep the upload on its disk: it may be full") from None
