"""The line of each call: what its key is charged, and how lines are written."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.gateway.records import LineWriter
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
