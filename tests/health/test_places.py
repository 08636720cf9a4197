"""A place in a line that is taken or given up while a signal interrupts it, at any step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest

from g4f_lite.health import places
from g4f_lite.health.places import Places, Ticket


class Interrupted(Exception):
    """What a handler of a signal raises."""


def interrupted(step: int, work: Callable[[], object]) -> bool:
    """Do some work, but raise an exception at this step of the code of `places`. Return whether it came so far."""
    left = step

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != places.__file__:
            return None
        frame.f_trace_opcodes = True
        left -= 1
        if left < 0:
            raise Interrupted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False


def at_each_step(interrupted_at: Callable[[int], bool]) -> None:
    """Try an interruption at one step after the other, until there is none so late."""
    assert next(step for step in count() if not interrupted_at(step)) > 20


@pytest.mark.parametrize("again", [False, True])
def test_a_call_that_is_interrupted_while_it_joins_leaves_no_place_behind(again: bool) -> None:
    def interrupted_at(step: int) -> bool:
        line, first, ticket, last = Places(), Ticket(), Ticket(), Ticket()
        line.join(first, 1.0)
        line.join(last, 1.0)
        if again:
            line.join(ticket, 1.0)
        came_so_far = interrupted(step, lambda: line.join(ticket, 2.0))
        ticket.leave()
        assert len(line) == 2, step
        first.leave()
        last.leave()
        assert len(line) == 0, step
        return came_so_far

    at_each_step(interrupted_at)


def test_a_call_that_is_interrupted_while_it_leaves_may_leave_again_and_blocks_nobody() -> None:
    def interrupted_at(step: int) -> bool:
        line, ticket, last = Places(), Ticket(), Ticket()
        line.join(ticket, 1.0)
        line.join(last, 100.0)
        came_so_far = interrupted(step, ticket.leave)
        line._remove_absent(50.0)
        assert len(line) == 1, step
        ticket.leave()
        last.leave()
        assert len(line) == 0, step
        return came_so_far

    at_each_step(interrupted_at)
