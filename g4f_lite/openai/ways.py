"""
The two ways to answer a request: through a client's routes, or at the one service that it was meant for. No I/O.

Rule: a transport reads the request, prepares the call here, makes it, and answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ..client.base import BaseClient
from ..types.timeouts import Timeouts
from ..value import JSONObject
from .mapping.arguments import METHODS, arguments, essential_arguments
from .mapping.requests import Asked
from .service import Exchange, Services

RETRIES = "x-g4f-retries"
"""The header in which our own clients tell the transport how often a leg may be tried again."""
_FOREVER = 1e9
"""Seconds that stand for no limit."""
_OF_THE_LIBRARY = ("x-stainless-", "x-g4f-", "accept", "content-", "openai-")
_NOT_FOR_OTHERS = frozenset({"connection", "host", "idempotency-key", "transfer-encoding", "user-agent"})
_SECRET = ("auth", "key", "token", "cookie", "secret")


class Incoming(NamedTuple):
    """A request as its library built it."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    timeout: Mapping[str, float | None]
    """Seconds: `connect`, `read` and others, as in httpx."""


class Prepared(NamedTuple):
    """The call to make."""

    method: str
    """The method of the client, such as `chat.completions.create`."""
    keywords: JSONObject
    exchange: Exchange | None
    """What the service is sent, if it is one alone."""


class Way(Protocol):
    """How requests are answered."""

    retries: bool
    """Whether the call itself is repeated where that is worthwhile, so that the caller's library need not do it."""

    def prepare(self, asked: Asked, incoming: Incoming) -> Prepared: ...


class ThroughRoutes:
    """Through the routes of a client, which retries and fails over."""

    retries = True

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def prepare(self, asked: Asked, incoming: Incoming) -> Prepared:
        """
        Return the call that a request asks for; its deadline is the client's, or the caller's if that is shorter.

        Raises:
            InvalidRequestError: the request cannot be called.
        """
        keywords: JSONObject = {}
        if (read := incoming.timeout.get("read")) is not None:
            keywords["deadline"] = min(read, self._client._calls.policy.deadline)
        if (retries := incoming.headers.get(RETRIES, "")).isdecimal():
            keywords["retries"] = int(retries)
        if asked.operation not in ("models", "model") and (headers := _for_others(incoming.headers)):
            keywords["extra_headers"] = headers
        return Prepared(METHODS[asked.operation], {**keywords, **arguments(asked)}, None)


class AtOneService:
    """At the address of the request, with the request's key; the caller's library repeats what fails."""

    retries = False

    def __init__(self, name: str) -> None:
        self._services = Services(name)

    def prepare(self, asked: Asked, incoming: Incoming) -> Prepared:
        """
        Return the call that sends the request to its service.

        Raises:
            InvalidRequestError, ConfigurationError: the request cannot be sent.
        """
        parts = urlsplit(incoming.url)
        base = f"{parts.scheme}://{parts.netloc}{asked.place.base}"
        service = self._services.at(base, _key_in(incoming.headers))
        url = incoming.url
        if asked.operation == "model":  # it is looked for in the list
            url = f"{base}/models" + (f"?{parts.query}" if parts.query else "")
        connect, read = (incoming.timeout.get(name) or _FOREVER for name in ("connect", "read"))
        keywords: JSONObject = {
            "provider": service,
            "deadline": read,
            "timeouts": Timeouts(connect=connect, first_token=read, stall=read, total=read),
            **essential_arguments(asked),
        }
        exchange = Exchange(incoming.method, url, incoming.headers, incoming.body)
        return Prepared(METHODS[asked.operation], keywords, exchange)


def _key_in(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries as a bearer token; None if there is none that can be one."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    usable = scheme.lower() == "bearer" and key.isascii() and key.isprintable() and " " not in key
    return key if key and usable else None


def _for_others(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that go to whichever service is asked: those of the caller, but nothing that may be secret."""
    return {
        name: value
        for name, value in headers.items()
        if not name.startswith(_OF_THE_LIBRARY)
        and name not in _NOT_FOR_OTHERS
        and not any(word in name for word in _SECRET)
    }


def announced(timeout: Any) -> dict[str, float | None]:
    """Return the limits that a request of httpx carries, without those that are none."""
    given = timeout if isinstance(timeout, Mapping) else {}
    return {name: limit if limit is not None and 0 < limit < math.inf else None for name, limit in given.items()}
