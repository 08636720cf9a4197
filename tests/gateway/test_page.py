"""What docs/gateway.md says is what the gateway does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import anthropic
import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite import Usage
from g4f_lite.gateway import failures
from g4f_lite.gateway.settings import Server, Upstream, checked
from g4f_lite.records import prices
from g4f_lite.testing import FaultServer, replies

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")
MODEL = "gpt-5.6-luna"
ROUTE = {"routes": [f"openai:{MODEL}"]}


def block(language: str, section: str) -> str:
    found = re.search(rf"^## {section}$.*?^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


def test_its_configuration_is_accepted() -> None:
    settings = checked(tomllib.loads(block("toml", "Configure it")), "gateway.toml")
    assert settings.models and settings.keys and settings.teams


@pytest.mark.parametrize(("table", "kind"), [("server", Server), ("client", Upstream)])
def test_it_lists_every_setting(table: str, kind: type[Any]) -> None:
    listed = re.search(rf"^- `\[{table}\]`:(.*?)^- ", PAGE, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert set(kind.__struct_fields__) <= set(re.findall(r"`(\w+)`", listed.group(1)))


def test_its_commands_for_keys_do_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("", "utf-8")

    def run(line: str) -> str:
        command = [sys.executable, "-m", "g4f_lite.cli", *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    lines = block("sh", "Keys").splitlines()
    new, listed, _ = map(run, lines)
    assert new.startswith("g4f-") and "fast" in listed and "50 USD a month" in listed
    assert (tmp_path / "gateway.db").exists()
    assert "disabled" in run(lines[1])
    run(lines[2].replace("disable", "enable"))
    assert "disabled" not in run(lines[1])
    assert run(lines[2].replace("disable", "rotate")).startswith("g4f-")


def test_its_table_has_every_failure() -> None:
    kinds = {(int(status), kind) for status, kind in re.findall(r"\| (\d{3}) \| `(\w+)`", PAGE)}
    own = (
        "BAD_KEY",
        "NO_SUCH_PATH",
        "OVER_RATE",
        "OVER_BUDGET",
        "NO_PRICE",
        "BUSY",
        "STOPPING",
        "LOOP",
        "NO_SPACE",
        "TOO_SLOW",
    )
    known = [*failures.FAILURES.values(), *(getattr(failures, name) for name in own)]
    assert kinds == {(one.status, one.type) for one in known}


def test_the_cost_is_in_a_header(groq: FaultServer) -> None:
    cost = prices.cost("openai", MODEL, Usage(prompt_tokens=5, completion_tokens=1, total_tokens=6))
    with running(tables(groq, client=ROUTE)) as gateway:
        answer = requests.post(f"{gateway.base_url}/chat/completions", json={"messages": MESSAGES}, timeout=30)
    assert cost and float(answer.headers["x-g4f-cost-usd"]) == pytest.approx(cost, abs=1e-9)


def test_a_call_lasts_no_longer_than_its_caller_waits(groq: FaultServer) -> None:
    groq.script(replies.silence())
    with running(tables(groq, client=ROUTE)) as gateway:
        headers = {"x-stainless-read-timeout": "0.5"}
        body = {"messages": MESSAGES}
        answer = requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


def test_it_listens_while_a_load_balancer_learns_that_it_is_not_ready(groq: FaultServer) -> None:
    with running(tables(groq, server={"drain_delay": 3.0})) as gateway:
        end = threading.Thread(target=gateway.stop)
        end.start()
        assert eventually(lambda: gateway.gateway.answering.leaving)
        ready = requests.get(f"{gateway.url}/health/ready", timeout=10)
        answer = requests.post(f"{gateway.base_url}/chat/completions", json={"messages": MESSAGES}, timeout=10)
        end.join(30)
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_a_budget_that_is_spent_is_402_for_anthropics_library(groq: FaultServer) -> None:
    keys = key_table(budget={"usd": 1e-6})
    with running(tables(groq, client=ROUTE, keys=keys)) as gateway:
        with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(anthropic.APIStatusError, match="no room") as raised:
                client.messages.create(model="auto", max_tokens=99, messages=MESSAGES)
    body: Any = raised.value.body
    assert (raised.value.status_code, body["error"]["type"]) == (402, "billing_error")
    assert groq.received == []
