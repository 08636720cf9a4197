"""From the keywords of a method to a call with its plan. No I/O."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count as count_up
from typing import TYPE_CHECKING, Any, Self

from ..call.call import Call
from ..call.model_lookup import ModelCache
from ..call.operations import CHAT, Operation, OperationName
from ..errors.caller_warnings import warn_caller
from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..errors.quoted_values import quoted
from ..errors.suggestions import closest, did_you_mean
from ..failover.plan import Plan
from ..failover.policy import OnInterrupt, Policy, checked, policy_for
from ..forks import preload_before_fork, reset_in_child
from ..health.abandoned import abandoned_streams
from ..health.breaker import DEFAULT_BREAKER
from ..health.shared_state import Reservation, Settle, SharedState
from ..health.tracker import Health
from ..plugins.checks import is_provider
from ..plugins.registry import Registry, process_registry
from ..provider.base import KeyFunction, Provider
from ..provider.keys import Keys
from ..provider.leg import Leg
from ..records.trail import CallInfo, Explanation, Trail
from ..routing.eligibility import filter_eligible, tokens_of
from ..routing.leg_factory import LegFactory
from ..routing.names import ProviderChoice, RouteChoice, resolve
from ..routing.router import Router
from ..routing.selection import Selection
from ..routing.strategies import Strategy
from ..types.breaker import Breaker
from ..types.chat_request import ChatRequest
from ..types.checks import is_one_of
from ..types.copies import copied
from ..types.size_limits import MAX_RESPONSE_BODY
from ..types.thinking import asks_to_think
from ..types.time_limit import Clock
from ..types.timeouts import Timeouts
from ..value import Unpicklable
from .chat_request import check_extra_body, check_request
from .settings import DEFAULT_TIMEOUTS, check_mapping

if TYPE_CHECKING:
    from ..call.structured import ResponseModel
    from ..health.sharing import SharedHealth
    from ..health.stores.local_link import Link
    from ..types.declared_limits import Budget, Limits
    from ..types.endpoint import EndpointRequest

preload_before_fork(
    "g4f_lite.call.structured",
    "g4f_lite.call.endpoints",
    "g4f_lite.client.endpoint_requests",
    "g4f_lite.client.own_service",
    "g4f_lite.client.shared_settings",
    "g4f_lite.health.stores.memory",
    "g4f_lite.client.tools.functions",
    "g4f_lite.routing.explain",
)


class CallFactory(Unpicklable):
    """
    Makes the calls of one client, with what they share: registry, router, health, policy, lists of models.

    Args:
        clock, chance, parent: what a simulation has in the place of the time, of chance, and of the process's registry.
    """

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
        base_url: str | None = None,
        api_key: str | KeyFunction | None = None,
        max_response_bytes: int = MAX_RESPONSE_BODY,
        retry_wait: Callable[[Any], float] | None = None,
        retry_stop: Callable[[Any], bool] | None = None,
        limits: Mapping[str, Limits] | None = None,
        budget: Budget | None = None,
        state: str | SharedState | None = None,
        breaker: Breaker = DEFAULT_BREAKER,
        join_events: bool = False,
        clock: Clock = time,
        chance: random.Random | None = None,
        parent: Registry | None = None,
    ) -> None:
        self._clock, self._chance = clock, chance
        self._random = random.random if chance is None else chance.random
        check_mapping(keys, "keys")
        check_mapping(base_urls, "base_urls")
        if routes is not None and (isinstance(routes, str) or not isinstance(routes, Sequence) or not routes):
            right = quoted([routes] if isinstance(routes, str) else ["groq"])
            raise ConfigurationError(f"routes must be a list, such as {right}, not {quoted(routes)}")
        if plugins is not None and (not isinstance(plugins, Iterable) or isinstance(plugins, (str, bytes, Mapping))):
            raise ConfigurationError(f"plugins must be a list of providers and hooks, not {quoted(plugins)}")
        if base_url is not None or api_key is not None:
            if routes is not None:
                raise ConfigurationError("base_url is the client's only route; leave out routes, or give it a provider")
            from .own_service import own_service

            service = own_service(base_url, api_key)
            routes, base_urls = [service], {**(base_urls or {}), service.name: service.api_base}
        self.policy = checked(
            Policy(
                retries=retries,
                patience=patience,
                deadline=deadline,
                timeouts=timeouts,
                on_interrupt=on_interrupt,
                max_response_bytes=max_response_bytes,
                retry_wait=retry_wait,
                retry_stop=retry_stop,
                join_events=join_events,
            )
        )
        if not isinstance(breaker, Breaker):
            raise ConfigurationError(f"breaker must be g4f_lite.Breaker(…), not {quoted(breaker)}")
        parent = process_registry() if parent is None else parent
        routes = routes and [resolve(parent, route) if is_provider(route) else route for route in routes]
        own = [route for route in routes or () if isinstance(route, Provider)]
        self.registry = Registry(plugins, own, parent=parent) if own or plugins is not None else parent
        parent.scan()
        self.shared: SharedHealth | None = None
        self.link: Link | None = None
        """To the state; None if the client shares nothing."""
        if limits is not None or budget is not None or state is not None:
            from .shared_settings import check_limits, shared_health

            self.shared, self.link = shared_health(
                check_limits(limits), budget, state, clock=clock, random=self._random, breaker=breaker
            )
        limited = [name.partition(":")[0] for name in limits or ()]
        for setting, names in (("keys", keys), ("base_urls", base_urls), ("limits", limited)):
            self._warn_of_misspelt(setting, names or ())
        self.health = self.shared or Health(self._random, breaker)
        self.models = ModelCache()
        self._legs = LegFactory(keys, base_urls)
        self.router = self._router(routes, strategy)
        self.drop_closed_loops: Callable[[], None] | None = None
        """Ends the calls that an event loop was closed under; None for `Client`."""
        self._call_prefix, self._call_numbers = os.urandom(6).hex(), count_up(1)
        reset_in_child(self)

    def _warn_of_misspelt(self, setting: str, names: Iterable[str]) -> None:
        """
        Warn only of names close to a known one, and of names of variables: other unknown names may belong to providers
        passed per call.
        """
        for name in names:
            meant = name.partition("_")[0] if name.isupper() else name
            if not self.registry.knows(name) and (
                closest(meant, known := self.registry.names()) or ("_" in name and name.isupper())
            ):
                warn_caller(f"{setting} names {quoted(name)}, which is no known provider{did_you_mean(meant, known)}")

    def _router(self, routes: Sequence[RouteChoice] | None, strategy: str | Strategy, **more: Any) -> Router:
        chance = self._chance or random.Random()  # noqa: S311  # chance, not secrecy
        router = Router(
            self.registry, self._legs, routes=routes, strategy=strategy, health=self.health, random=chance, **more
        )
        for route in routes or ():
            for one in route if isinstance(route, tuple) else (route,):
                router.check_route(one)
        return router

    def with_routes(self, routes: Sequence[RouteChoice], strategy: str | Strategy, **more: Any) -> Self:
        """Return a factory with other routes, whose models are those of each endpoint, that shares all the rest."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin.router = self._router(routes, strategy, exact=True, **more)
        reset_in_child(twin)
        return twin

    def _affordable(self, selection: Selection) -> Selection:
        """
        Return the selection without the legs whose price a budget must know.

        Raises:
            NoUsableRouteError: no leg is left.
        """
        if self.shared is None or (budget := self.shared.quotas.budget) is None or budget.unknown_price == "allow":
            return selection
        from ..health.quotas import without_price

        return filter_eligible(selection, [without_price])

    def chat_call(self, params: Mapping[str, Any]) -> Call:
        """
        Return the call that the keywords of `chat.completions.create` ask for.

        Raises:
            TypeError, ConfigurationError, InvalidRequestError: the keywords cannot work.
        """
        response_model, params = _with_response_format(params)
        request = copied(check_request(params, self.registry.with_own_parameter))
        stream = params.get("stream", False)
        if not isinstance(stream, bool):
            raise ConfigurationError(f"stream must be True or False, not {quoted(stream)}")
        if request.extra_body:
            check_extra_body(request, stream=stream)
        return self.checked_call(request, params, stream=stream, response_model=response_model)

    def checked_call(
        self,
        request: ChatRequest,
        params: Mapping[str, Any],
        *,
        stream: bool,
        response_model: ResponseModel | None = None,
    ) -> Call:
        """As `chat_call`, for a request that is checked already: a simulation makes its own."""
        tokens = tokens_of(request)
        try:
            selection = self.router.select_for(request, params, tokens)
            if self.shared is not None:
                selection = self._affordable(selection)
        except G4FLiteError as error:
            self.refused(error, request, params, stream=stream)
            raise
        return self.new_call(request, selection, params, stream=stream, tokens=tokens, response_model=response_model)

    def endpoint_call(self, operation: str, params: Mapping[str, Any]) -> Call:
        """
        Return the call that the keywords of another method ask for.

        Raises:
            TypeError, ConfigurationError, InvalidRequestError: the keywords cannot work.
        """
        from ..call.endpoints import ENDPOINTS
        from .endpoint_requests import check_endpoint

        request = copied(check_endpoint(operation, params))
        check_extra_body(request)
        try:
            selection = self._affordable(self.router.select(params, operation))
        except G4FLiteError as error:
            self.refused(error, request, params, operation)
            raise
        return self.new_call(request, selection, params, operation=ENDPOINTS[operation].operation)

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
        Return the call of a checked request on these legs.

        Args:
            params: the keywords; those about time, retries and strategy are used.
            tokens: low estimate of those in the request.

        Raises:
            ConfigurationError, InvalidRequestError: one of the keywords used cannot work.
        """
        self.close_abandoned()
        tiers, skipped = selection
        call_id = f"{self._call_prefix}-{next(self._call_numbers)}"
        info = None
        if self.registry.observed():
            info = _info(call_id, request, params, operation.name, stream=stream)
        plan = Plan(
            tiers,
            skipped,
            policy=policy_for(self.policy, params),
            clock=self._clock,
            random=self._random,
            health=self.health,
            order=self.router.ordering(params.get("strategy"), request),
            stream=stream,
            tokens=tokens,
            thinks=asks_to_think(request) if stream and isinstance(request, ChatRequest) else False,
            call_id=call_id,
            operation=operation.name,
        )
        return Call(
            request, plan, self.registry, operation=operation, models=self.models,
            response_model=response_model, info=info, shared=self.shared,
        )  # fmt: skip

    def refused(
        self,
        error: G4FLiteError,
        request: ChatRequest | EndpointRequest,
        params: Mapping[str, Any],
        operation: str = "chat",
        *,
        stream: bool = False,
    ) -> None:
        """Tell the observers of a call that ends before it has a plan, with an error that gets its trail."""
        if not self.registry.observed():
            return
        info = _info(f"{self._call_prefix}-{next(self._call_numbers)}", request, params, operation, stream=stream)
        kind = type(error).__name__
        error.trail = Trail(
            entries=error.trail.entries, call_id=info.id, operation=operation, outcome=kind, duration=0.0
        )
        self.registry.observe("call_started", info)
        self.registry.observe("call_finished", error.trail)

    def explain(self, params: Mapping[str, Any], operation: OperationName = "chat") -> Explanation:
        """Return what a call with these keywords would plan; send nothing."""
        from ..routing.explain import explain

        self.close_abandoned()
        request: ChatRequest | EndpointRequest
        tokens = 0.0
        if is_one_of(operation, ("chat",)):
            _, params = _with_response_format(params)
            request = check_request(
                {"messages": [{"role": "user", "content": ""}], **params}, self.registry.with_own_parameter, "explain"
            )
            tokens = tokens_of(request)
        else:
            from .endpoint_requests import request_to_explain

            request = request_to_explain(operation, params)
        now, wall = time.monotonic(), time.time()
        explanation = explain(
            self.router,
            request,
            params,
            operation=operation,
            tokens=tokens,
            now=now,
            wall=wall,
            left=self._left,
            affordable=self._affordable,
        )
        policy_for(self.policy, params)  # for its errors; last, because a call selects its legs first, too
        return explanation

    def _left(self, leg: Leg) -> tuple[str, ...]:
        """Return what is left of the limits that hold for a leg, in words; the state is asked."""
        if self.shared is None or self.link is None:
            return ()
        name = f"{self._call_prefix}-{next(self._call_numbers)}"
        if (look := self.shared.quotas.look(leg, name)) is None:
            return ()
        (answer,) = self.link.ask((look,))
        self.link.tell(Settle(name, ()))
        return self.shared.quotas.left(look, answer) if isinstance(answer, Reservation) else ()

    def close_abandoned(self) -> None:
        """Close the attempts of abandoned streams, and of calls whose event loop was closed."""
        if self.drop_closed_loops is not None:
            self.drop_closed_loops()
        if not abandoned_streams.queue.empty():  # each call asks
            abandoned_streams.close_all()

    def after_fork(self) -> None:
        """Number the calls of this process apart."""
        self._call_prefix, self._call_numbers = os.urandom(6).hex(), count_up(1)


def _info(
    call_id: str, request: ChatRequest | EndpointRequest, params: Mapping[str, Any], operation: str, *, stream: bool
) -> CallInfo:
    return CallInfo(
        id=call_id, operation=operation, provider=params.get("provider"), model=params.get("model"), stream=stream,
        started_at=time.time(), metadata=getattr(request, "metadata", None), request=request,
    )  # fmt: skip


def _with_response_format(params: Mapping[str, Any]) -> tuple[ResponseModel | None, Mapping[str, Any]]:
    if params.get("response_model") is None:
        return None, params
    from ..call.structured import with_response_format

    return with_response_format(params)
