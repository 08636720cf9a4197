"""What both clients are made of, but for the I/O: settings in, a call with its plan out."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec

from ..call.call import Call, Step
from ..call.model_lookup import ModelCache
from ..call.operations import CHAT, Operation
from ..errors.exceptions import ConfigurationError, InvalidRequestError, PluginLoadError
from ..failover.plan import Plan
from ..failover.policy import OnInterrupt, Policy
from ..forks import preload_before_fork, reset_in_child
from ..health.tracker import Health, cooling_down
from ..plugins.registry import Registry, process_registry
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
from ..routing.selection import ProviderChoice, Selection
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


preload_before_fork("g4f_lite.call.structured", "g4f_lite.client.endpoint_calls")

_OF_POLICY = ("deadline", "timeout", "retries", "timeouts", "on_interrupt")


class Core:
    """Settings of one client, checked; makes its calls. No I/O."""

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
        self.dropped = SimpleQueue[Step]()
        reset_in_child(self)
        self.models = ModelCache()
        self._random = random.Random()  # noqa: S311  # of the strategies alone, so that `explain` can foresee it
        self._selections = SelectionCache(self.registry, LegFactory(keys, base_urls), routes and tuple(routes))
        self._strategy = self._resolve(strategy)
        self._policy = Policy(
            timeouts=_timeouts(timeouts),
            **bounds,
            on_interrupt=_on_interrupt(on_interrupt),
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

    def start(self, params: Mapping[str, Any]) -> Call:
        """
        Return the call that the keywords of `create` ask for.

        Raises:
            TypeError, ConfigurationError, InvalidRequestError: they cannot work.
        """
        shape, params = _shaped(params)
        request = check_request(params)
        stream = params.get("stream", False)
        if not isinstance(stream, bool):
            raise ConfigurationError(f"stream must be True or False, not {stream!r}")
        tokens = tokens_of(request)
        selection = self._select(params, request, tokens)
        return self.call(request, selection, params, stream=stream, tokens=tokens, shape=shape)

    def call(
        self,
        request: ChatRequest | EndpointRequest,
        selection: Selection,
        params: Mapping[str, Any],
        *,
        operation: Operation = CHAT,
        stream: bool = False,
        tokens: float = 0.0,
        shape: ResponseModel | None = None,
    ) -> Call:
        """
        Return the call for a checked request on these legs.

        Raises:
            ConfigurationError, InvalidRequestError: the keywords about time, retries or strategy cannot work.
        """
        self.settle()
        tiers, skipped = selection
        plan = Plan(
            tiers,
            skipped,
            policy=self.policy_of(params),
            clock=time,
            random=random.random,
            health=self._health,
            order=self._order(params.get("strategy"), request, self._random.random, self._turns),
            stream=stream,
            tokens=tokens,
        )
        return Call(request, plan, self.registry, self.dropped, operation=operation, models=self.models, shape=shape)

    def after_fork(self) -> None:
        """What was dropped before a fork is the parent's to end."""
        self.dropped = SimpleQueue()

    def settle(self) -> None:
        """End the attempts of streams that were dropped."""
        while not self.dropped.empty():
            try:
                step = self.dropped.get_nowait()
            except Empty:  # another thread was faster
                return
            step.closed()

    def explain(self, params: Mapping[str, Any], operation: OperationName = "chat") -> Explanation:
        """Return what a call would plan; nothing is sent."""
        self.settle()
        request: ChatRequest | EndpointRequest
        tokens = 0.0
        if operation == "chat":
            _, params = _shaped(params)
            request = check_request({"messages": [{"role": "user", "content": ""}], **params})
            tokens = tokens_of(request)
            tiers, left_out = self._select(params, request, tokens)
        else:
            from .endpoint_calls import request_to_explain

            request = request_to_explain(operation, params)
            tiers, left_out = self.select(params, operation)
        skipped = list(left_out)
        self.policy_of(params)
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

    def policy_of(self, params: Mapping[str, Any]) -> Policy:
        """
        Return how far a call with these keywords goes.

        Raises:
            ConfigurationError, InvalidRequestError: one of them cannot work.
        """
        if params.keys().isdisjoint(_OF_POLICY):
            return self._policy
        changes: dict[str, Any] = {}
        if (deadline := params.get("deadline")) is not None:
            changes["deadline"] = seconds("deadline", deadline)
        if (timeout := params.get("timeout")) is not None:
            changes["deadline"] = min(seconds("timeout", timeout), changes.get("deadline", float("inf")))
            changes["bounds_stream"] = True
        if (retries := params.get("retries")) is not None:
            changes["retries"] = count("retries", retries)
        if (timeouts := params.get("timeouts")) is not None:
            changes["timeouts"] = _timeouts(timeouts)
        if (on_interrupt := params.get("on_interrupt")) is not None:
            changes["on_interrupt"] = _on_interrupt(on_interrupt)
        return msgspec.structs.replace(self._policy, **changes) if changes else self._policy

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


def _shaped(params: Mapping[str, Any]) -> tuple[ResponseModel | None, Mapping[str, Any]]:
    if params.get("response_model") is None:
        return None, params
    from ..call.structured import shaped

    return shaped(params)


def _planned(leg: Leg) -> PlannedRoute:
    return PlannedRoute(
        provider=leg.provider.name, model=leg.model, base_url=leg.provider.api_base, key=leg.fingerprint
    )


def _on_interrupt(on_interrupt: Any) -> OnInterrupt:
    if on_interrupt not in get_args(OnInterrupt):
        names = ", ".join(map(repr, get_args(OnInterrupt)))
        raise ConfigurationError(f"on_interrupt must be one of {names}, not {on_interrupt!r}")
    return cast("OnInterrupt", on_interrupt)


def _timeouts(timeouts: object) -> Timeouts:
    if not isinstance(timeouts, Timeouts):
        raise ConfigurationError(
            f"timeouts must be g4f_lite.Timeouts(…), not {timeouts!r}; for a deadline use timeout="
        )
    return timeouts
