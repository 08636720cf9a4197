"""With `log_calls = "content"`, the line of a call has what was asked and answered; else nothing has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import MESSAGES, running, tables

from g4f_lite.testing import FaultServer, replies


def line(groq: FaultServer, log_calls: str, body: dict[str, Any], path: str = "chat/completions") -> Any:
    """Return the line of one call, and what the process remembers of it."""
    lines: list[str] = []
    with running(tables(groq, server={"log_calls": log_calls}), write_line=lines.append) as gateway:
        requests.post(f"{gateway.base_url}/{path}", json=body, timeout=30)
        assert eventually(lambda: lines)  # it comes after the last byte
        (kept,) = gateway.gateway._recent.newest()
        assert "Which day" not in str(vars(kept)) and "Sunday" not in str(vars(kept))
    (found,) = lines
    return json.loads(found)


@pytest.mark.parametrize("stream", [False, True])
def test_the_line_has_what_was_asked_and_answered(groq: FaultServer, stream: bool) -> None:
    groq.script(replies.answer("It is Sunday"))
    found = line(groq, "content", {"messages": MESSAGES, "stream": stream})
    assert found["asked"] == [{"role": "user", "parts": [{"type": "text", "content": "Which day is it?"}]}]
    assert found["answered"] == [{"role": "assistant", "parts": [{"type": "text", "content": "It is Sunday"}]}]
    assert (found["status"], found["outcome"]) == (200, "ok")


def test_a_long_text_is_cut(groq: FaultServer) -> None:
    groq.script(replies.answer("ok"))
    found = line(groq, "content", {"messages": [{"role": "user", "content": "x" * 50_000}]})
    assert found["asked"][0]["parts"][0]["content"] == "x" * 10_000 + "…"


def test_a_call_that_fails_has_what_was_asked(groq: FaultServer) -> None:
    groq.script(*[replies.error(400, "no")] * 2)
    found = line(groq, "content", {"messages": MESSAGES})
    assert "Which day" in str(found["asked"]) and "answered" not in found


def test_the_caller_of_the_other_protocol_is_logged_too(groq: FaultServer) -> None:
    groq.script(replies.answer("It is Sunday"))
    found = line(groq, "content", {"model": "auto", "max_tokens": 9, "messages": MESSAGES}, "messages")
    assert "Which day" in str(found["asked"]) and "Sunday" in str(found["answered"])


@pytest.mark.parametrize("stream", [False, True])
def test_else_it_has_neither(groq: FaultServer, stream: bool) -> None:
    groq.script(replies.answer("It is Sunday"))
    text = json.dumps(line(groq, "meta", {"messages": MESSAGES, "stream": stream}))
    assert "Which" not in text and "Sunday" not in text
