"""
What a call through the gateway costs, as tests/architecture/test_cost.py counts it: function calls of this library.

A higher number means that the way of a call has become longer. If that is worth it, write the new one down here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables

import g4f_lite
from g4f_lite.testing import FaultServer, replies

OURS = str(Path(g4f_lite.__file__).parent)
TOLERANCE = 1.05
"""What the service sends may come in one packet or in two."""
CALLS = 20
RECORDED = 625
OF_A_BURST = 2200
"""For a stream of 1000 events that come at once: some 1700, more if it comes in more packets."""


def counted(gateway: Running, body: dict[str, Any]) -> float:
    """Return the function calls for one request: the least of three measurements."""
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OURS):
            count += 1

    found = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        for _ in range(4):  # the first one warms up
            count = 0
            gateway.loop.call_soon_threadsafe(sys.setprofile, profile)
            for _ in range(CALLS):
                session.post(f"{gateway.base_url}/chat/completions", json=body, timeout=30).raise_for_status()
            gateway.loop.call_soon_threadsafe(sys.setprofile, None)
            found.append(count / CALLS)
    return min(found[1:])


def test_a_call_makes_no_more_calls_than_recorded(groq: FaultServer) -> None:
    groq.script(*[replies.answer("Sunday")] * 4 * CALLS)
    limits = {"rpm": 10_000, "tpm": 10_000_000, "parallel": 100, "budget": {"usd": 1000}, "unknown_price": "allow"}
    with running(tables(groq, keys=key_table(**limits)), write_line=lambda line: None) as gateway:
        found = counted(gateway, {"messages": MESSAGES, "max_tokens": 100})
    assert found <= RECORDED * TOLERANCE, f"{found} calls, {RECORDED} before"


def test_a_stream_in_one_burst_makes_no_calls_for_each_event(groq: FaultServer) -> None:
    event = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
    text = event % b'{"index":0,"delta":{"content":"word "},"finish_reason":null}'
    body = text * 999 + event % b'{"index":0,"delta":{},"finish_reason":"stop"}' + b"data: [DONE]\n\n"
    groq.script(*[replies.body(body, **{"content-type": "text/event-stream"})] * 4 * CALLS)
    with running(tables(groq, keys=key_table()), write_line=lambda line: None) as gateway:
        found = counted(gateway, {"messages": MESSAGES, "stream": True})
    assert found <= OF_A_BURST, found
