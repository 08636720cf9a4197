"""The cost of a simulated call, in a number that other load does not change: the function calls that are made for it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from helpers.simulating import scenario

from g4f_lite.simulation.engine import Run


def function_calls(number: int, *, stream: bool) -> int:
    """Return how many functions are called by a run of so many calls, in Python and in C."""
    run = Run(scenario(services={"a": {}, "b": {}}, traffic={"rate": 5, "calls": number, "stream": stream}))
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        run.report()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.no_cover  # it measures with the same means
@pytest.mark.parametrize(("stream", "most"), [(False, 240), (True, 430)])
def test_a_simulated_call_takes_few_steps(stream: bool, most: int) -> None:
    function_calls(10, stream=stream)  # imports, and fills caches
    each = (function_calls(600, stream=stream) - function_calls(200, stream=stream)) / 400
    assert each < most
