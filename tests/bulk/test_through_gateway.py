"""A job through the gateway: its rows cost what the gateway says, and they count for the gateway's key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import echo, lines_of, write_rows
from helpers.gateways import KEY, key_table, running, tables

from g4f_lite import NoUsableRouteError
from g4f_lite.bulk import Job
from g4f_lite.records import prices
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.usage import Usage

MODEL = "gpt-5.6-luna"
CONFIGURATION: dict[str, Any] = {"models": {"fast": {"routes": [f"openai:{MODEL}"]}}, "keys": key_table()}


def job(tmp_path: Path, address: str, **more: Any) -> Job:
    source = write_rows(tmp_path / "in.jsonl", 30)
    params = {"model": "fast", "provider": "openai", "fallback_models": [], "max_tokens": 20}
    settings = {"base_urls": {"openai": address}, "keys": {"openai": KEY}, "at_once": 4}
    return Job(source, tmp_path / "out.jsonl", params=params, **settings, **more)


def test_a_row_costs_what_the_gateway_says(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo())
    cost = prices.cost("openai", MODEL, Usage(prompt_tokens=5, completion_tokens=3, total_tokens=8))
    with running(tables(groq, **CONFIGURATION)) as gateway:
        summary = job(tmp_path, gateway.base_url).run()
    assert cost and summary.cost == pytest.approx(sum(line["cost"] for line in lines_of(tmp_path / "out.jsonl")))
    assert (summary.ending, summary.answered) == ("complete", 30) and summary.cost == pytest.approx(30 * cost)


def test_a_cap_needs_no_known_price_if_that_is_allowed(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo())
    with running(tables(groq, **CONFIGURATION)) as gateway:
        with pytest.raises(NoUsableRouteError, match='unknown_price="allow"'):
            job(tmp_path, gateway.base_url, max_cost=1.0).run()
        summary = job(tmp_path, gateway.base_url, max_cost=1e-4, unknown_price="allow").run()
    assert summary.ending == "cap" and summary.cost is not None
    assert 0 < summary.answered < 30 and 1e-4 <= summary.cost < 2e-4


@pytest.mark.parametrize("told", ["", "none", "-1", "nan", "inf"])
def test_a_cost_that_is_none_says_nothing(told: str, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.answer("yes", headers={"x-g4f-cost-usd": told}))
    assert job(tmp_path, groq.base_url).run().cost is None


def test_vectors_cost_what_the_gateway_says(groq: FaultServer, tmp_path: Path) -> None:
    body = {"model": "text-embedding-3-small", "input": "a word"}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": body}
    (tmp_path / "batch.jsonl").write_text(json.dumps(line), "utf-8")
    vectors = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "model": "text-embedding-3-small"}
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    groq.script(replies.body(json.dumps({**vectors, "usage": usage}).encode(), x_g4f_cost_usd="0.25"))
    settings: dict[str, Any] = {"base_urls": {"openai": groq.base_url}, "keys": {"openai": KEY}}
    params = {"provider": "openai", "fallback_models": []}
    assert Job(tmp_path / "batch.jsonl", tmp_path / "out.jsonl", params=params, **settings).run().cost == 0.25
