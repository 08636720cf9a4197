"""What is reserved for a model whose `max_tokens` the configuration bounds."""

from __future__ import annotations

import pytest
import requests
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.records import prices
from g4f_lite.testing import FaultServer

MODEL = "gpt-5.6-luna"


@pytest.mark.parametrize("asked", [{}, {"max_tokens": None}, {"max_tokens": 90_000}, {"max_completion_tokens": 90_000}])
def test_no_more_is_reserved_than_what_is_sent_can_cost(asked: dict[str, int | None], groq: FaultServer) -> None:
    price = prices.price("openai", MODEL)
    assert price is not None
    budget = {"usd": (price.completion * 1000 + price.prompt * 500) / 1e6}
    models = {"small": {"routes": [f"openai:{MODEL}"], "max_tokens": 900}}
    with running(tables(groq, models=models, keys=key_table(budget=budget))) as gateway:
        answer = requests.post(
            f"{gateway.base_url}/chat/completions",
            json={"model": "small", "messages": MESSAGES, **asked},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=30,
        )
    assert answer.status_code == 200, answer.text
    (request,) = groq.received
    assert [request.json[name] for name in request.json if name in ("max_tokens", "max_completion_tokens")] == [900]
