"""The router of one client, called like a client calls it, with the real registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pytest
from helpers.sites import Site

from g4f_lite import (
    ConfigurationError,
    NoUsableRouteError,
    OpenaiTemplate,
    Strategy,
    StrategyContext,
    UnknownProviderError,
)
from g4f_lite.health.tracker import Health
from g4f_lite.plugins.registry import Registry, process_registry
from g4f_lite.provider.leg import Leg
from g4f_lite.routing.explain import explain
from g4f_lite.routing.leg_factory import LegFactory
from g4f_lite.routing.router import Router
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.endpoint import EndpointRequest


class Day(OpenaiTemplate):
    name = "day"
    capabilities = frozenset({"streaming"})
    api_base = "http://127.0.0.1:1/v1"
    default_model = "sunday"
    fallback_models = ("monday",)


class Night(Day):
    name = "night"
    api_base = "http://127.0.0.1:2/v1"
    default_models = {"embeddings": "stars"}
    capabilities = frozenset({"streaming", "tools", "embeddings"})


KEYS = {"day": ["d1", "d2", "d3"], "night": "n"}
DAY: dict[str, Any] = {"provider": "day", "model": "sunday", "fallback_models": []}
REQUEST = ChatRequest(messages=[{"role": "user", "content": "Which day is it?"}])


def make(*, routes: Sequence[str] | None = None, strategy: str | Strategy = "order") -> Router:
    return Router(
        Registry([Day, Night], parent=process_registry()),
        LegFactory(KEYS),
        routes=routes,
        strategy=strategy,
        health=Health(lambda: 0.5),
        random=Random(1),
    )


def routes_of(tiers: Iterable[Iterable[Leg]]) -> list[list[str]]:
    return [[leg.route for leg in tier] for tier in tiers]


def keys_of(legs: Iterable[Any]) -> list[str | None]:
    return [leg.fingerprint if isinstance(leg, Leg) else leg.key for leg in legs]


def test_names_select_and_the_clients_routes_stand_in_for_missing_names() -> None:
    router = make(routes=["night", "day:monday"])
    assert routes_of(router.select({"fallback_models": []}).tiers) == [["night:sunday"], ["day:monday"] * 3]
    assert routes_of(router.select(DAY).tiers) == [["day:sunday"] * 3]
    assert routes_of(router.select({}, "embeddings").tiers) == [["night:stars"]]


def test_a_request_selects_only_legs_that_can_take_it() -> None:
    router = make(routes=["day", "night"])
    tool = {"type": "function", "function": {"name": "f"}}
    asking = ChatRequest(messages=REQUEST.messages, tools=[tool])
    tiers, skipped = router.select_for(asking, {"fallback_models": []}, 0.0)
    assert routes_of(tiers) == [["night:sunday"]]
    assert [(one.provider, "'tools' is not declared" in one.reason) for one in skipped] == [("day", True)] * 3
    assert router.select_for(REQUEST, DAY, 0.0) is router.select(DAY)
    with pytest.raises(NoUsableRouteError, match=r"day \(3 models\): does not take tools"):
        router.select_for(asking, DAY, 0.0)


def test_the_order_as_written_needs_no_ordering() -> None:
    assert make().ordering(None, REQUEST) is None
    assert make(strategy="round_robin").ordering("order", REQUEST) is None


def test_a_call_may_name_another_strategy_than_the_client() -> None:
    def last_first(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
        return legs[::-1][:1]

    router = make(strategy="round_robin")
    (legs,) = router.select(DAY).tiers
    order = router.ordering(last_first, REQUEST)
    assert order is not None
    assert order(legs) == [legs[2], legs[0], legs[1]]
    for first in (0, 1, 2, 0):
        order = router.ordering(None, REQUEST)
        assert order is not None
        assert next(iter(order(legs))) is legs[first]


@pytest.mark.parametrize("strategy", ["ordr", 5])
def test_an_unknown_strategy_is_refused_by_the_router_and_by_a_call(strategy: Any) -> None:
    with pytest.raises(ConfigurationError, match="strategy"):
        make(strategy=strategy)
    with pytest.raises(ConfigurationError, match="strategy"):
        make().ordering(strategy, REQUEST)


def test_a_route_must_name_a_provider_but_its_plugin_may_be_broken(site: Site) -> None:
    site.add("broken", "raise OSError('gone')", providers=["broken"])
    router = make(routes=["broken", "day"])
    for route in ("day:any/model", "broken:m"):
        router.check_route(route)
    with pytest.raises(UnknownProviderError, match="did you mean 'night'"):
        router.check_route("nigth:stars")
    tiers, skipped = router.select({"fallback_models": []})
    assert routes_of(tiers) == [["day:sunday"] * 3]
    assert [(one.provider, "gone" in one.reason) for one in skipped] == [("broken", True)]


@pytest.mark.parametrize("strategy", ["round_robin", "weighted"])
def test_an_explanation_foresees_the_order_and_changes_nothing(strategy: str) -> None:
    router = make(strategy=strategy)
    (legs,) = router.select(DAY).tiers
    seen = set()
    for _ in range(6):
        explained = [explain(router, REQUEST, DAY, now=0.0, wall=0.0) for _ in range(2)]
        order = router.ordering(None, REQUEST)
        assert order is not None
        expected = keys_of(order(legs))
        assert [[keys_of(tier) for tier in one.tiers] for one in explained] == [[expected]] * 2
        seen.add(tuple(expected))
    assert len(seen) > 1  # the order has changed meanwhile


def test_an_explanation_of_another_endpoint_has_its_models() -> None:
    explained = explain(make(), EndpointRequest(), {"provider": "night"}, operation="embeddings", now=0.0, wall=0.0)
    assert [[one.model for one in tier] for tier in explained.tiers] == [["stars"]]
