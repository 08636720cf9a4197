"""The clients that answer, by the routes of what callers ask for."""

from __future__ import annotations

from collections.abc import Container

from ..client.async_client import AsyncClient
from ..records.trail import Explanation, PlannedRoute
from .models import Target

_MOST_KEPT = 1024
"""A name with a star stands for as many routes as callers make up."""


class Clients:
    """
    A client for each choice of routes; all of them share what is known of the legs.

    Args:
        client: its routes answer those whose model has no routes of its own.
        strategy: for a model that says none.
        named: the routes of the configuration: of others, callers have made up the model.
    """

    def __init__(self, client: AsyncClient, strategy: str, named: Container[str]) -> None:
        self._client = client
        self._strategy = strategy
        self._named = named
        self._kept: dict[tuple[tuple[str | tuple[str, ...], ...], str], AsyncClient] = {}
        """By routes and strategy."""

    def of(self, target: Target) -> AsyncClient:
        """Return the client that answers calls of this target."""
        if not target.routes:
            return self._client
        wanted = target.routes, target.strategy or self._strategy
        if (client := self._kept.get(wanted)) is None:
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            client = self._kept[wanted] = self._client.with_routes(*wanted, named=self._named)
        return client

    def explain(self, target: Target) -> Explanation:
        """
        Return what a call of this target would try now, and what it would leave out; nobody is asked.

        Raises:
            G4FLiteError: there is no route; its trail has those that were left out.
        """
        return self.of(target).explain(model=target.model or None, fallback_models=[] if target.exact else None)

    def planned(self, target: Target) -> list[PlannedRoute]:
        """Return the routes that a call of this target may take. Raises as `explain`."""
        return [route for tier in self.explain(target).tiers for route in tier]
