"""From the keywords of a method to a call with its plan. No I/O."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..call.call import Call, StreamingAttempt
from ..call.model_lookup import ModelCache
from ..call.operations import CHAT, Operation
from ..errors.exceptions import ConfigurationError, InvalidRequestError, PluginLoadError
from ..failover.plan import Plan
from ..failover.policy import OnInterrupt, Policy, check_on_interrupt, check_timeouts, policy_for
from ..forks import preload_before_fork, reset_in_child
from ..health.tracker import Health, cooling_down
from ..plugins.registry import Registry, process_registry
from ..provider.base import Provider
from ..provider.keys import Keys
from ..provider.leg import Leg
from ..routing.eligibility import (
    LONG,
    check_prices,
    filter_eligible,
    missing_capability,
    over_context_window,
    over_price,
    price_bound,
    required_capabilities,
    tokens_of,
)
from ..routing.leg_factory import LegFactory
from ..routing.names import ProviderChoice
from ..routing.selection import Selection
from ..routing.selection_cache import SelectionCache
from ..routing.strategies import STRATEGIES, Strategy, StrategyContext, TurnCounter
from ..suggestions import did_you_mean
from ..trail import Explanation, PlannedRoute
from ..types.chat import ChatRequest
from ..types.checks import check_callable, count, seconds
from ..types.timeouts import Timeouts
from .chat_request import check_request
from .settings import DEFAULT_TIMEOUTS, check_mapping

if TYPE_CHECKING:
    from ..call.structured import ResponseModel
    from ..types.endpoint import EndpointRequest, OperationName


preload_before_fork(
    "g4f_lite.call.structured", "g4f_lite.call.endpoint_operations", "g4f_lite.client.endpoint_requests"
)


class CallFactory:
    """Makes the calls of one client; both clients share it."""

    def __init__(
        self,
        *,
        routes: Sequence[ProviderChoice] | None = None,
        strategy: str | Strategy = "order",
        keys: Keys | None = None,
        base_urls: Mapping[str, str] | None = None,
        plugins: Iterable[object] | None = None,
        retries: int = 2,
        patience: float = 3.0,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        deadline: float = 300.0,
        on_interrupt: OnInterrupt = "raise",
        retry_wait: Callable[[Any], float] | None = None,
        retry_stop: Callable[[Any], bool] | None = None,
    ) -> None:
        check_mapping(keys, "keys")
        check_mapping(base_urls, "base_urls")
        if routes is not None and (isinstance(routes, str) or not isinstance(routes, Sequence) or not routes):
            raise ConfigurationError(f"routes must be a list of routes such as 'groq', not {routes!r}")
        try:
            check_callable("retry_wait", retry_wait)
            check_callable("retry_stop", retry_stop)
            bounds: dict[str, Any] = {
                "retries": count("retries", retries),
                "patience": 0.0 if patience == 0 else seconds("patience", patience),
                "deadline": seconds("deadline", deadline),
            }
        except InvalidRequestError as error:  # of a call; here it is a setting
            raise ConfigurationError(error.message) from None
        parent = process_registry()
        self.registry = Registry(plugins, parent=parent) if plugins is not None else parent
        parent.scan()
        for setting, names in (("keys", keys), ("base_urls", base_urls)):
            self._warn_of_misspelt(setting, names or {})
        self._health = Health(random.random)
        self._turns = TurnCounter()
        self._abandoned = SimpleQueue[StreamingAttempt]()
        reset_in_child(self)
        self.models = ModelCache()
        self._random = random.Random()  # noqa: S311  # of the strategies alone, so that `explain` can foresee it
        self._selections = SelectionCache(self.registry, LegFactory(keys, base_urls), routes and tuple(routes))
        self._strategy = self._resolve(strategy)
        self.policy = Policy(
            timeouts=check_timeouts(timeouts),
            **bounds,
            on_interrupt=check_on_interrupt(on_interrupt),
            retry_wait=retry_wait,
            retry_stop=retry_stop,
        )
        if routes is not None:
            for route in routes:
                self._check_route(route)

    def _warn_of_misspelt(self, setting: str, names: Iterable[str]) -> None:
        """A name nobody has may be that of a provider that a call brings along; one that is nearly known hardly is."""
        for name in names:
            if not self.registry.knows(name) and (hint := did_you_mean(str(name), self.registry.names())):
                warnings.warn(f"{setting} names {name!r}, which is no known provider{hint}", stacklevel=4)

    def chat_call(self, params: Mapping[str, Any]) -> Call:
        """
        Return the call that the keywords of `create` ask for.

        Raises:
            TypeError, ConfigurationError, InvalidRequestError: they cannot work.
        """
        response_model, params = _with_response_format(params)
        request = check_request(params)
        stream = params.get("stream", False)
        if not isinstance(stream, bool):
            raise ConfigurationError(f"stream must be True or False, not {stream!r}")
        tokens = tokens_of(request)
        selection = self._select(params, request, tokens)
        return self.new_call(request, selection, params, stream=stream, tokens=tokens, response_model=response_model)

    def endpoint_call(self, operation: OperationName, params: Mapping[str, Any]) -> Call:
        """
        Return the call that the keywords of a method beside `chat.completions.create` ask for.

        Raises:
            TypeError, ConfigurationError, InvalidRequestError: the keywords cannot work.
        """
        from ..call.endpoint_operations import OPERATIONS
        from .endpoint_requests import check_endpoint

        request = check_endpoint(operation, params)
        return self.new_call(request, self.select(params, operation), params, operation=OPERATIONS[operation])

    def new_call(
        self,
        request: ChatRequest | EndpointRequest,
        selection: Selection,
        params: Mapping[str, Any],
        *,
        operation: Operation = CHAT,
        stream: bool = False,
        tokens: float = 0.0,
        response_model: ResponseModel | None = None,
    ) -> Call:
        """
        Return the call for a checked request on these legs.

        Raises:
            ConfigurationError, InvalidRequestError: the keywords about time, retries or strategy cannot work.
        """
        self.close_abandoned()
        tiers, skipped = selection
        plan = Plan(
            tiers,
            skipped,
            policy=policy_for(self.policy, params),
            clock=time,
            random=random.random,
            health=self._health,
            order=self._order(params.get("strategy"), request, self._random.random, self._turns),
            stream=stream,
            tokens=tokens,
        )
        return Call(
            request,
            plan,
            self.registry,
            self._abandoned,
            operation=operation,
            models=self.models,
            response_model=response_model,
        )

    def after_fork(self) -> None:
        """Streams abandoned before a fork are the parent's to close."""
        self._abandoned = SimpleQueue()

    def close_abandoned(self) -> None:
        """Close the attempts of abandoned streams."""
        while not self._abandoned.empty():
            try:
                attempt = self._abandoned.get_nowait()
            except Empty:  # another thread was faster
                return
            attempt.close()

    def provider_of(self, choice: str | Provider | type[Provider]) -> Provider:
        """Return the provider that a caller named."""
        if isinstance(choice, str):
            return self.registry.get(choice)
        return choice if isinstance(choice, Provider) else choice()

    def explain(self, params: Mapping[str, Any], operation: OperationName = "chat") -> Explanation:
        """Return what a call would plan; nothing is sent."""
        self.close_abandoned()
        request: ChatRequest | EndpointRequest
        tokens = 0.0
        if operation == "chat":
            _, params = _with_response_format(params)
            request = check_request({"messages": [{"role": "user", "content": ""}], **params})
            tokens = tokens_of(request)
            tiers, left_out = self._select(params, request, tokens)
        else:
            from .endpoint_requests import request_to_explain

            request = request_to_explain(operation, params)
            tiers, left_out = self.select(params, operation)
        skipped = list(left_out)
        policy_for(self.policy, params)
        foreseen = random.Random()  # noqa: S311  # chance, not secrecy
        foreseen.setstate(self._random.getstate())
        order = self._order(params.get("strategy"), request, foreseen.random, self._turns.copy())
        now, wall = time.monotonic(), time.time()
        planned: list[tuple[PlannedRoute, ...]] = []
        for tier in tiers:
            usable = []
            for leg in order(tier) if order and len(tier) > 1 else tier:
                admission = self._health.check(leg, now, tokens)
                if admission.granted:
                    usable.append(_planned(leg))
                else:
                    skipped.append(cooling_down(leg, admission, now, wall))
            if usable:
                planned.append(tuple(usable))
        return Explanation(tiers=tuple(planned), skipped=tuple(skipped))

    def select(self, params: Mapping[str, Any], operation: str = "chat") -> Selection:
        """Return the legs that the names in the keywords mean."""
        names = params.get("provider"), params.get("model"), params.get("fallback_models")
        return self._selections.get(*names, operation)

    def _select(self, params: Mapping[str, Any], request: ChatRequest, tokens: float) -> Selection:
        """Return the legs that may take the request, and those left out."""
        selection = self.select(params)
        reasons = []
        if needs := required_capabilities(request):
            reasons.append(missing_capability(needs))
        if (most := params.get("max_price")) is not None:
            reasons.append(over_price(price_bound(most)))
        if tokens > LONG:
            reasons.append(over_context_window(tokens))
        return filter_eligible(selection, reasons) if reasons else selection

    # -- strategies and routes -------------------------------------------------------------

    def _resolve(self, strategy: str | Strategy) -> Strategy:
        if callable(strategy):
            return strategy
        if isinstance(strategy, str):
            if strategy == "cheapest":
                check_prices()
            if (found := STRATEGIES.get(strategy) or self.registry.strategy(strategy)) is not None:
                return found
            names = [*STRATEGIES, *self.registry.strategy_names()]
            hint = did_you_mean(strategy, names, ".")
            raise ConfigurationError(f"there is no strategy {strategy!r}{hint} Known: {', '.join(names)}")
        raise ConfigurationError(f"strategy must be a name or a function, not {strategy!r}")

    def _order(
        self,
        strategy: str | Strategy | None,
        request: ChatRequest | EndpointRequest,
        random: Callable[[], float],
        turns: TurnCounter,
    ) -> Callable[[Sequence[Leg]], Iterable[Leg]] | None:
        chosen = self._strategy if strategy is None else self._resolve(strategy)
        if chosen is STRATEGIES["order"]:
            return None
        return partial(_ordered, chosen, StrategyContext(request, self._health, random, turns))

    def _check_route(self, route: object) -> None:
        """A misspelt route is refused when the client is made, not at its first call."""
        if isinstance(route, str):
            try:
                self.registry.get(route.partition(":")[0])
            except PluginLoadError:
                pass  # a broken plugin is left out of each call, with the reason in its trail


def _ordered(strategy: Strategy, context: StrategyContext, legs: Sequence[Leg]) -> list[Leg]:
    """
    Return a tier's legs as a strategy orders them; those that it leaves out come last.

    Raises:
        ConfigurationError: the strategy fails, or returns what it was not given.
    """
    try:
        ordered = list(dict.fromkeys(strategy(tuple(legs), context)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the plugin border: even SystemExit must not take the host down
        name = getattr(strategy, "__name__", repr(strategy))
        raise ConfigurationError(f"the strategy {name} failed: {type(error).__name__}: {error}") from error
    if strangers := [leg for leg in ordered if leg not in legs]:
        raise ConfigurationError(f"the strategy returned {strangers[0]!r}, which is no leg of the tier")
    return ordered + [leg for leg in legs if leg not in ordered]


def _with_response_format(params: Mapping[str, Any]) -> tuple[ResponseModel | None, Mapping[str, Any]]:
    if params.get("response_model") is None:
        return None, params
    from ..call.structured import with_response_format

    return with_response_format(params)


def _planned(leg: Leg) -> PlannedRoute:
    return PlannedRoute(
        provider=leg.provider.name, model=leg.model, base_url=leg.provider.api_base, key=leg.fingerprint
    )
