"""A leg: a route with the key that it uses. Data only."""

from __future__ import annotations

import copy
import re
from collections.abc import Hashable, Mapping
from typing import NamedTuple, Self, TypeAlias

from ..records.trail import Skipped
from ..types.chat_request import ChatRequest
from .address import split_url
from .base import Provider
from .keys import FunctionIdentity, Key
from .local import LocalProvider
from .self_description import declared

Identity: TypeAlias = tuple[str, str, str, Hashable, str]
"""Provider, base URL, model, identity of the key, operation."""


class Leg:
    """The provider (with the address to use), model id and key of an attempt, and the operation."""

    def __init__(self, provider: Provider, model: str, key: Key | None = None, operation: str = "chat") -> None:
        self.provider = provider
        self.model = model
        """The model id; "" means the first model that the service lists."""
        self.key = key
        self.operation = operation
        self.fingerprint: str | None = None if key is None else key.fingerprint
        self.key_identity: Hashable = None if key is None else key.identity
        self.is_private = isinstance(self.key_identity, FunctionIdentity)
        """Whether its key is of a function that other processes do not have."""
        self.asks_for_key: bool = key is not None and key.function is not None
        """Whether a function returns the key."""
        self.is_local = isinstance(provider, LocalProvider)
        self.streams = self.is_local or "streaming" in declared(provider, "capabilities")
        """Whether a call that streams gets a stream from it, not a whole answer."""
        self.limit_headers: Mapping[str, tuple[str, str]] = declared(provider, "limit_headers")
        self.base_url: str = provider.api_base
        base = self.base_url
        self.origin: str = split_url(base)[0] if base else provider.name
        """Scheme, host and port; the provider's name if it has no address."""
        self.identity: Identity = (provider.name, base, model, self.key_identity, operation)
        self.known_route = "other:other"
        """As in `Attempt`; set by the selection, which knows where the names come from."""

    @property
    def thinks(self) -> bool:
        """Whether the model is known to think before it answers, unless it is told not to."""
        return re.match(declared(self.provider, "thinking_models"), self.model) is not None

    @property
    def route(self) -> str:
        return f"{self.provider.name}:{self.model}"

    def holding(self, key: Key) -> Self:
        """Return the same leg, by identity and fingerprint, with the key that its key's function returned."""
        twin = copy.copy(self)
        twin.key = key
        return twin

    def skipped(self, reason: str, *, message: str | None = None, ready_at: float | None = None) -> Skipped:
        """Return the entry of a trail that says why this leg was not tried; the arguments are its fields."""
        return Skipped(
            provider=self.provider.name,
            model=self.model,
            key=self.fingerprint,
            reason=reason,
            message=message,
            ready_at=ready_at,
        )

    def __repr__(self) -> str:
        return f"<Leg {self.route} key={self.fingerprint}>"


class InProcessRequest(NamedTuple):
    """What an in-process provider gets instead of an HTTPRequest."""

    leg: Leg
    request: ChatRequest

    @property
    def provider(self) -> LocalProvider:
        assert isinstance(self.leg.provider, LocalProvider)
        return self.leg.provider
