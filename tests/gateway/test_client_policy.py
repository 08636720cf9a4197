"""What the library's client takes, in the gateway's file: a policy that was simulated can be used as it is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually
from helpers.gateways import MESSAGES, Running, running, tables

from g4f_lite import ConfigurationError
from g4f_lite.testing import FaultServer, replies

POLICY = """
[policy]
routes = [["groq:one", "openai:two"]]
strategy = "round_robin"
retries = 1
patience = 0.5
deadline = 8
timeouts = { first_token = 5.0, stall = false }
hedge_after = 20.0
on_interrupt = "restart"
limits = { "groq:one" = { rpm = 2 } }
budget = { usd = 5.0, per = "day", unknown_price = "allow" }
breaker = { failures = 1, rest = 30 }
"""


def ask(gateway: Running, **fields: Any) -> requests.Response:
    body = {"messages": MESSAGES, "model": "auto", **fields}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, timeout=30)


def test_a_simulated_policy_is_the_clients(groq: FaultServer) -> None:
    policy = tomllib.loads(POLICY)["policy"]
    with running(tables(groq, client=policy)) as gateway:
        assert [ask(gateway).status_code for _ in range(6)] == [200] * 6
        assert sorted(groq.models) == ["one"] * 2 + ["two"] * 4  # the limit of one
        groq.on("two", replies.error(500, "down"))
        assert ask(gateway).status_code == 429
        asked = len(groq.models)
        assert ask(gateway).status_code == 429
        assert len(groq.models) == asked  # its breaker opens after one failure


def test_what_was_used_stays_used_after_a_restart(groq: FaultServer, tmp_path: Path) -> None:
    limits = {"routes": ["groq:one"], "deadline": 8, "limits": {"groq": {"rpd": 2}}}
    for answers in ([200, 200], [429]):
        with running(tables(groq, client=limits), usage=tmp_path / "usage.db") as gateway:
            assert [ask(gateway).status_code for _ in answers] == answers


def test_workers_share_the_limits(groq: FaultServer, tmp_path: Path) -> None:
    config, log = tmp_path / "gateway.toml", tmp_path / "log"
    config.write_text(
        '[server]\nlisten = "127.0.0.1:0"\nworkers = 2\n[client]\nroutes = ["groq:one"]\ndeadline = 8\n'
        f'base_urls = {{ groq = "{groq.base_url}" }}\nlimits = {{ groq = {{ rpm = 7 }} }}\n',
        "utf-8",
    )
    with log.open("wb") as stderr, start("serve", str(config), stderr=stderr) as process:
        try:
            assert eventually(lambda: "curl" in log.read_text() or process.poll() is not None, 60)
            url = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())[0]
            body, path = {"messages": MESSAGES, "model": "groq:one"}, f"{url}/v1/chat/completions"
            answers = [requests.post(path, json=body, timeout=30).status_code for _ in range(24)]
        finally:
            process.terminate()
            process.wait(60)
    assert answers.count(200) == len(groq.models) <= 7
    assert set(answers) == {200, 429}


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ({"breaker": {"failures": 0}}, r"\[client\] breaker: Breaker.failures must be a whole number"),
        ({"breaker": {"failure": 2}}, r"\[client\] breaker: .*failure"),
        ({"limits": {"groq": {}}}, r"\[client\] limits.groq: Limits\(\) limits nothing"),
        ({"budget": {"usd": -1}}, r"\[client\] budget: Budget.usd"),
        ({"timeouts": {"first": 1}}, r"\[client\] timeouts: .*first"),
        ({"timeouts": {"stall": -1}}, r"\[client\] .*stall"),
        ({"hedge_after": -1}, r"\[client\] hedge_after"),
        ({"patience": -1}, r"\[client\] patience"),
        ({"strategy": "quickest"}, r"\[client\] .*quickest"),
    ],
)
def test_a_value_that_cannot_work_is_told_with_its_table(
    groq: FaultServer, client: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message), running(tables(groq, client=client)):
        pass


def test_a_limit_of_time_that_is_true_is_refused(groq: FaultServer) -> None:
    with pytest.raises(ConfigurationError, match="stall"), running(tables(groq, client={"timeouts": {"stall": True}})):
        pass
