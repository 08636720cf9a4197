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


@pytest.mark.parametrize("again", [False, True])
def test_whoever_is_interrupted_while_he_joins_leaves_no_place_behind(again: bool) -> None:
    for step in count():
        line, first, ticket, last = Places(), Ticket(), Ticket(), Ticket()
        line.join(first, 1.0)
        line.join(last, 1.0)
        if again:
            line.join(ticket, 1.0)
        came_so_far = interrupted(step, lambda line=line, ticket=ticket: line.join(ticket, 2.0))
        ticket.leave()
        assert len(line) == 2, step
        first.leave()
        last.leave()
        assert len(line) == 0, step
        if not came_so_far:
            assert step > 20
            return


def test_whoever_is_interrupted_while_he_leaves_may_leave_again_and_blocks_nobody() -> None:
    for step in count():
        line, ticket, last = Places(), Ticket(), Ticket()
        line.join(ticket, 1.0)
        line.join(last, 100.0)
        came_so_far = interrupted(step, ticket.leave)
        line._remove_absent(50.0)
        assert len(line) == 1, step
        ticket.leave()
        last.leave()
        assert len(line) == 0, step
        if not came_so_far:
            assert step > 20
            return
