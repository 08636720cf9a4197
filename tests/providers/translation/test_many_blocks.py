"""A stream of Claude's with more blocks than a message has: each takes much more memory than its bytes."""

from __future__ import annotations

import json

import pytest
from helpers.driving import run
from helpers.protocol_bodies import started

from g4f_lite import StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.anthropic.blocks import MOST_BLOCKS


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_it_is_interrupted(mode: str, server: FaultServer) -> None:
    begun = started({"type": "text", "text": "", "deltas": [{"type": "text_delta", "text": "first"}]})
    more = [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        for index in range(1, MOST_BLOCKS + 1)
    ]
    events = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in [*begun, *more]]
    server.script(replies.stream([b"".join(events)]))
    claude = Anthropic(api_base=server.base_url, api_key="k" * 20)
    outcome = run(mode, {"routes": [claude]}, {"fallback_models": []})
    assert isinstance(outcome.error, StreamInterruptedError)
    assert f"more than {MOST_BLOCKS} blocks" in str(outcome.error) and outcome.text == "first"
