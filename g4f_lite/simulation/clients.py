"""The clients of a policy: the real ones, with a virtual clock, a seeded chance, and modelled services."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple, cast

from ..client.async_driver import AsyncDriver
from ..client.async_stream import AsyncStream
from ..client.call_factory import CallFactory
from ..client.policy_table import PolicyTable
from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..health.shared_state import SharedState
from ..health.stores.memory import MemoryState
from ..plugins.registry import Registry, process_registry
from ..provider.base import Provider
from ..records.prices import Price
from ..routing.strategies import Strategy
from ..types.chat_request import ChatRequest
from ..types.checks import seconds
from ..types.time_limit import Clock
from .provider import SimulatedProvider, provider_of
from .scenario import Scenario
from .transport import SimulatedTransport

NO_KEYWORDS: Mapping[str, Any] = {}


class _Names(Registry):
    """The names of the process, without its providers and observers: strategies alone are looked up there."""

    def __init__(self) -> None:
        super().__init__()
        self._tables_read = self._hooks_loaded = True

    def strategy(self, name: str) -> Strategy | None:
        return process_registry().strategy(name)

    def strategy_names(self) -> list[str]:
        return process_registry().strategy_names()


class SimulatedClient(NamedTuple):
    """Makes the calls of one client, as `AsyncClient` does once it has checked their keywords."""

    calls: CallFactory
    driver: AsyncDriver

    async def stream(self, request: ChatRequest) -> AsyncStream[Any]:
        """Make a call that streams, and return it once its first content has come."""
        call = self.calls.checked_call(request, NO_KEYWORDS, stream=True)
        with call:
            return AsyncStream(self.driver, call, await self.driver.open(call))


def providers_of(scenario: Scenario) -> dict[str, SimulatedProvider]:
    """Return the provider of each service."""
    return {name: provider_of(name, service.models) for name, service in scenario.services.items()}


def prices_of(scenario: Scenario) -> dict[tuple[str, str], Price]:
    """Return the prices that the scenario declares, by provider and model."""
    return {
        (name, model): Price(service.prices.prompt, service.prices.completion)
        for name, service in scenario.services.items()
        if service.prices is not None
        for model in service.models
    }


def clients_of(
    scenario: Scenario, transport: SimulatedTransport, providers: Mapping[str, SimulatedProvider], clock: Clock
) -> list[SimulatedClient]:
    """
    Return what makes the calls of each client.

    Raises:
        ConfigurationError: the policy cannot work; the message names it.
    """
    policy = scenario.policy
    try:
        settings = settings_of(policy, providers)
        hedge_after = settings.pop("hedge_after", None)
        if hedge_after is not None:
            hedge_after = seconds("hedge_after", hedge_after)
        state: SharedState | None = MemoryState(clock) if scenario.clients.shared_state else None
        made = []
        for number in range(scenario.clients.count):
            chance = Random(f"{scenario.seed}/client/{number}")  # noqa: S311  # chance, not secrecy
            calls = CallFactory(**settings, state=state, clock=clock, chance=chance, parent=_Names())
            driver = AsyncDriver(cast("Any", transport), hedge_after, calls.link)
            made.append(SimulatedClient(calls, driver))
    except G4FLiteError as error:
        raise ConfigurationError(f"[policy] of {scenario.name}: {error}") from None
    return made


def settings_of(policy: PolicyTable, providers: Mapping[str, Provider]) -> dict[str, Any]:
    """
    Return the keywords of a client whose routes, unless the policy says others, are the services in their order.

    Raises:
        ConfigurationError: one cannot work.
    """
    return {"routes": list(providers), **policy.keywords(), "plugins": list(providers.values())}
