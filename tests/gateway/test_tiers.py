"""Routes that stand in one list are one tier, which the model's strategy orders."""

from __future__ import annotations

import pytest
import requests
from helpers.gateways import MESSAGES, running, tables

from g4f_lite import ConfigurationError
from g4f_lite.gateway.keys import ANYBODY
from g4f_lite.gateway.models import Names
from g4f_lite.gateway.settings import Model, checked
from g4f_lite.testing import FaultServer, replies

DOWN = replies.error(404, "gone", code="model_not_found")


def test_a_strategy_orders_the_routes_of_a_list(groq: FaultServer) -> None:
    models = {"shared": {"routes": [["groq:one", "openai:two"], "groq:three"], "strategy": "round_robin"}}
    with running(tables(groq, models=models)) as gateway:
        url, body = f"{gateway.base_url}/chat/completions", {"messages": MESSAGES, "model": "shared"}
        for _ in range(4):
            assert requests.post(url, json=body, timeout=30).status_code == 200
        assert sorted(groq.models) == ["one", "one", "two", "two"]
        groq.on("one", DOWN).on("two", DOWN)
        answer = requests.post(url, json=body, timeout=30)
    assert answer.headers["x-g4f-route"] == "groq:three"


def test_stars_are_filled_in_lists() -> None:
    names = Names({"x/*": Model(routes=[["groq:*", "openai:*"], "local"])}, list)
    target = names.target("x/y", ANYBODY)
    assert target is not None and target.routes == (("groq:y", "openai:y"), "local")


@pytest.mark.parametrize("routes", [[], [[]], [["groq:*"]], [["groq"], []]])
def test_a_list_that_cannot_work_is_refused(routes: list[object]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[models.a\]"):
        checked({"models": {"a": {"routes": routes}}}, "test")
