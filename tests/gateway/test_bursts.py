"""A stream that comes in bursts: its callers get the service's own events, and its end is told as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import requests
from helpers.gateways import MESSAGES, running, tables

from g4f_lite.testing import FaultServer, replies

TEXTS = [f"word{number} é" for number in range(500)]
TEXTS[300] = 'an "error", and no "usage": {'
"""Words for which a parser takes a closer look."""


def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice], **more}).encode()  # fmt: skip


SAID = [
    event({"role": "assistant", "content": ""}, system_fingerprint="f"),
    *[event({"content": one}) for one in TEXTS],
]
USAGE = {"prompt_tokens": 12, "completion_tokens": 500, "total_tokens": 512}
WHOLE = [*SAID, event({}, "stop", usage=USAGE), b"[DONE]"]


def body(events: list[bytes]) -> bytes:
    return b"".join(b"data: %b\n\n" % one for one in events)


@pytest.mark.parametrize(("events", "complete"), [(WHOLE, True), (SAID, False)], ids=["whole", "cut"])
def test_callers_get_each_event_as_the_service_has_sent_it(
    groq: FaultServer, events: list[bytes], complete: bool
) -> None:
    groq.script(replies.body(body(events), **{"content-type": "text/event-stream"}))
    lines: list[str] = []
    with running(tables(groq), write_line=lines.append) as gateway:
        asked = {"model": "groq:one", "messages": MESSAGES, "stream": True}
        answer = requests.post(f"{gateway.base_url}/chat/completions", json=asked, timeout=30)
    line = msgspec.json.decode(lines[0])
    got = answer.content
    assert got.startswith(body(SAID))
    assert (got == body(WHOLE)) is complete
    assert line["outcome"] == ("ok" if complete else "StreamInterruptedError")
    if complete:
        assert line["tokens"] == 512
    else:
        assert json.loads(got.rstrip().rpartition(b"data: ")[2])["error"]["code"] == "stream_interrupted"


def test_callers_of_anthropics_protocol_get_the_whole_text(groq: FaultServer) -> None:
    groq.script(replies.body(body(WHOLE), **{"content-type": "text/event-stream"}))
    with running(tables(groq)) as gateway:
        asked = {"model": "groq:one", "messages": MESSAGES, "stream": True, "max_tokens": 9}
        answer = requests.post(f"{gateway.base_url}/messages", json=asked, timeout=30)
    told = [json.loads(line[6:]) for line in answer.content.split(b"\n") if line.startswith(b"data: ")]
    assert "".join(one["delta"]["text"] for one in told if one["type"] == "content_block_delta") == "".join(TEXTS)
    assert told[-1]["type"] == "message_stop"
