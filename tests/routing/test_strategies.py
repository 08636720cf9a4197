"""Strategies order the legs of real calls, and `explain` predicts the order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.imports import python
from helpers.plain_routes import Plain
from helpers.plans import leg, no_jitter

import g4f_lite
from g4f_lite import ChatRequest, Client
from g4f_lite.errors.suggestions import install_hint
from g4f_lite.health.tracker import Health
from g4f_lite.provider.leg import Leg
from g4f_lite.routing.strategies import StrategyContext, TurnCounter
from g4f_lite.testing import FaultServer, replies


def three(server: FaultServer) -> list[Plain]:
    return [Plain(name=name, api_base=server.base_url, default_model=name) for name in ("one", "two", "three")]


def test_round_robin_takes_turns_and_explain_does_not(server: FaultServer) -> None:
    with Client(strategy="round_robin") as client:
        seen = []
        for _ in range(4):
            predicted = client.explain(provider=three(server))
            assert client.explain(provider=three(server)) == predicted
            seen.append(client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider)
            assert predicted.tiers[0][0].provider == seen[-1]
    assert seen == ["one", "two", "three", "one"]


def test_weights_set_the_probabilities_and_explain_predicts_the_choice(server: FaultServer) -> None:
    with Client(strategy=g4f_lite.Weighted({"one": 8, "two:two": 1})) as client:
        seen = []
        for _ in range(60):
            predicted = client.explain(provider=three(server)).tiers[0][0].provider
            seen.append(client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider)
            assert seen[-1] == predicted
    assert seen.count("one") > 30
    with pytest.raises(ValueError, match="above 0"):
        g4f_lite.Weighted({"one": 0})


@pytest.mark.parametrize("weight", ["3", None, True, float("nan"), float("inf"), 10**400, [1]], ids=str)
def test_a_weight_that_is_no_number_is_refused(weight: Any) -> None:
    with pytest.raises(ValueError, match=r"^the weight of 'one' must be above 0 and a finite number, not "):
        g4f_lite.Weighted({"one": weight})


@pytest.mark.parametrize("weights", [5, ["one"], "one", {5: 1}], ids=str)
def test_weights_that_are_no_mapping_from_names_are_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match=r"^weights must be like \{'groq': 3, 'other': 1\}, not "):
        g4f_lite.Weighted(weights)


def test_a_class_is_no_strategy() -> None:
    with pytest.raises(
        g4f_lite.ConfigurationError, match="a name or a function, not the class Weighted; write Weighted"
    ):
        Client(strategy=g4f_lite.Weighted)  # type: ignore[arg-type]


def test_the_fastest_leg_is_found_by_measuring_each(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.1), *replies.answer("slow")(g4f_lite.testing.Received("POST", "/", {}, b"{}")))
    server.on("one", slow).on("two", slow)
    with Client(strategy="fastest") as client:
        seen = [client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider for _ in range(6)]
    assert seen == ["one", "two", "three", "three", "three", "three"]


def test_the_cheapest_leg_comes_first_and_unknown_prices_last(server: FaultServer) -> None:
    models = {"unknown": "no-such-model", "groq": "openai/gpt-oss-120b", "openai": "gpt-5"}
    legs = [Plain(name=name, api_base=server.base_url, default_model=model) for name, model in models.items()]
    with Client(strategy="cheapest") as client:
        (tier,) = client.explain(provider=legs).tiers
    assert [leg.provider for leg in tier] == ["groq", "openai", "unknown"]


def test_cheapest_without_its_extra_says_what_to_install() -> None:
    code = "import sys; sys.modules['genai_prices'] = None; import g4f_lite; g4f_lite.Client(strategy='cheapest')"
    done = python(code)
    assert f"ConfigurationError: prices are not installed; run: {install_hint('prices')}" in done.stderr


def test_the_least_busy_leg_comes_first(server: FaultServer) -> None:
    server.on("one", replies.silence("stream", 1))
    with Client(strategy="least_busy") as client:
        with client.chat.completions.create(messages=MESSAGES, provider=three(server), stream=True) as stream:
            assert stream.provider == "one"
            assert client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider == "two"
        assert client.chat.completions.create(messages=MESSAGES, provider=three(server), stream=True).provider == "one"


def context(seed: int) -> StrategyContext:
    request = ChatRequest(model="a", messages=({"role": "user", "content": "x"},))
    return StrategyContext(request, Health(no_jitter), random.Random(seed).random, TurnCounter())


def share_of_first(legs: list[Leg], weights: dict[str, float]) -> float:
    weighted, shared = g4f_lite.Weighted(weights), context(1)
    return sum(next(iter(weighted(legs, shared))) is legs[0] for _ in range(4000)) / 4000


@pytest.mark.parametrize("unit", [1e-300, 1e-4, 1.0, 1e300])
def test_weights_of_any_size_set_the_probabilities(unit: float) -> None:
    legs = [leg("a"), leg("b")]
    assert share_of_first(legs, {"here:a": unit, "here:b": 9 * unit}) == pytest.approx(0.1, abs=0.02)


def test_the_keys_of_a_route_share_its_weight() -> None:
    legs = [leg("a"), *(leg("b", f"k{number}") for number in range(9))]
    assert share_of_first(legs, {}) == pytest.approx(0.5, abs=0.03)
