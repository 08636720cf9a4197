"""A leg: a route with the key it will use."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ..keys import Key
from ..provider import LocalProvider, Provider
from ..types import ChatRequest

Identity: TypeAlias = tuple[str, str, str, str | None]
"""Provider, base URL, model, fingerprint of the key."""


class Leg:
    """Provider (with the address to use), model id and key of an attempt."""

    def __init__(self, provider: Provider, model: str, key: Key | None = None) -> None:
        self.provider = provider
        self.model = model
        self.key = key
        self._origin: str | None = None
        self._identity: Identity | None = None

    @property
    def route(self) -> str:
        return f"{self.provider.name}:{self.model}"

    @property
    def fingerprint(self) -> str | None:
        return None if self.key is None else self.key.fingerprint

    @property
    def is_local(self) -> bool:
        return isinstance(self.provider, LocalProvider)

    # Not cached_property: before Python 3.12 it holds a lock, which a forked child may find locked for ever.

    @property
    def origin(self) -> str:
        """Scheme, host and port; for an answer in process its name."""
        if self._origin is None:
            base = self.provider.api_base
            self._origin = "/".join(base.split("/", 3)[:3]) if base else self.provider.name
        return self._origin

    @property
    def identity(self) -> Identity:
        if self._identity is None:
            self._identity = (self.provider.name, self.provider.api_base, self.model, self.fingerprint)
        return self._identity

    def __repr__(self) -> str:
        return f"<Leg {self.route} key={self.fingerprint}>"


class LocalRequest(NamedTuple):
    """What a leg that answers in process gets instead of an HTTPRequest."""

    leg: Leg
    request: ChatRequest

    @property
    def provider(self) -> LocalProvider:
        assert isinstance(self.leg.provider, LocalProvider)
        return self.leg.provider
