"""
An event loop on a virtual clock: a sleep takes no time, and what happens at one moment happens in a fixed order.

Rule: asyncio's tasks, futures and timeouts run on it unchanged; there is no I/O and no other thread.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from asyncio import Future, events
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeVar, cast

T = TypeVar("T")

STARTS_AT = 1_780_272_000.0
"""Unix time at which a simulation begins: the first of a month, and a Monday, so that the windows of budgets begin."""


class VirtualClock:
    """The time of a loop, in place of the module `time`."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return STARTS_AT + self.now


class _Timer:
    """As `asyncio.TimerHandle`."""

    __slots__ = ("args", "at", "callback", "context")

    def __init__(self, at: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context) -> None:
        self.at, self.args, self.context = at, args, context
        self.callback: Callable[..., object] | None = callback

    def cancel(self) -> None:
        self.callback, self.args = None, ()

    def cancelled(self) -> bool:
        return self.callback is None

    def when(self) -> float:
        return self.at


class StuckError(RuntimeError):
    """A task waits for what never happens."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs what is ready, then goes to the next timer: of several at one moment, to the first that was set."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...], Context | None]] = deque()
        self._timers: list[tuple[float, int, _Timer | asyncio.Future[None]]] = []
        self._numbers = count()
        self._running = self._closed = False

    # -- what asyncio needs of a loop ------------------------------------------------------

    def time(self) -> float:
        return self.clock.now

    def call_soon(  # type: ignore[override]  # nobody cancels it
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> None:
        self._ready.append((callback, args, context))

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is no other thread

    def call_later(  # type: ignore[override]  # as loosely typed as those that it calls
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.clock.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, context or copy_context())
        heappush(self._timers, (when, next(self._numbers), timer))
        return cast("asyncio.TimerHandle", timer)

    def at(self, when: float) -> asyncio.Future[None]:
        """Return what has a result at a time; nothing ever happens at an infinite one. It may be cancelled before."""
        future: asyncio.Future[None] = Future(loop=self)
        if when < inf:
            heappush(self._timers, (when, next(self._numbers), future))
        return future

    def set_at(self, when: float, future: asyncio.Future[None]) -> None:
        """As `at`, for a future that is there."""
        heappush(self._timers, (when, next(self._numbers), future))

    def create_future(self) -> asyncio.Future[Any]:
        return Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, name=name or "simulated", context=context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """End the simulation: nothing in it may fail unseen."""
        if self._closed:  # tasks that were pending when it ended
            return
        raise RuntimeError(context.get("message", "a callback failed")) from context.get("exception")

    # -- running ---------------------------------------------------------------------------

    def run_until_complete(self, future: Coroutine[Any, Any, T]) -> T:  # type: ignore[override]  # coroutines only
        """
        Run a coroutine to its end, and return its result.

        Raises:
            StuckError: it waits for what never happens.
        """
        before = events._get_running_loop()
        task = self.create_task(future)
        self._running = True
        events._set_running_loop(self)
        try:
            self._run(task)
        finally:
            events._set_running_loop(before)
            self._running = False
        result: T = task.result()
        return result

    def _run(self, task: asyncio.Task[Any]) -> None:
        ready, timers, clock, take = self._ready, self._timers, self.clock, self._ready.popleft
        while True:
            while ready:
                callback, args, context = take()
                if context is None:
                    callback(*args)
                else:
                    context.run(callback, *args)
            if task.done():
                return
            while timers and timers[0][2].cancelled():
                heappop(timers)
            if not timers:
                raise StuckError("nothing is left to happen")
            when, _, timer = heappop(timers)
            if when > clock.now:  # noqa: PLR1730  # `max` takes three times as long
                clock.now = when
            if isinstance(timer, _Timer):
                assert timer.callback is not None
                timer.context.run(timer.callback, *timer.args)
            elif not timer.done():
                timer.set_result(None)

    @contextmanager
    def ctrl_c_between_steps(self) -> Iterator[None]:
        """Let Ctrl-C come between two steps, as with `asyncio.run`: within one, it may keep a task from waking."""
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        ):
            yield
            return
        is_pressed = False

        def press(*_: object) -> None:
            nonlocal is_pressed
            is_pressed = True
            self.call_soon(_interrupt)

        signal.signal(signal.SIGINT, press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if is_pressed:  # after the last step
            raise KeyboardInterrupt

    def close(self) -> None:
        self._closed = True
        self._ready.clear()
        self._timers.clear()


def _interrupt() -> None:
    raise KeyboardInterrupt
