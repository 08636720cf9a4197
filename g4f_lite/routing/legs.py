"""A leg: a route with the key it will use."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from ..keys import Key
from ..provider import LocalProvider, Provider
from ..types import ChatRequest


class Leg:
    """Provider (with the address to use), model id and key of an attempt; and what it is asked for."""

    def __init__(self, provider: Provider, model: str, key: Key | None = None, operation: str = "chat") -> None:
        self.provider = provider
        self.model = model
        """"" stands for the first model that the service lists."""
        self.key = key
        self.operation = operation

    @property
    def route(self) -> str:
        return f"{self.provider.name}:{self.model}"

    @property
    def fingerprint(self) -> str | None:
        return None if self.key is None else self.key.fingerprint

    @property
    def is_local(self) -> bool:
        return isinstance(self.provider, LocalProvider)

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port; for an answer in process its name."""
        base = self.provider.api_base
        return "/".join(base.split("/", 3)[:3]) if base else self.provider.name

    @cached_property
    def identity(self) -> tuple[str, str, str, str | None, str]:
        return (self.provider.name, self.provider.api_base, self.model, self.fingerprint, self.operation)

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
