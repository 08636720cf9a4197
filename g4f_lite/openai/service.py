"""
One service with OpenAI's protocol, asked as the real client asks it: the bytes that its caller wrote are sent.

Rule: one request of the caller's library is one attempt here, which that library may repeat; nothing is remembered of
a failure, and no other service or model is asked.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from tenacity import stop_after_attempt

from ..client.async_client import AsyncClient
from ..client.client import Client
from ..errors.exceptions import ProviderError
from ..errors.reply import ErrorReply
from ..health.tracker import Health
from ..provider.leg import Leg
from ..provider.openai_protocol.chat import OpenaiTemplate
from ..types.audio import Speech, SpeechRequest
from ..types.chat import ChatCompletion
from ..types.chat_request import ChatRequest
from ..types.endpoint import Answer, EndpointRequest
from ..types.http import HTTPRequest, HTTPResponse
from ..value import decode_json

HOP_BY_HOP = frozenset(
    "connection content-encoding content-length keep-alive proxy-authenticate proxy-connection set-cookie te trailer"
    " transfer-encoding upgrade".split()
)
"""Headers that belong to one connection, or to the form in which a body was sent."""
_NOT_SENT = HOP_BY_HOP | {"accept-encoding", "host"}
_MOST_SERVICES = 64
_NOTHING = "(?!)"
"""A pattern that is found in no text."""


class Exchange:
    """
    What is sent in one call, and the headers of the response.

    Args:
        headers: of the caller's request, names in lower case.
    """

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        kept = {name: value for name, value in headers.items() if name not in _NOT_SENT}
        self.request = HTTPRequest(method=method, url=url, headers=kept, body=body)
        self.received: dict[str, str] = {}
        self.completion: bytes | None = None
        """The body of a whole answer to a chat, as it came."""

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the response."""
        self.received = {name: value for name, value in headers.items() if name not in HOP_BY_HOP}


current: ContextVar[Exchange] = ContextVar("current")
"""The exchange of the call under way: a provider's code runs in the thread and the task of its caller."""


class Service(OpenaiTemplate):
    """The service at an address. It neither adapts requests nor expects anything of a model."""

    name = "openai"
    needs_auth = False
    capabilities = frozenset(
        {"streaming", "tools", "json_schema", "vision", "audio", "prefill"}
        | {"embeddings", "transcription", "translation", "speech", "images"}
    )
    not_ready = _NOTHING  # the caller's library decides whether to ask again

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        return current.get().request

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        return current.get().request

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        exchange = current.get()
        exchange.heard(response.headers)
        completion = super().parse_response(response)
        exchange.completion = response.body
        return completion

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        current.get().heard(response.headers)
        if isinstance(request, SpeechRequest) and _is_plain_object(response):
            return Speech(content=response.body, content_type="application/json")  # audio inside JSON, with its times
        return super().parse_operation(request, response)

    def classify_error(self, reply: ErrorReply) -> ProviderError:
        if not reply.in_stream:
            current.get().heard(reply.headers)
        return super().classify_error(reply)


def _is_plain_object(response: HTTPResponse) -> bool:
    decoded = decode_json(response.body) if response.body[:1] == b"{" else None
    return isinstance(decoded, dict) and "error" not in decoded


class Services:
    """
    The services that a client has asked, by address and key, which its caller may change at any time.

    Args:
        name: what trails call them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[tuple[str, str | None], Service] = {}

    def at(self, url: str, key: str | None) -> Service:
        """
        Return the service at an address.

        Raises:
            ConfigurationError: it is no address of a service.
        """
        if (known := self._known.get((url, key))) is None:
            if len(self._known) >= _MOST_SERVICES:
                self._known.clear()
            known = self._known[url, key] = Service(name=self._name, api_base=url, api_key=key)
        return known


class _Forgetful(Health):
    """Remembers nothing: a refusal, a rate limit or a failure is the caller's to deal with, as with the real client."""

    def answered(self, leg: Leg, now: float, *, number: int = 0, ended: bool = True, **how: Any) -> None:
        if ended:
            self.released(leg, number)

    def failed(self, leg: Leg, error: ProviderError, now: float, *, number: int = 0, **how: Any) -> bool:
        self.released(leg, number)
        return False


class ServiceClient(Client):
    """
    A client that asks once and remembers no failure.

    Args:
        http: makes the connections in the place of the client's own transport.
    """

    def __init__(self, http: Any = None) -> None:
        super().__init__(retries=0, retry_stop=stop_after_attempt(1))
        self._driver.http = self._driver.http if http is None else http
        self._calls.health = self._calls.router.health = _Forgetful(random.random)


class AsyncServiceClient(AsyncClient):
    """As `ServiceClient`."""

    def __init__(self, http: Any = None) -> None:
        super().__init__(retries=0, retry_stop=stop_after_attempt(1))
        self._driver.http = self._driver.http if http is None else http
        self._calls.health = self._calls.router.health = _Forgetful(random.random)
