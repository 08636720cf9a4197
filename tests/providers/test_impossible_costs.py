"""What a service cannot have counted has no price: a negative one would give a budget more than it has."""

from __future__ import annotations

import pytest

from g4f_lite import TokenDetails, Usage
from g4f_lite.records import prices


@pytest.mark.parametrize(
    ("prompt", "cached", "completion"),
    [
        (0, None, 0),
        (0, None, 5),
        (10, 11, 1),
        (10, 50_000, 1),
        (0, 1, 0),
        (-10, None, 1),
        (10, None, -1),
        (10, -1, 1),
        (-10, -20, 1),
    ],
)
@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")])
def test_an_impossible_usage_has_no_cost(
    provider: str, model: str, prompt: int, cached: int | None, completion: int
) -> None:
    details = None if cached is None else TokenDetails(cached_tokens=cached)
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, prompt_tokens_details=details)
    assert prices.cost(provider, model, usage) is None


def test_what_all_came_from_the_cache_has_a_cost() -> None:
    usage = Usage(prompt_tokens=10, completion_tokens=0, prompt_tokens_details=TokenDetails(cached_tokens=10))
    assert (prices.cost("openai", "gpt-4o", usage) or 0.0) > 0
