"""Arguments as large as an answer may be are in memory once more while they are read, not twice."""

from __future__ import annotations

import tracemalloc

import pytest

from g4f_lite import HTTPResponse
from g4f_lite.plugins.registry import process_registry

SIZE = 1 << 22
ARGUMENTS = b'{"a":"' + b"x" * SIZE + b'"}'
BODIES = {
    # Its blocks are also decoded, because the service wants them back as they were.
    "anthropic": (b'{"content":[{"type":"tool_use","id":"1","name":"f","input":', b'}],"stop_reason":"tool_use"}', 2),
    "gemini": (
        b'{"candidates":[{"finishReason":"STOP","content":{"parts":[{"functionCall":{"id":"1","name":"f","args":',
        b"}}]}}]}",
        1,
    ),
}


@pytest.mark.no_cover  # which counts the memory of its own
@pytest.mark.parametrize("name", BODIES)
def test_they_are_copied_as_seldom_as_can_be(name: str) -> None:
    before, after, times = BODIES[name]
    provider = process_registry().get(name)
    response = HTTPResponse(status=200, headers={}, body=before + ARGUMENTS + after)
    provider.parse_response(HTTPResponse(status=200, headers={}, body=before + b"{}" + after))  # with its imports
    tracemalloc.start()
    completion = provider.parse_response(response)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert completion.choices[0].message.tool_calls is not None
    assert completion.choices[0].message.tool_calls[0].function.arguments == ARGUMENTS.decode()
    assert peak < (times + 0.5) * SIZE
