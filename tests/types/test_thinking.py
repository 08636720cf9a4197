"""Which requests ask for thinking, in OpenAI's words and in those of the services."""

from __future__ import annotations

from typing import Any

import pytest

from g4f_lite import ChatRequest
from g4f_lite.types.thinking import asks_to_think

ASKS: list[tuple[dict[str, Any], bool | None]] = [
    ({}, None),
    ({"reasoning_effort": "high"}, True),
    ({"reasoning_effort": "low"}, True),
    ({"reasoning_effort": "xhigh"}, True),
    ({"reasoning_effort": "default"}, True),  # Groq's word for Qwen
    ({"reasoning_effort": "minimal"}, False),
    ({"reasoning_effort": "none"}, False),
    ({"extra_body": {}}, None),
    ({"extra_body": {"top_k": 5, "reasoning_format": "parsed", "include_reasoning": True}}, None),
    ({"extra_body": {"reasoning_effort": "high"}}, True),
    ({"extra_body": {"reasoning": {"effort": "high"}}}, True),
    ({"extra_body": {"reasoning": {"effort": "none"}}}, False),
    ({"extra_body": {"reasoning": {"enabled": True}}}, True),
    ({"extra_body": {"reasoning": {"enabled": False, "effort": "high"}}}, False),
    ({"extra_body": {"reasoning": {"max_tokens": 2000}}}, True),
    ({"extra_body": {"reasoning": {"exclude": True}}}, None),
    ({"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 4000}}}, True),
    ({"extra_body": {"thinking": {"type": "adaptive"}}}, True),
    ({"extra_body": {"thinking": {"type": "disabled"}}}, False),
    ({"extra_body": {"enable_thinking": True}}, True),
    ({"extra_body": {"enable_thinking": False, "thinking_budget": 512}}, False),
    ({"extra_body": {"thinking_budget": 0}}, False),
    ({"extra_body": {"thinking_budget": -1}}, True),
    ({"extra_body": {"think": "high"}}, True),
    ({"extra_body": {"think": False}}, False),
    ({"extra_body": {"prompt_mode": "reasoning"}}, True),
    ({"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}, True),
    ({"extra_body": {"chat_template_kwargs": {"thinking": False}}}, False),
    ({"extra_body": {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}}, True),
    ({"extra_body": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "minimal"}}}}, False),
    ({"extra_body": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}}, None),
    ({"extra_body": {"extra_body": {"google": {"thinking_config": {"thinking_level": "high"}}}}}, True),
    ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}, False),
    ({"reasoning_effort": "high", "extra_body": {"thinking": {"type": "disabled"}}}, False),
    ({"reasoning_effort": "none", "extra_body": {"enable_thinking": True}}, True),
    ({"reasoning_effort": "high", "extra_body": {"top_k": 5}}, True),
]


@pytest.mark.parametrize(("params", "asks"), ASKS, ids=map(str, ASKS))
def test_a_request_asks_for_thinking(params: dict[str, Any], asks: bool | None) -> None:
    assert asks_to_think(ChatRequest(messages=({"role": "user", "content": "x"},), **params)) is asks
