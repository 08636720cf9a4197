"""An answer of very many parts is refused before Python looks at each: a service must not stop the event loop so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run

from g4f_lite import MalformedResponseError
from g4f_lite.testing import FaultServer, replies

MANY = 4097
CALL = {"functionCall": {"name": "f", "args": {}}}
COHERE = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ANSWERS: dict[tuple[str, str], Any] = {
    ("gemini", "calls"): {"candidates": [{"finishReason": "STOP", "content": {"parts": [CALL] * MANY}}]},
    ("gemini", "texts"): {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "a"}] * MANY}}]},
    ("anthropic", "calls"): {
        "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}] * MANY,
        "stop_reason": "tool_use",
    },
    ("anthropic", "texts"): {"content": [{"type": "text", "text": "a"}] * MANY, "stop_reason": "end_turn"},
    ("cohere", "calls"): {"finish_reason": "COMPLETE", "message": {"tool_calls": [COHERE] * MANY}},
    ("cohere", "texts"): {"finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": "a"}] * MANY}},
}


CASES = [(*case, mode) for case in ANSWERS for mode in MODES if "stream" not in mode or case[0] != "anthropic"]


@pytest.mark.parametrize(("provider", "kind", "mode"), CASES)
def test_an_answer_of_too_many_parts_is_malformed(provider: str, kind: str, mode: str, server: FaultServer) -> None:
    answer = ANSWERS[provider, kind]
    if "stream" in mode and provider == "cohere":
        answer = {"type": "content-delta", "delta": {"message": answer["message"]}}
    server.script(replies.stream([answer]) if "stream" in mode else replies.body(json.dumps(answer).encode()))
    settings = {"base_urls": {provider: server.base_url}, "keys": {provider: "key-of-the-test"}, "retries": 0}
    outcome = run(mode, settings, {"provider": provider, "model": "m", "fallback_models": []})
    assert isinstance(outcome.error, MalformedResponseError)
    assert "length <= 4096" in str(outcome.error) or "an event is not as it should be" in str(outcome.error)
