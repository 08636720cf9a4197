"""aiohttp's server, with the gateway's answer to what is no HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError, LineTooLong

from ..openai.mapping.answers import JSON
from .dialects import dialect_of
from .failures import NOT_HTTP, OUR_FAULT, RefusedError, error_headers

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

log = logging.getLogger("g4f_lite.gateway")

_http_log = logging.getLogger("g4f_lite.gateway.http")

_MISTAKES: tuple[tuple[type[Exception], str], ...] = (
    (ContentEncodingError, "the Content-Encoding is not known here; send the body as gzip or deflate, or as it is"),
    (LineTooLong, "a line of the request has more than 8190 bytes, the most that are allowed"),
    (Exception, "the request is no HTTP/1.1"),
)
"""What the caller is told of aiohttp's exceptions; their own texts quote what has come."""


def _without_bytes(entry: logging.LogRecord) -> bool:
    """Log of what is no HTTP only the kind of mistake: aiohttp would quote it, and a key may be in it."""
    error = entry.exc_info[1] if entry.exc_info else None
    if not isinstance(error, (HttpProcessingError, web.RequestPayloadError)):
        return True
    log.info("what %s has sent is no HTTP: %s", *entry.args or ("a caller",), type(error).__name__)
    return False


_http_log.addFilter(_without_bytes)


def new_id() -> str:
    """Return the id of a request."""
    return f"g4f-{os.urandom(16).hex()}"


class _Connection(web.RequestHandler):
    """aiohttp's, whose answer to a mistake is a text that quotes what has come."""

    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)  # it logs, and raises if an answer has begun
        mistake = next((text for kind, text in _MISTAKES if isinstance(exc, kind)), _MISTAKES[-1][1])
        error = RefusedError(OUR_FAULT, "") if status >= 500 else RefusedError(NOT_HTTP, mistake)
        request_id = new_id()
        status, body = dialect_of(request.path).error(error, request_id)
        headers = {"Content-Type": JSON, **error_headers(error, request_id)}
        response = web.Response(status=status, headers=headers, body=body)
        response.force_close()
        return response


class Server(web.Server):
    """
    Makes a connection for each caller.

    Args:
        most: bytes of a request's body.
    """

    def __init__(self, answer: Answer, most: int) -> None:
        def request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
            loop = asyncio.get_running_loop()
            return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=most)

        super().__init__(answer, request_factory=request, handler_cancellation=True, access_log=None, logger=_http_log)

    def __call__(self) -> web.RequestHandler:
        connection = super().__call__()
        connection.__class__ = _Connection  # aiohttp takes no class for them
        return connection
