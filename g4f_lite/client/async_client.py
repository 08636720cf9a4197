"""The asynchronous client: `client.py` with `await`."""

from __future__ import annotations

import ssl
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Self, Unpack

from ..errors.exceptions import ConfigurationError, InvalidRequestError
from ..forks import preload_before_fork
from ..routing.strategies import Strategy
from ..transport.async_http import AsyncHTTPTransport
from ..transport.common import check_proxy, check_ssl_context
from ..types.checks import seconds
from .async_driver import AsyncDriver
from .base import BaseClient
from .resources.chat import AsyncChat
from .settings import ClientSettings

if TYPE_CHECKING:
    from .resources.audio import AsyncAudio
    from .resources.embeddings import AsyncEmbeddings
    from .resources.images import AsyncImages
    from .resources.models import AsyncModels

preload_before_fork(
    "g4f_lite.client.async_stream",
    "g4f_lite.client.resources.audio",
    "g4f_lite.client.resources.embeddings",
    "g4f_lite.client.resources.images",
    "g4f_lite.client.resources.models",
    "g4f_lite.client.resources.tools",
)


class AsyncClient(BaseClient):
    """
    `Client` for asyncio: the same arguments, results and errors.

    One client may serve several event loops, one after another or at the same time: it keeps one session for each,
    which is closed with its loop.

    Args:
        hedge_after: seconds after which the next leg starts beside a leg that has no content; the first with
            content wins, the other is cancelled. Both may be billed.
        proxy, ssl_context, settings: as for `Client`.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        hedge_after: float | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        super().__init__(settings, "proxy", "ssl_context", "hedge_after")
        http = AsyncHTTPTransport(proxy=check_proxy(proxy), ssl_context=check_ssl_context(ssl_context))
        self._calls.drop_closed_loops = http.drop_closed_loops
        self._driver = AsyncDriver(http, _checked(hedge_after), self._calls.link)
        self.chat = AsyncChat(self._calls, self._driver)

    @property
    def embeddings(self) -> AsyncEmbeddings:
        from .resources.embeddings import AsyncEmbeddings

        return AsyncEmbeddings(self._calls, self._driver)

    @property
    def audio(self) -> AsyncAudio:
        from .resources.audio import AsyncAudio

        return AsyncAudio(self._calls, self._driver)

    @property
    def images(self) -> AsyncImages:
        from .resources.images import AsyncImages

        return AsyncImages(self._calls, self._driver)

    @property
    def models(self) -> AsyncModels:
        from .resources.models import AsyncModels

        return AsyncModels(self._calls, self._driver)

    def with_routes(
        self,
        routes: Sequence[str | tuple[str, ...]],
        strategy: str | Strategy = "order",
        *,
        named: Container[str] | None = None,
    ) -> Self:
        """
        Return a client whose calls take other routes. It shares the connections, the keys, and what is known of legs.

        Each route is a tier; those of a tuple are one tier, which the strategy orders. A model in a route is the one
        that is asked at each endpoint.

        Closing one of them closes the connections of both.

        Args:
            named: the routes whose models may be seen in the labels of metrics; None for all of these.

        Raises:
            ConfigurationError: a route or the strategy cannot work.
        """
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin._calls = self._calls.with_routes(routes, strategy, named=named)
        twin.chat = AsyncChat(twin._calls, self._driver)
        return twin

    async def aclose(self) -> None:
        """As `Client.close`, for this event loop."""
        self._calls.close_abandoned()
        await self._driver.http.aclose()
        if self._calls.link is not None:
            self._calls.link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


def _checked(hedge_after: float | None) -> float | None:
    try:
        return None if hedge_after is None else seconds("hedge_after", hedge_after)
    except InvalidRequestError as error:  # the check is that of a call's keywords; here it is a setting
        raise ConfigurationError(error.message) from None
