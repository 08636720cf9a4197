"""A stream of Claude's in which another message begins: the texts of two answers are never joined."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import run
from helpers.protocol_bodies import ended, started

from g4f_lite import StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers.anthropic import Anthropic


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
