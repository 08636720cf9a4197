"""A link that its client drops: what was told is told, however late the state is."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.states import LONG, calls, until

from g4f_lite.health.shared_state import Answer, Command, Reservation, Reserve, Settle
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.memory import MemoryState


class BusyState(MemoryState):
    """It answers when it may."""

    is_local = False

    def __init__(self) -> None:
        super().__init__()
        self.may_answer, self.is_asked, self.may_end, self.waits = (threading.Event() for _ in range(4))
        self.may_answer.set()

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        self.is_asked.set()
        assert self.may_answer.wait(30)
        return super().execute(commands)

    def wait(self, seconds: float) -> None:
        self.waits.set()
        assert self.may_end.wait(30)


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("g4f_lite state")]


@pytest.mark.parametrize("end", [lambda link: None, StateLink.close])
def test_what_was_told_reaches_the_state_after_the_link_is_gone(end: Callable[[StateLink], None]) -> None:
    state = BusyState()
    link = StateLink(state)
    gone = weakref.ref(link)
    (answer,) = link.ask([Reserve("one", (calls(1),), LONG)])
    assert isinstance(answer, Reservation) and answer.refused_by is None
    assert state.waits.wait(30)  # the thread that listens holds no link now

    state.may_answer.clear()
    state.is_asked.clear()
    link.tell(Settle("another", ()))
    assert state.is_asked.wait(30)
    link.tell(Settle("one", (0,)))
    end(link)
    del link
    until(lambda: gc.collect() >= 0 and gone() is None)
    state.may_answer.set()
    until(lambda: not any(used.reserved for used in state.used(calls(1).scope).values()))
    state.may_end.set()


def test_what_is_told_after_the_end_is_told_by_a_thread_that_ends() -> None:
    state = BusyState()
    state.may_end.set()
    link = StateLink(state)
    (answer,) = link.ask([Reserve("one", (calls(1),), LONG)])
    assert isinstance(answer, Reservation) and answer.refused_by is None
    link.close()
    until(lambda: not threads())
    link.tell(Settle("one", (0,)))
    until(lambda: not any(used.reserved for used in state.used(calls(1).scope).values()))
    until(lambda: not threads())
    (answer,) = link.ask([Reserve("two", (calls(1),), LONG)])  # it may be used again
    assert isinstance(answer, Reservation) and answer.refused_by is None
    link.tell(Settle("two", (0,)))
    assert threads()
    link.close()


class SlowToReserve(MemoryState):
    """What is reserved reaches it only when it may."""

    is_local = False

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.may_reserve = threading.Event(), threading.Event()
        self.has_reserved = False

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        if any(isinstance(one, Reserve) for one in commands):
            self.is_asked.set()
            assert self.may_reserve.wait(30)
            self.has_reserved = True
        return super().execute(commands)


def check_nothing_is_held(state: SlowToReserve) -> None:
    state.may_reserve.set()
    until(lambda: not threads())
    assert state.has_reserved
    assert not any(used.reserved for used in state.used(calls(1).scope).values())


def test_a_task_that_is_cancelled_after_the_end_gives_back() -> None:
    state = SlowToReserve()
    link = StateLink(state)

    async def ask() -> None:
        task = asyncio.create_task(link.ask_async([Reserve("one", (calls(1),), LONG)]))
        await asyncio.to_thread(state.is_asked.wait, 30)
        link.close()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(ask())
    check_nothing_is_held(state)


def test_what_is_settled_after_the_end_reaches_the_state_after_what_was_reserved_before() -> None:
    state = SlowToReserve()
    link = StateLink(state)
    asking = threading.Thread(target=link.ask, args=([Reserve("one", (calls(1),), LONG)],))
    asking.start()
    assert state.is_asked.wait(30)
    link.close()
    link.tell(Settle("one", (0,)))
    time.sleep(0.1)
    asking.join()
    check_nothing_is_held(state)


def test_a_link_that_is_used_again_goes_on_behind_what_it_sent_before() -> None:
    state = SlowToReserve()
    link = StateLink(state)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(link.ask, [Reserve("one", (calls(2),), LONG)])
        assert state.is_asked.wait(30)
        link.close()
        second = pool.submit(link.ask, [Reserve("two", (calls(2),), LONG)])
        for asked in (first, second):
            asked.result()
    link.tell(Settle("one", (0,)), Settle("two", (0,)))
    link.close()
    check_nothing_is_held(state)
