"""Which transport a client gets, and the httpx client around it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..client.async_client import AsyncClient
from ..client.client import Client
from ..routing.names import ProviderChoice
from .async_transport import AsyncTransport
from .libraries import library_of
from .transport import Transport
from .ways import RETRIES

_NOT_USED = "not-used"
"""The key of a client whose requests all go through routes, which have keys of their own."""


class LazyClient:
    """
    An httpx client that is made when it is needed: many programs only call what a transport answers.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def send(self, request: Any, *, stream: bool) -> Any:
        """As the client's own method."""
        if self._made is None:
            self._made = self._make()
        return self._made.send(request, stream=stream)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()


class Choice:
    """
    What a caller has chosen, and the arguments of the real client that follow from it.

    Args:
        name: of the service, which is also the beginning of its variables in the environment.
        options: the arguments of the real client.

    Raises:
        TypeError: both `routes` and `client` are given, or a client of the other kind.
    """

    def __init__(
        self, name: str, options: dict[str, Any], *, routes: Sequence[Any] | None, client: Any, http_client: Any
    ) -> None:
        if routes is not None and client is not None:
            raise TypeError("give routes or client, not both: a client has routes of its own")
        self.name = name
        self.options = options
        self.routes = routes
        self.client = client
        self.http_client = http_client
        self.one_service = routes is None and client is None
        environment = (f"{name.upper()}_API_KEY", f"{name.upper()}_BASE_URL")
        set_here = any(options.get(argument) is not None for argument in ("api_key", "base_url"))
        self.has_service = self.one_service or set_here or any(map(os.environ.get, environment))
        if not self.one_service and options.get("api_key") is None and not os.environ.get(environment[0]):
            options["api_key"] = _NOT_USED

    def http(self, kind: type[Any], default: type[Any]) -> Any:
        """
        Return the httpx client to give to the real client.

        Args:
            kind: its class, if the caller gave none.
            default: the class of the one that sends what is passed on, if the caller gave none.
        """
        given = self.http_client
        if isinstance(getattr(given, "_transport", None), (Transport, AsyncTransport)):
            return given  # the one of the client that this is a copy of
        if given is None:
            others = LazyClient(default)
            return kind(transport=self._transport(kind, others if self.has_service else None).closing(others))
        library = library_of(given)
        kind = library.AsyncClient if isinstance(given, library.AsyncClient) else library.Client
        return kind(
            transport=self._transport(kind, given),
            headers=given.headers,
            cookies=given.cookies,
            params=given.params,
            timeout=given.timeout,
            follow_redirects=given.follow_redirects,
        )

    def _transport(self, kind: type[Any], others: Any) -> Any:
        transport: Any
        own: Any
        transport, own = (AsyncTransport, AsyncClient) if hasattr(kind, "aclose") else (Transport, Client)
        if self.one_service:
            return transport.to_service(self.name, others, self.http_client)
        if self.client is None:
            made = own(routes=self.routes)
            return transport(made, others=others).closing(made)
        if not isinstance(self.client, own):
            raise TypeError(f"client must be a g4f_lite.{own.__name__}, not {type(self.client).__name__}")
        return transport(self.client, others=others)


class OverRoutes:
    """
    What our classes add to the real ones: it stands before one of them among the bases.

    Args:
        routes: what answers, as for `g4f_lite.Client`; without it, and without `client`, the one service at `base_url`.
        client: a `g4f_lite.Client` that answers, or an `AsyncClient`. It is not closed with this object.
        http_client: as for the real class. It is not closed with this object.
        options: the other arguments of the real class, which keep their meaning.

    Raises:
        OpenAIError, GroqError: the one service needs a key, and there is none.
        ConfigurationError: a route cannot work.
    """

    service: ClassVar[str]
    http_classes: ClassVar[tuple[type[Any], type[Any]]]
    """Of the httpx client around a transport, and of the one that sends what is passed on."""

    def __init__(
        self,
        *,
        routes: Sequence[ProviderChoice] | None = None,
        client: Any = None,
        http_client: Any = None,
        **options: Any,
    ) -> None:
        choice = Choice(self.service, options, routes=routes, client=client, http_client=http_client)
        super().__init__(http_client=choice.http(*self.http_classes), **choice.options)  # type: ignore[call-arg]  # the real class comes next

    def request(self, cast_to: Any, options: Any, **how: Any) -> Any:
        """
        As the method of the real class; with `async`, for those of asyncio.

        Through routes, a request is not repeated by the real client: `max_retries` is how often a leg is tried again.
        """
        if self._routed is not None:
            retries = options.get_max_retries(self.max_retries)  # type: ignore[attr-defined]  # of the real class
            options = copy.copy(options)
            options.max_retries = 0
            if retries != _DEFAULT_RETRIES:
                options.headers = {**(options.headers or {}), RETRIES: str(retries)}
        return super().request(cast_to, options, **how)  # type: ignore[misc]

    @property
    def _routed(self) -> Client | AsyncClient | None:
        """The client whose routes answer; None if one service does."""
        transport = getattr(self._client, "_transport", None)  # type: ignore[attr-defined]
        return transport.routed if isinstance(transport, (Transport, AsyncTransport)) else None

    if not TYPE_CHECKING:  # a checker sees the arguments of the real class

        def copy(self, **changes: Any) -> Any:
            """As the method of the real class; routes are kept with another `http_client`, too."""
            if changes.get("http_client") is not None and self._routed is not None:
                changes["_extra_kwargs"] = {"client": self._routed, **changes.get("_extra_kwargs", {})}
            return super().copy(**changes)

        with_options = copy


_DEFAULT_RETRIES = 2
"""Of the real clients: a client of ours has a default of its own."""
