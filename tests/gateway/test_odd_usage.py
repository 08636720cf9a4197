"""Services whose usage cannot be, or has no price: what counts of limits and budgets, and where else it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.admin import ADMIN, PAID, administrated
from helpers.gateways import KEY, key_table

from g4f_lite.records import prices
from g4f_lite.testing import replies
from g4f_lite.testing.script import Reply

MODEL = PAID.partition(":")[2]
MOST = 1000
"""Tokens of an answer that a call may have."""


def counted(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


ODD = {
    "of another model": ("not-listed", counted(5, 1)),
    "zero": (MODEL, counted(0, 0)),
    "negative": (MODEL, counted(-50_000, -10_000)),
    "more cached than asked": (MODEL, counted(5, 1, prompt_tokens_details={"cached_tokens": 10**6})),
    "more than a database holds": (MODEL, counted(10**19, 1)),
    "more than a float holds": (MODEL, counted(10**310, 1)),
    "a part that is too large": (MODEL, counted(5, 1, completion_tokens_details={"reasoning_tokens": 10**310})),
}


def answers(model: str, usage: dict[str, Any], streams: bool) -> Reply:
    common = {"id": "a", "model": model, "usage": usage}
    if streams:
        delta = {"role": "assistant", "content": "Sunday"}
        return replies.stream([{**common, "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}])
    message = {"role": "assistant", "content": "Sunday"}
    whole = {**common, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return replies.body(json.dumps(whole).encode(), Content_Type="application/json")


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ODD)
def test_a_usage_without_a_cost_counts_as_reserved(name: str, streams: bool, tmp_path: Path) -> None:
    price = prices.price("openai", MODEL)
    assert price is not None
    keys = key_table(budget={"usd": 1}, tpm=1_000_000, parallel=1)
    with administrated(tmp_path, keys=keys) as admin:
        admin.upstream.script(answers(*ODD[name], streams))
        for _ in range(2):
            answer = admin.call("paid", KEY, max_tokens=MOST, stream=streams)
            assert answer.status_code == 200 and "Sunday" in answer.text
            left = answer.headers["x-ratelimit-remaining-tokens"]
        spend = admin.ask("spend")
        assert spend["budgets"]["key/team-a"]["used_usd"] >= 2 * price.completion * MOST / 1e6
        assert spend["total"]["calls"] == 2 and spend["total"]["prompt_tokens"] in (0, 10)
        assert int(left) < 1_000_000
        headers = {"Authorization": f"Bearer {ADMIN}"}
        assert requests.get(f"{admin.gateway.url}/metrics", headers=headers, timeout=30).status_code == 200
        assert len(admin.ask("calls")["calls"]) == 2


def test_a_route_whose_price_is_not_known_counts_as_nothing(tmp_path: Path) -> None:
    keys = key_table(budget={"usd": 1}, unknown_price="allow")
    with administrated(tmp_path, keys=keys) as admin:
        admin.upstream.on("one", answers("one", counted(5, 1), streams=False))
        assert admin.call("fast", KEY).status_code == 200
        assert admin.ask("spend")["budgets"]["key/team-a"]["used_usd"] == 0
