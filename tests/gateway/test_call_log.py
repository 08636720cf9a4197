"""The line of each call: what its key is charged, and how lines are written."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.gateway.log_lines import LineWriter
from g4f_lite.health.stores.sqlite import SQLiteState
from g4f_lite.testing import FaultServer, replies


def test_the_budget_has_the_sum_of_the_log(groq: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "g4f_lite.gateway")
    groq.script(*[replies.answer("one two"), replies.cut(2), replies.error(400, "no"), replies.garbage()] * 2)
    keys = key_table(budget={"usd": 5.0}, rpm=10_000)
    configuration = tables(groq, client={"routes": ["openai:gpt-5.6-luna"]}, keys=keys)
    with running(configuration, usage=tmp_path / "usage.db") as gateway:
        for number in range(8):
            body = {"messages": MESSAGES, "max_tokens": 10, "stream": number > 3}
            requests.post(
                f"{gateway.base_url}/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=30,
            )
    lines: list[Any] = [json.loads(one.message) for one in caplog.records if one.name == "g4f_lite.gateway"]
    charged = [one["charged_nano_usd"] for one in lines]
    assert len(charged) == 8 and min(charged) == 0 < max(charged)
    assert all(one["charged_nano_usd"] == round(one["usd"] * 1e9) for one in lines if one.get("usd"))
    state = SQLiteState(tmp_path / "usage.db")
    used = state.used("key/team-a")["nano-usd", "total"]
    state.close()
    assert used[:2] == (sum(charged), 0)


def test_lines_come_in_order_and_all_of_them() -> None:
    file = io.StringIO()
    writer = LineWriter(file)
    for number in range(500):
        writer.write(str(number))
    writer.close()
    assert file.getvalue() == "".join(f"{number}\n" for number in range(500))


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    file = io.StringIO()
    writer = LineWriter(file)
    file.close()
    writer.write("lost")
    writer.close()


def lines_of(configuration: Any, *calls: tuple[str, str, dict[str, Any]]) -> tuple[list[Any], str]:
    """Return the lines of these calls (path, key, body) as they are written, and the metrics after them."""
    lines: list[str] = []
    with running(configuration, write_line=lines.append, admin_key="g4f-admin") as gateway:
        for path, key, body in calls:
            headers = {"Authorization": f"Bearer {key}"}
            requests.post(f"{gateway.url}{path}", json=body, headers=headers, timeout=30)
        headers = {"Authorization": "Bearer g4f-admin"}
        metrics = requests.get(f"{gateway.url}/metrics", headers=headers, timeout=30).text
    return [json.loads(line) for line in lines], metrics


SECRET = "A question that nobody else may read"
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("level", ["meta", "off"])
def test_a_line_says_why_a_call_was_refused(groq: FaultServer, level: str) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": SECRET}]}
    keys = key_table(rpm=1)
    found, metrics = lines_of(
        tables(groq, keys=keys, server={"log_calls": level}),
        (CHAT, KEY, body),
        (CHAT, KEY, body),
        (CHAT, "g4f-nobody", body),
        ("/admin/api/status", "g4f-nobody", {}),
        ("/v1/nothing", KEY, body),
        (CHAT, KEY, {**body, "messages": SECRET}),
    )
    counted = dict(re.findall(r'g4f_lite_gateway_refused_total\{error_type="(\w+)"\} (\S+)', metrics))
    assert counted.pop("rate_limit_exceeded") and counted == {"invalid_api_key": "2.0", "not_found": "1.0"}
    if level == "off":
        assert found == []
        return
    told = [(one.get("code"), one["status"]) for one in found[:5]]
    assert told == [
        (None, 200),
        ("rate_limit_exceeded", 429),
        ("invalid_api_key", 401),
        ("invalid_api_key", 401),
        ("not_found", 404),
    ]
    assert "limited to 1 requests a minute" in found[1]["error"] and "not valid" in found[2]["error"]
    assert found[2]["event"] == "refused" and found[2]["asked"] == f"POST {CHAT}" and found[2]["from"] == "127.0.0.1"
    assert SECRET not in str(found) and "nobody" not in str(found)


def test_a_line_says_what_failed_without_what_was_asked(groq: FaultServer) -> None:
    groq.script(*[replies.error(500, f"the disk is full; you asked: {SECRET}", code="disk_full")] * 2)
    body = {"model": "auto", "messages": [{"role": "user", "content": SECRET}]}
    (line,), metrics = lines_of(tables(groq), (CHAT, "", body))
    assert (line["status"], line["code"]) == (502, "disk_full") and "the disk is full" in line["error"]
    assert SECRET not in str(line) and len(line["error"]) <= 300 and "g4f_lite_gateway_refused_total" not in metrics


def test_the_log_says_when_a_route_goes_down_and_comes_back(groq: FaultServer) -> None:
    groq.on("one", *[replies.error(500, "down")] * 3, replies.answer("up"))
    body = {"model": "auto", "messages": MESSAGES}
    lines: list[str] = []
    with running(tables(groq), write_line=lines.append, admin_key="g4f-admin") as gateway:
        for number in range(6):
            if number == 4:
                path = f"{gateway.url}/admin/api/routes/groq:one/wake"
                requests.post(path, headers={"Authorization": "Bearer g4f-admin"}, timeout=30)
            requests.post(f"{gateway.base_url}/chat/completions", json=body, timeout=30)
    events = [one for one in map(json.loads, lines) if "event" in one]
    assert [(one["event"], one["route"]) for one in events] == [("route_down", "groq:one"), ("route_up", "groq:one")]
    assert events[0]["until"] > events[0]["at"] and events[0]["outcome"] == "ServerError"
