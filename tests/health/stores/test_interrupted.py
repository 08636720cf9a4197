"""A signal may interrupt a state in memory in the middle of a command: nothing stays held, nothing is given twice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from g4f_lite.health import stores
from g4f_lite.health.shared_state import Amount, Renew, Reservation, Reserve, Settle
from g4f_lite.health.stores.memory import MemoryState

FOLDER = Path(stores.__file__).parent
PURE = {str(FOLDER / f"{name}.py") for name in ("books", "ledger", "windows", "table")}
"""Not `memory`: a tracer can raise between the end of a `with` and the release of its lock, which a signal does not."""
AMOUNTS = (
    Amount("leg/a", "calls", "parallel", 1, 1),
    Amount("leg/a", "tokens", "minute", 1000, 10),
    Amount("budget/a", "nano-usd", "total", 1000, 10),
)


class InterruptedByTest(BaseException):
    pass


@contextmanager
def interrupted_at(step: int) -> Iterator[list[int]]:
    """Raise before a line of the stores' code, as the handler of a signal does."""
    seen = [0]

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in PURE:
            return None
        if event == "line":
            seen[0] += 1
            if seen[0] == step:
                raise InterruptedByTest
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield seen
    except InterruptedByTest:
        pass
    finally:
        sys.settrace(before)


def reserve(state: MemoryState, name: str, lease_ms: int = 60_000) -> bool:
    (answer,) = state.execute([Reserve(name, AMOUNTS, lease_ms)])
    assert isinstance(answer, Reservation)
    return answer.refused_by is None


def expire(state: MemoryState) -> None:
    state._started_ms += 50  # time passes
    state.execute([Renew((), 1)])


COMMANDS: dict[str, Callable[[MemoryState], object]] = {
    "reserve": lambda state: reserve(state, "one"),
    "settle": lambda state: state.execute([Settle("one", (0, 5, 5))]),
    "expire": expire,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_interrupted_anywhere_leaves_nothing_held(name: str) -> None:
    step = 0
    while True:
        step += 1
        state = MemoryState()
        if name != "reserve":
            assert reserve(state, "one", 20 if name == "expire" else 60_000)
        with interrupted_at(step) as seen:
            COMMANDS[name](state)
        if seen[0] < step:
            break
        if name == "expire":
            expire(state)
        else:
            state.execute([Settle("one", (0, 5, 5))])  # who is interrupted settles: it cannot know what was done
        for scope in ("leg/a", "budget/a"):
            for used in state.used(scope).values():
                assert used.reserved == 0, (step, scope, used)
                assert 0 <= used.spent <= 20, (step, scope, used)
        assert reserve(state, "two"), step
        assert not reserve(state, "three"), step
    assert step > 20
