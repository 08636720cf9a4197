"""More choices or tool calls than any answer has are the service's fault, and not that of the provider's code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from g4f_lite import HTTPResponse, MalformedResponseError
from g4f_lite.plugins.registry import process_registry

MANY = 1025
BODIES: dict[str, tuple[str, Any]] = {
    "Gemini's candidates": (
        "gemini",
        {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}] * MANY},
    ),
    "Gemini's calls": (
        "gemini",
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}] * MANY}}]},
    ),
    "Anthropic's calls": ("anthropic", {"content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}] * MANY}),
    "Cohere's calls": (
        "cohere",
        {"message": {"tool_calls": [{"id": "x", "type": "function", "function": {"name": "f"}}] * MANY}},
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_the_answer_is_malformed(case: str) -> None:
    name, body = BODIES[case]
    response = HTTPResponse(status=200, headers={}, body=json.dumps(body).encode())
    with pytest.raises(MalformedResponseError, match=r"1025 tool calls; more than 1024|length <= 1024|as it should"):
        process_registry().get(name).parse_response(response)
