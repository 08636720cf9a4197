"""What is calculated without the price list's own arithmetic is the same to the nano-dollar."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import TokenDetails, Usage
from g4f_lite.records import prices

MODELS = [
    ("openai", "gpt-5.6-luna"), ("openai", "gpt-4o-search-preview"), ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-pro"), ("groq", "openai/gpt-oss-20b"), ("deepseek", "deepseek-chat"),
    ("mistral", "mistral-large-latest"), ("xai", "grok-4"), ("nobody", "knows-it"),
]  # fmt: skip
COUNTS = st.sampled_from([0, 1, 999, 50_000, 99_999, 150_000, 250_000, 2_000_000])


@pytest.mark.parametrize(("provider", "model"), MODELS)
@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS, st.none() | COUNTS, st.floats(1.70e9, 1.80e9))
def test_both_ways_agree(
    provider: str, model: str, prompt: int, completion: int, cached: int | None, at: float
) -> None:
    details = None if cached is None else TokenDetails(cached_tokens=min(cached, prompt))
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=details,
    )
    quick = prices.cost(provider, model, usage, at=at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prices, "_rates", lambda *_: None)
        slow: Any = prices.cost(provider, model, usage, at=at)
    assert quick == (None if slow is None else pytest.approx(slow, rel=1e-9, abs=1e-12))
