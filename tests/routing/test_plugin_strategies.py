"""A strategy of a plugin, or one that is given as a function, orders the legs of a tier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plugins import ask, make
from helpers.sites import Site

import g4f_lite
from g4f_lite import Client, Leg, Provider, Strategy, StrategyContext, hookimpl, register
from g4f_lite.plugins.registry import process_registry
from g4f_lite.testing import FaultServer, replies


def backwards(legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
    assert context.request.messages[0]["role"] == "user"
    return legs[::-1]


class Strategies:
    @hookimpl
    def register_strategies(self, register: Callable[[str, Strategy], None]) -> None:
        register("backwards", backwards)


@pytest.fixture
def pair(server: FaultServer) -> list[Provider]:
    """Two providers that stand equal."""
    return [make("one", server), make("two", server)]


def test_a_plugins_strategy_is_used_by_name_or_as_a_function(pair: list[Provider], server: FaultServer) -> None:
    with Client(plugins=[Strategies()]) as client:
        for strategy in ("backwards", backwards, lambda legs, context: iter(legs[1:])):
            server.received.clear()
            ask(client, provider=pair, strategy=strategy)
            assert server.models == ["model-of-two"]
            tiers = client.explain(provider=pair, strategy=strategy).tiers
            assert [leg.provider for leg in tiers[0]] == ["two", "one"]
        server.received.clear()
        ask(client, provider=pair)
        assert server.models == ["model-of-one"]
    register(Strategies())
    for client_plugins in (None, [make("mine")]):
        with Client(strategy="backwards", plugins=client_plugins) as client:
            assert client.explain(provider=pair).tiers[0][0].provider == "two"
    with pytest.raises(g4f_lite.ConfigurationError, match="did you mean 'backwards'"):
        Client(strategy="backward")


def test_an_installed_strategy_is_used_by_name(site: Site, pair: list[Provider]) -> None:
    site.add(
        "orders",
        "from g4f_lite import hookimpl\n@hookimpl\ndef register_strategies(register):\n"
        "    register('reverse', lambda legs, context: legs[::-1])",
        hooks=["orders"],
    )
    with Client(strategy="reverse") as client:
        assert client.explain(provider=pair).tiers[0][0].provider == "two"


def test_of_two_installed_strategies_of_one_name_the_first_counts_after_one_in_code(
    site: Site, pair: list[Provider], caplog: pytest.LogCaptureFixture
) -> None:
    code = (
        "from g4f_lite import hookimpl\n@hookimpl\ndef register_strategies(register):\n"
        "    register({name!r}, lambda legs, context: legs[::{step}])"
    )
    site.add("aaa", code.format(name="mine", step=-1), hooks=["aaa", "again"])
    site.add("bbb", code.format(name="mine", step=1), hooks=["bbb"])
    site.add("ccc", code.format(name="backwards", step=1), hooks=["ccc"])
    register(Strategies())
    for strategy in ("mine", "backwards"):
        with Client(strategy=strategy) as client:
            assert client.explain(provider=pair).tiers[0][0].provider == "two"
    problems = {one.name: one.problem for one in process_registry().plugins() if one.source == "third-party"}
    assert problems == {
        "aaa": "",
        "again": "",
        "bbb": "its strategy 'mine' is shadowed by that of 'aaa' of the distribution aaa 1.0",
        "ccc": "its strategy 'backwards' is shadowed by that of 'Strategies' (code)",
    }
    assert "the plugin 'bbb' of the distribution bbb 1.0: its strategy 'mine' is shadowed" in caplog.text


def test_a_strategy_never_moves_a_leg_to_another_tier(pair: list[Provider], server: FaultServer) -> None:
    server.script(replies.error(404, "gone", code="model_not_found"), replies.answer("ok"))
    with Client(routes=pair) as client:
        ask(client, strategy=backwards)
    assert server.models == ["model-of-one", "model-of-two"]


def raising_strategy(legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
    raise KeyError("no order")


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (raising_strategy, "the strategy raising_strategy failed: KeyError: 'no order'"),
        (lambda legs, context: None, "failed: TypeError"),
        (lambda legs, context: [*legs, "groq"], "'groq', which is not a leg of the tier"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_strategy_that_fails_is_named_before_anything_is_sent(
    mode: str, strategy: Any, message: str, pair: list[Provider], server: FaultServer
) -> None:
    outcome = run(mode, {}, {"provider": pair, "strategy": strategy})
    assert isinstance(outcome.error, g4f_lite.ConfigurationError)
    assert message in str(outcome.error)
    assert server.received == []
