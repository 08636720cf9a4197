"""The synchronous client."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Self, Unpack

from ..forks import preload_before_fork
from ..transport.common import check_proxy, check_ssl_context
from ..transport.sync_http import HTTPTransport
from .base import BaseClient
from .driver import Driver
from .resources.chat import Chat
from .settings import ClientSettings

if TYPE_CHECKING:
    from .resources.audio import Audio
    from .resources.embeddings import Embeddings
    from .resources.images import Images
    from .resources.models import Models

preload_before_fork(
    "g4f_lite.client.stream",
    "g4f_lite.client.resources.audio",
    "g4f_lite.client.resources.embeddings",
    "g4f_lite.client.resources.images",
    "g4f_lite.client.resources.models",
    "g4f_lite.client.resources.tools",
)


class Client(BaseClient):
    """
    Sends chats to whichever provider can answer. Threads may share it, and it survives a fork. Close it, or use `with`.

    Args:
        proxy: for all requests; by default `HTTP(S)_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment.
        ssl_context: for all connections; by default the authorities of `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE`, else
            the system's and certifi's.
        settings: see docs/clients.md. All times are seconds.

    Raises:
        ConfigurationError: a setting cannot work.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        super().__init__(settings, "proxy", "ssl_context")
        http = HTTPTransport(proxy=check_proxy(proxy), ssl_context=check_ssl_context(ssl_context))
        self._driver = Driver(http, self._calls.link)
        self.chat = Chat(self._calls, self._driver)

    @property
    def embeddings(self) -> Embeddings:
        from .resources.embeddings import Embeddings

        return Embeddings(self._calls, self._driver)

    @property
    def audio(self) -> Audio:
        from .resources.audio import Audio

        return Audio(self._calls, self._driver)

    @property
    def images(self) -> Images:
        from .resources.images import Images

        return Images(self._calls, self._driver)

    @property
    def models(self) -> Models:
        from .resources.models import Models

        return Models(self._calls, self._driver)

    def close(self) -> None:
        """Close idle connections now, the others when their calls end. The next call opens new ones."""
        self._calls.close_abandoned()
        self._driver.http.close()
        if self._calls.link is not None:
            self._calls.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
