"""What keys and their teams may use: never more than their limits, and all of it."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables

from g4f_lite import Usage
from g4f_lite.gateway.keys import hash_of
from g4f_lite.records import prices
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

MODEL = "gpt-5.6-luna"
ROUTE = {"routes": [f"openai:{MODEL}"]}


def asked(gateway: Running, key: str = KEY, **fields: Any) -> requests.Response:
    body = {"messages": MESSAGES, "max_tokens": 10, **fields}
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)


def error_of(answer: requests.Response) -> Any:
    return answer.json()["error"]


def test_requests_a_minute(groq: FaultServer) -> None:
    with running(tables(groq, client=ROUTE, keys=key_table(rpm=3))) as gateway:
        answers = [asked(gateway) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert [one.headers["x-ratelimit-remaining-requests"] for one in answers[:3]] == ["2", "1", "0"]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "3"
    assert error_of(answers[3])["code"] == "rate_limit_exceeded"
    assert 0 < int(answers[3].headers["retry-after"]) <= 62
    assert answers[3].headers["x-should-retry"] == "true"
    assert len(groq.received) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_calls_at_once(stream: bool, groq: FaultServer) -> None:
    held = threading.Event()

    def slow(request: Received) -> Iterator[Action]:
        assert held.wait(20)
        yield from replies.answer("ok")(request)

    groq.script(*[slow] * 9)
    with running(tables(groq, client=ROUTE, keys=key_table(parallel=2))) as gateway, ThreadPoolExecutor(8) as pool:
        first = [pool.submit(asked, gateway, stream=stream) for _ in range(2)]
        assert eventually(lambda: len(groq.received) == 2)
        assert asked(gateway, stream=stream).status_code == 429
        held.set()
        assert [one.result().status_code for one in first] == [200, 200]
        assert eventually(lambda: gateway.under_way == 0)
        assert asked(gateway, stream=stream).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_is_never_passed_and_nearly_all_of_it_can_be_used(stream: bool, groq: FaultServer) -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=1, total_tokens=6)
    cost = prices.cost("openai", MODEL, usage)
    assert cost
    budget = 60 * cost
    spent_at: list[float] = []

    def ask_until_refused(_: int) -> int:
        answered = 0
        while True:
            answer = asked(gateway, stream=stream, max_tokens=1)
            if answer.status_code == 200:
                answered += 1
            elif error_of(answer)["code"] == "insufficient_quota":
                spent_at.append(float(re.findall(r"[$]([0-9.e-]+), the most", answer.text)[0]))
                assert answer.headers["x-should-retry"] == "false"
                return answered

    keys = key_table(budget={"usd": budget, "per": "total"})
    with running(tables(groq, client=ROUTE, keys=keys)) as gateway, ThreadPoolExecutor(4) as pool:
        answered = sum(pool.map(ask_until_refused, range(4)))
    assert answered == len(groq.received)
    assert budget - max(spent_at) * 1.01 < answered * cost <= budget


def test_a_failed_call_costs_nothing(groq: FaultServer) -> None:
    groq.script(*[replies.error(400, "no")] * 50)
    with running(tables(groq, client=ROUTE, keys=key_table(budget={"usd": 0.002}))) as gateway:
        assert {asked(gateway, max_tokens=100).status_code for _ in range(30)} == {400}
        groq.script(replies.answer("ok"))
        assert asked(gateway, max_tokens=100).status_code == 200


def test_a_route_that_cannot_be_reached_is_not_charged(groq: FaultServer) -> None:
    """What another attempt was charged with, by presumption, would spend the budget in no time."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    configuration = tables(groq, client={"routes": ["groq:openai/gpt-oss-20b", f"openai:{MODEL}"]})
    configuration["client"]["base_urls"]["groq"] = down
    configuration["keys"] = key_table(budget={"usd": 0.0015})
    with running(configuration) as gateway:
        answers = [asked(gateway, max_tokens=100) for _ in range(60)]
    assert {one.status_code for one in answers} == {200}


def test_an_attempt_that_says_nothing_counts_as_reserved_beside_what_others_say(groq: FaultServer) -> None:
    groq.script(replies.garbage(), replies.answer("ok"))
    keys = key_table(tpm=10_000)
    with running(tables(groq, client={"routes": ["groq:one", f"openai:{MODEL}"]}, keys=keys)) as gateway:
        first, second = asked(gateway), asked(gateway)
    left = [int(one.headers["x-ratelimit-remaining-tokens"]) for one in (first, second)]
    reserved = 10_000 - left[0]
    assert left[1] == 10_000 - reserved - 6 - reserved


def test_a_team_shares_its_limits(groq: FaultServer) -> None:
    other = "g4f-" + "o" * 43
    keys = key_table(team="all") | {"other": {"hash": hash_of(other), "team": "all"}}
    with running(tables(groq, client=ROUTE, keys=keys, teams={"all": {"rpm": 2}})) as gateway:
        assert [asked(gateway, key).status_code for key in (KEY, other, KEY, other)] == [200, 200, 429, 429]


@pytest.mark.parametrize(("allowed", "status"), [("refuse", 400), ("allow", 200)])
def test_a_model_without_a_price(allowed: str, status: int, groq: FaultServer) -> None:
    keys = key_table(budget={"usd": 1.0}, unknown_price=allowed)
    with running(tables(groq, client={"routes": ["openai:nobody-knows-it"]}, keys=keys)) as gateway:
        answer = asked(gateway)
    assert answer.status_code == status
    if status == 400:
        assert "openai:nobody-knows-it is not known" in error_of(answer)["message"]
        assert groq.received == []


def test_what_was_used_is_there_after_a_restart(groq: FaultServer, tmp_path: Path) -> None:
    configuration = tables(groq, client=ROUTE, keys=key_table(rpm=2))
    statuses = []
    for _ in range(2):
        with running(configuration, usage=tmp_path / "usage.db") as gateway:
            statuses += [asked(gateway).status_code for _ in range(2)]
    assert statuses == [200, 200, 429, 429]


def test_each_call_has_one_line_in_the_log(groq: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "g4f_lite.gateway")
    groq.script(replies.answer("secret answer"), replies.error(400, "no secret"), replies.answer("one two"))
    with running(tables(groq, client=ROUTE, keys=key_table())) as gateway:
        for stream in (False, False, True):
            asked(gateway, model="auto", stream=stream)
    lines = [json.loads(one.message) for one in caplog.records if one.name == "g4f_lite.gateway"]
    assert [(one["status"], one["outcome"], one["key"], one["model"]) for one in lines] == [
        (200, "ok", "team-a", "auto"), (400, "InvalidRequestError", "team-a", "auto"), (200, "ok", "team-a", "auto"),
    ]  # fmt: skip
    assert [one.get("tokens") for one in lines] == [7, None, 7]
    assert lines[2]["usd"] > 0
    assert "secret" not in caplog.text and "Which day" not in caplog.text
