"""The endpoints of `/admin/api/`: who may ask, what is asked, and the answer."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import msgspec
from aiohttp import web

from ...errors.exceptions import G4FLiteError
from ...errors.suggestions import did_you_mean
from ...openai.mapping.answers import JSON
from ...value import JSONObject
from ..failures import BAD_KEY, BAD_REQUEST, NO_STORE, NO_SUCH_PATH, RefusedError
from ..keys import is_admin
from ..uploads import pieces_of
from .query import Query
from .site import page
from .views import Views

log = logging.getLogger("g4f_lite.gateway")

_PREFIX = "/admin/api/"
_MOST_BODY = 64 << 10

_ENDPOINTS: tuple[tuple[str, str, Callable[..., Awaitable[JSONObject]]], ...] = (
    ("GET", "status", Views.status),
    ("GET", "routes", Views.routes),
    ("GET", "calls", Views.calls),
    ("GET", "calls/([^/]+)", Views.call),
    ("GET", "spend", Views.spend),
    ("GET", "keys", Views.keys),
    ("GET", "config", Views.config),
    ("POST", "keys", Views.new_key),
    ("PATCH", "keys/([^/]+)", Views.change_key),
    ("DELETE", "keys/([^/]+)", Views.delete_key),
    ("POST", "keys/([^/]+)/rotate", Views.rotate_key),
    ("POST", "routes/(.+)/rest", Views.rest),
    ("POST", "routes/(.+)/wake", Views.wake),
)
"""Method, path, and who answers, with the parts of the path in parentheses."""
_READING = ("GET", "HEAD")
_LIVE = "live"
_KNOWN = [f"{_PREFIX}{path}" for method, path, _ in _ENDPOINTS if method == "GET" and "(" not in path]
_KNOWN.append(f"{_PREFIX}{_LIVE}")


class AdminAPI:
    """
    Answers `/admin/api/…` and the page.

    Args:
        key: the hash of the administrator's key.
        stall: seconds for which nothing of a body may come.
    """

    def __init__(self, views: Views, key: str, *, stall: float) -> None:
        self._views = views
        self._key = key
        self._stall = stall

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """
        Return the answer to a request; None if its path is not one of these.

        Raises:
            RefusedError, G4FLiteError: it is refused, and nothing has changed.
        """
        if not request.path.startswith(_PREFIX):
            return page(request)
        if not is_admin(request.headers, self._key):
            raise RefusedError(BAD_KEY, "this is for the administrator; send the key as Authorization: Bearer g4f-…")
        path = request.rel_url.raw_path[len(_PREFIX) :]
        if path == _LIVE and request.method == "GET":
            return await self._views.live(request)
        handler, parts = _handler(request.method, path)
        body = b"".join([data async for data in pieces_of(request, _MOST_BODY, self._stall)])
        query = Query(request.query, body)
        query.body()  # for its errors, before anything changes
        try:
            answer = await handler(self._views, query, *parts)
        except (OSError, sqlite3.Error) as error:
            raise RefusedError(NO_STORE, f"the file of the gateway cannot be used: {error}") from None
        except G4FLiteError as error:  # without the trail: it is no failure of a call
            raise RefusedError(BAD_REQUEST, str(error)) from None
        if request.method not in _READING:
            self._note(request, path, query)
        content = msgspec.json.encode({"worker": self._views.worker, **answer})
        return web.Response(body=content, headers={"Content-Type": JSON, "Cache-Control": "no-store"})

    def _note(self, request: web.BaseRequest, path: str, query: Query) -> None:
        """Write into the log what the administrator has changed. The secrets are in answers only."""
        line = {
            "at": round(time.time(), 3),
            "event": "change",
            "by": "admin",
            "from": request.remote,
            "change": f"{request.method} {unquote(path)}",
            "body": query.body(),
        }
        log.info("%s", msgspec.json.encode(line).decode())


def _handler(method: str, path: str) -> tuple[Callable[..., Awaitable[JSONObject]], list[str]]:
    """
    Return who answers, and the parts of the path that it is about.

    Raises:
        RefusedError: nobody does.
    """
    methods = ["GET"] if path == _LIVE else []
    for own, pattern, handler in _ENDPOINTS:
        if (found := re.fullmatch(pattern, path)) is not None:
            if own == method or (own == "GET" and method in _READING):
                return handler, [unquote(part) for part in found.groups()]
            methods.append(own)
    whole = f"{_PREFIX}{unquote(path)}"[:80]
    if methods:
        raise RefusedError(NO_SUCH_PATH, f"there is no {method} {whole}; it takes {', '.join(methods)}")
    raise RefusedError(NO_SUCH_PATH, f"there is no {whole}{did_you_mean(whole, _KNOWN)}")
