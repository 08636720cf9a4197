"""A usage that cannot be stays in the answer, and counts as none in the trail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import TokenDetails, Usage
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.usage import MOST_COUNTED, possible


@pytest.mark.parametrize("number", [-1, MOST_COUNTED + 1, 10**400])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "total_tokens", "web_searches", "cost"])
def test_a_number_that_cannot_be_spoils_a_usage(name: str, number: int) -> None:
    counts: dict[str, Any] = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    assert possible(Usage(**counts)) is not None
    assert possible(Usage(**{**counts, name: number})) is None


def test_numbers_inside_the_details_count_too() -> None:
    inside = TokenDetails(cached_tokens_details=TokenDetails(audio_tokens=-1))
    assert possible(Usage(prompt_tokens_details=inside)) is None
    assert possible(Usage(prompt_tokens_details=TokenDetails(cached_tokens=0))) is not None


@pytest.mark.parametrize("mode", MODES)
def test_an_impossible_usage_is_not_counted(mode: str, server: FaultServer) -> None:
    usage = {"prompt_tokens": -5, "completion_tokens": 1, "total_tokens": -4}
    common = {"id": "a", "model": "one", "usage": usage}
    if "stream" in mode:
        delta = {"role": "assistant", "content": "Sunday"}
        server.script(replies.stream([{**common, "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}]))
    else:
        message = {"role": "assistant", "content": "Sunday"}
        whole = {**common, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        server.script(replies.body(json.dumps(whole).encode(), Content_Type="application/json"))
    settings = {"base_urls": {"groq": server.base_url}, "keys": {"groq": "test"}}
    outcome = run(mode, settings, {"messages": MESSAGES, "provider": "groq", "model": "one"})
    assert outcome.text == "Sunday" and outcome.trail.usage is None
    assert outcome.completion is not None and outcome.completion.usage is not None
    assert outcome.completion.usage.prompt_tokens == -5
