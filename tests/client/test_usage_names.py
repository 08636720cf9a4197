"""A usage under the names of OpenAI's Responses counts, and one that counts nothing is not free."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.limited import FastState

from g4f_lite import Budget, Limits, Usage
from g4f_lite.testing import FaultServer, replies

MODEL = "openai/gpt-oss-120b"
ONE = {"model": f"groq:{MODEL}", "fallback_models": [], "max_tokens": 20}
DETAILED = {
    "input_tokens": 9,
    "output_tokens": 4,
    "total_tokens": 13,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 1},
}


def groq_with(groq: FaultServer, mode: str, usage: Any, **more: Any) -> dict[str, Any]:
    said = {"content": "ok"}
    choice = {"index": 0, "finish_reason": "stop", "delta" if "stream" in mode else "message": said}
    answer = json.dumps({"choices": [choice], "usage": usage, **more.pop("answer", {})}).encode()
    if "stream" in mode:
        body = replies.body(b"data: " + answer + b"\n\ndata: [DONE]\n\n", content_type="text/event-stream")
    else:
        body = replies.body(answer, content_type="application/json")
    groq.script(body)
    return {"keys": {"groq": "gsk_usage"}, "base_urls": {"groq": groq.base_url}, "routes": [f"groq:{MODEL}"], **more}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (DETAILED, (9, 4, 13, 2, 1)),
        ({"input_tokens": 9, "output_tokens": 4}, (9, 4, 13, None, None)),
        ({"prompt_tokens": 9, "output_tokens": 4}, (9, 4, 13, None, None)),
        ({"prompt_tokens": 0, "completion_tokens": None, **DETAILED}, (9, 4, 13, 2, 1)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "input_tokens": 90}, (9, 4, 0, None, None)),
        ({"input_tokens": [9], "output_tokens": 4}, (0, 0, 0, None, None)),
    ],
)
@pytest.mark.parametrize("answer", [{}, {"created": "yesterday"}], ids=["strict", "lenient"])
def test_other_names_count(
    mode: str, usage: dict[str, Any], counts: tuple[int | None, ...], answer: dict[str, Any], groq: FaultServer
) -> None:
    found = run(mode, groq_with(groq, mode, usage, answer=answer), ONE).completion
    assert found is not None
    read = found.usage
    assert isinstance(read, Usage)
    details = read.prompt_tokens_details, read.completion_tokens_details
    cached, reasoning = (None if one is None else one for one in details)
    assert counts == (
        read.prompt_tokens,
        read.completion_tokens,
        read.total_tokens,
        cached and cached.cached_tokens,
        reasoning and reasoning.reasoning_tokens,
    )


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
@pytest.mark.parametrize("mode", MODES)
def test_what_counts_nothing_uses_what_it_reserved(mode: str, usage: dict[str, int], groq: FaultServer) -> None:
    state = FastState()
    limited = {"budget": Budget(usd=1), "limits": {"groq": Limits(tpm=10_000)}, "state": state}
    found = run(mode, groq_with(groq, mode, usage, **limited), ONE)
    assert (found.text, found.trail.cost) == ("ok", None)
    (reserve,) = [reserve for _, reserve in state.granted]
    for amount in reserve.amounts:
        assert state.used(amount.scope)[amount.unit, amount.window].spent == amount.amount > 0
