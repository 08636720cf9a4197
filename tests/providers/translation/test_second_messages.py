"""A stream of Claude's or Cohere's in which another message begins: the texts of two answers are never joined."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import run
from helpers.protocol_bodies import ended, started

from g4f_lite import StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere


def block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": "", "deltas": [{"type": "text_delta", "text": text}]}


def sent(*events: dict[str, Any]) -> Any:
    return replies.stream([f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events])


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_it_interrupts_the_stream(mode: str, server: FaultServer) -> None:
    server.script(sent(*started(block("first")), *started(block("second")), *ended()))
    claude = Anthropic(api_base=server.base_url, api_key="k" * 20)
    outcome = run(mode, {"routes": [claude]}, {"fallback_models": []})
    assert isinstance(outcome.error, StreamInterruptedError)
    assert (outcome.text, outcome.error.partial_text) == ("first", "first")


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_message_that_begins_twice_before_any_content_is_one(mode: str, server: FaultServer) -> None:
    server.script(sent(started()[0], *started(block("only")), *ended()))
    claude = Anthropic(api_base=server.base_url, api_key="k" * 20)
    outcome = run(mode, {"routes": [claude]}, {"fallback_models": []})
    assert outcome.completion is not None, outcome.error
    assert outcome.completion.text == "only"


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_after_a_finish_reason_it_is_no_part_of_the_answer(mode: str, server: FaultServer) -> None:
    server.script(sent(*started(block("first")), *ended()[:1], *started(block("second")), *ended()))
    claude = Anthropic(api_base=server.base_url, api_key="k" * 20)
    outcome = run(mode, {"routes": [claude]}, {"fallback_models": []})
    assert outcome.completion is not None, outcome.error
    assert outcome.text == outcome.completion.text == "first"


def cohere(kind: str, **delta: Any) -> dict[str, Any]:
    return {"type": kind, "id": "c-1", "index": 0, "delta": delta}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_of_coheres_is_interrupted_too(mode: str, again: bool, server: FaultServer) -> None:
    start, end = cohere("message-start"), cohere("message-end", finish_reason="COMPLETE")
    texts = [cohere("content-delta", message={"content": {"text": text}}) for text in ("first", "second")]
    server.script(sent(start, start, texts[0], *[start] * again, texts[1], end))
    outcome = run(mode, {"routes": [Cohere(api_base=server.base_url, api_key="k" * 20)]}, {"fallback_models": []})
    assert outcome.text == ("first" if again else "firstsecond")
    assert isinstance(outcome.error, StreamInterruptedError) is again
