"""
The router of one client: from a request to ordered legs.

Rule: it sends nothing, and holds nothing of a single call.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from ..errors.exceptions import ConfigurationError, PluginLoadError
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted
from ..errors.signal_handlers import is_interruption
from ..errors.suggestions import did_you_mean
from ..health.tracker import Health
from ..provider.leg import Leg
from ..types.chat_request import ChatRequest
from ..types.copies import copied
from .eligibility import (
    LONG,
    check_prices,
    filter_eligible,
    missing_capability,
    over_context_window,
    over_price,
    price_bound,
    required_capabilities,
)
from .leg_factory import LegFactory
from .names import Directory, RouteChoice, resolve
from .selection import Selection
from .selection_cache import SelectionCache
from .strategies import STRATEGIES, Strategy, StrategyContext, TurnCounter

if TYPE_CHECKING:
    from ..types.endpoint import EndpointRequest


class StrategyDirectory(Directory, Protocol):
    """The providers and strategies that names refer to."""

    def strategy(self, name: str) -> Strategy | None:
        """Return the strategy of a plugin; None if there is none of this name."""

    def strategy_names(self) -> list[str]:
        """Return the names of the plugins' strategies."""


class Router:
    """
    Select and order legs for the calls of one client.

    Args:
        directory: the providers and strategies that the client knows.
        leg_factory: makes legs with the client's keys and base URLs.
        routes: used by calls that name neither provider nor model; see `check_route`.
        exact: whether a model in `routes` is that of each endpoint; else it counts if the endpoint has it.
        named: those of `routes` that may be seen in the labels of metrics; None for all.
        strategy: used by calls that name none.
        health: what the client remembers of its legs.
        random: drawn from by strategies alone, so that `explain` can foresee the order.

    Raises:
        ConfigurationError: the strategy cannot be used.
    """

    def __init__(
        self,
        directory: StrategyDirectory,
        leg_factory: LegFactory,
        *,
        routes: Sequence[RouteChoice] | None,
        exact: bool = False,
        named: Container[object] | None = None,
        strategy: str | Strategy,
        health: Health,
        random: Random,
    ) -> None:
        self.health = health
        self.random = random
        self.turns = TurnCounter()
        self._directory = directory
        own = None if routes is None else tuple(routes)
        self._selections = SelectionCache(directory, leg_factory, own, exact=exact, named=named)
        self._strategy = self._resolve(strategy)

    def check_route(self, route: object) -> None:
        """
        Check an entry of `routes`. A broken plugin passes: each call skips it, with the reason in its trail.

        Raises:
            UnknownProviderError: the route names no provider.
            ConfigurationError: it is no route.
        """
        try:
            resolve(self._directory, route.partition(":")[0] if isinstance(route, str) else route)
        except PluginLoadError:
            pass

    def select(self, params: Mapping[str, Any], operation: str = "chat") -> Selection:
        """
        Return the legs that the names in a call's keywords stand for. Calls share them: do not change them.

        Raises: as `routing.selection.select`.
        """
        names = params.get("provider"), params.get("model"), params.get("fallback_models")
        return self._selections.get(*names, operation)

    def select_for(self, request: ChatRequest, params: Mapping[str, Any], tokens: float) -> Selection:
        """
        Return the legs that may take a chat request, and those that were left out.

        Args:
            tokens: low estimate of those in the request.

        Raises: as `select`.
            NoUsableRouteError: no leg has the capabilities, the price and the context window.
            ConfigurationError: `max_price` is malformed, or prices are not installed.
        """
        # Not through `select`: this is the hot path of every chat.
        selection = self._selections.get(params.get("provider"), params.get("model"), params.get("fallback_models"))
        reasons = []
        if needs := required_capabilities(request):
            reasons.append(missing_capability(needs))
        if (max_price := params.get("max_price")) is not None:
            reasons.append(over_price(price_bound(max_price)))
        if tokens > LONG:
            reasons.append(over_context_window(tokens))
        return filter_eligible(selection, reasons) if reasons else selection

    def ordering(
        self,
        strategy: str | Strategy | None,
        request: ChatRequest | EndpointRequest,
        random: Callable[[], float] | None = None,
        turns: TurnCounter | None = None,
    ) -> Callable[[Sequence[Leg]], Iterable[Leg]] | None:
        """
        Return what orders the legs of a tier; None if they stay as written.

        Args:
            strategy: of the call; None for the client's.
            random: returns 0 <= x < 1; None for the client's.
            turns: None for the client's.

        Raises:
            ConfigurationError: the strategy cannot be used.
        """
        chosen = self._strategy if strategy is None else self._resolve(strategy)
        if chosen is STRATEGIES["order"]:
            return None
        if not any(chosen is known for known in STRATEGIES.values()):  # a plugin's may change it
            request = copied(request)
        context = StrategyContext(request, self.health, random or self.random.random, turns or self.turns)
        return partial(_order, chosen, context)

    def _resolve(self, strategy: str | Strategy) -> Strategy:
        if isinstance(strategy, type):
            name = strategy.__name__
            raise ConfigurationError(f"strategy must be a name or a function, not the class {name}; write {name}(…)")
        if callable(strategy):
            return strategy
        if isinstance(strategy, str):
            if strategy == "cheapest":
                check_prices()
            if (found := STRATEGIES.get(strategy) or self._directory.strategy(strategy)) is not None:
                return found
            names = [*STRATEGIES, *self._directory.strategy_names()]
            hint = did_you_mean(strategy, names, ".")
            raise ConfigurationError(f"there is no strategy {quoted(strategy)}{hint} Known: {', '.join(names)}")
        raise ConfigurationError(f"strategy must be a name or a function, not {quoted(strategy)}")


def _order(strategy: Strategy, context: StrategyContext, legs: Sequence[Leg]) -> list[Leg]:
    """
    Return the legs of a tier as a strategy orders them; those that it leaves out come last.

    Raises:
        ConfigurationError: the strategy fails, or returns a leg that it was not given.
    """
    try:
        ordered = list(dict.fromkeys(strategy(tuple(legs), context)))
    except BaseException as error:  # the plugin border: even SystemExit must not end the host
        if is_interruption(error):
            raise
        name = getattr(strategy, "__name__", repr(strategy))
        raise ConfigurationError(
            f"the strategy {name} failed: {describe(error)} (at {place_of(error, strategy)})"
        ) from error
    if strangers := [leg for leg in ordered if leg not in legs]:
        raise ConfigurationError(f"the strategy returned {quoted(strangers[0])}, which is not a leg of the tier")
    return ordered + [leg for leg in legs if leg not in ordered]
