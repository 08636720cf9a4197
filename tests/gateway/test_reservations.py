"""What is reserved of a budget before a call, and what counts after it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables

from g4f_lite.records import prices
from g4f_lite.testing import FaultServer, replies

CHEAP, DEAR = "gpt-5.6-luna", "o1-pro"


def asked(gateway: Running, **fields: Any) -> requests.Response:
    body = {"messages": MESSAGES, "max_tokens": 1000, **fields}
    headers = {"Authorization": f"Bearer {KEY}"}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)


def price_of(model: str, tokens: int) -> float:
    """Return the price of a completion in USD."""
    price = prices.price("openai", model)
    assert price is not None
    return price.completion * tokens / 1e6


@pytest.mark.parametrize("models", [(CHEAP, DEAR), (DEAR, CHEAP)])
def test_the_dearest_route_counts(models: tuple[str, str], groq: FaultServer) -> None:
    assert price_of(DEAR, 1000) > 10 * price_of(CHEAP, 1000)
    route = {"routes": [f"openai:{model}" for model in models]}
    with running(tables(groq, client=route, keys=key_table(budget={"usd": price_of(DEAR, 500)}))) as gateway:
        assert asked(gateway).json()["error"]["code"] == "insufficient_quota"
    assert groq.received == []


@pytest.mark.parametrize("tokens", [1000, None])
def test_a_call_whose_service_says_nothing_counts_as_reserved(tokens: int | None, groq: FaultServer) -> None:
    groq.script(replies.cut(2), replies.answer("ok"))
    budget = 1.5 * price_of(CHEAP, tokens or 4096)
    keys = key_table(budget={"usd": budget})
    with running(tables(groq, client={"routes": [f"openai:{CHEAP}"]}, keys=keys)) as gateway:
        assert "stream_interrupted" in asked(gateway, stream=True, max_tokens=tokens).text
        assert asked(gateway, max_tokens=tokens).json()["error"]["code"] == "insufficient_quota"
    assert len(groq.received) == 1
