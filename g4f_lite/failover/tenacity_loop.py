"""
How tenacity drives the attempts after the first one has failed, the same for both clients.

Rule: tenacity is used through its public interface, and the plan decides. Only a `ProviderError` is retried:
cancellation, Ctrl-C and bugs pass through. The first failure imports this module: most processes that make one call
never need it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeAlias, TypeVar

from ..errors.exceptions import ProviderError
from ..health.places import Ticket
from .candidates import AllCoolingDownError
from .plan import Plan
from .waits import WAITS

try:
    from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception_type
    from tenacity.stop import stop_base
    from tenacity.wait import wait_base
except BaseException:  # Ctrl-C: Python keeps the modules that were complete, and with those a second import fails
    for name in [name for name in sys.modules if name.startswith("tenacity.")]:
        sys.modules.pop(name, None)
    raise

T = TypeVar("T")

Waiting: TypeAlias = Callable[[float, BaseException | None], None] | None
"""Is told the seconds of each wait before it, and the failure before it; None if nobody needs to know."""
_STILL_IN_LINE = AllCoolingDownError(0.0, 0.0)


class stop_when_plan_is_finished(stop_base):  # noqa: N801  # named like tenacity's own
    """Stop when the plan has no other attempt. An attempt that failed has called `plan.fail` by then."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self.plan.finished


class wait_as_planned(wait_base):  # noqa: N801  # named like tenacity's own
    """Wait as long as the plan says."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __call__(self, retry_state: RetryCallState) -> float:
        return self.plan.next_wait


def sleep(plan: Plan, waiting: Waiting, seconds: float) -> None:
    while seconds:  # time.sleep(0) is a system call, which costs as much as the rest of the loop
        _sleep(plan.ticket, seconds)
        seconds = _asked_again(plan, waiting)


def _sleep(ticket: Ticket | None, seconds: float) -> None:
    if ticket is None or ticket.woken is None:
        time.sleep(seconds)
        return
    event = threading.Event()
    ticket.wake = event.set
    try:
        if not ticket.woken:
            event.wait(seconds)
    finally:
        ticket.wake = None


async def sleep_async(plan: Plan, waiting: Waiting, seconds: float) -> None:
    if seconds:  # asyncio.sleep(0) is a round of the event loop
        await _Sleep(plan, waiting, seconds).end()


class _Sleep:
    """The wait of one call on its event loop. As long as it goes on in line, a callback asks: its task need not run."""

    __slots__ = ("_context", "_loop", "_over", "_plan", "_timer", "_waiting")

    def __init__(self, plan: Plan, waiting: Waiting, seconds: float) -> None:
        self._plan, self._waiting, self._context = plan, waiting, copy_context()
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._timer = self._loop.call_later(seconds, self._ask)

    async def end(self) -> None:
        """Return when it is over; it is cancelled if whoever made the call ends its waits."""
        if (waits := WAITS.get()) is not None:
            waits.begin(self._plan, self._over.cancel)
        if (ticket := self._plan.ticket) is not None:
            ticket.wake = self._wake
            if ticket.woken:
                self._ask()
        try:
            await self._over
        finally:
            if waits is not None:
                waits.over(self._plan)
            if ticket is not None:
                ticket.wake = None
            self._timer.cancel()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            # Whoever wakes it may be another thread, or another call, which has a context of its own.
            self._loop.call_soon_threadsafe(self._ask, context=self._context)

    def _ask(self) -> None:
        self._timer.cancel()
        if self._over.done():
            return
        try:
            seconds = _asked_again(self._plan, self._waiting)
        except BaseException as error:
            self._over.set_exception(error)
            return
        if seconds:
            self._timer = self._loop.call_later(seconds, self._ask)
        else:
            self._over.set_result(None)


def _asked_again(plan: Plan, waiting: Waiting) -> float:
    """Return the seconds for which a call goes on waiting in line; 0 if the next attempt may begin, or the call end."""
    seconds = plan.ask_in_line()
    if seconds and waiting is not None:
        waiting(seconds, _STILL_IN_LINE)
    return seconds


_retry = retry_if_exception_type(ProviderError)


def _settings(plan: Plan, waiting: Waiting) -> dict[str, Any]:
    """Return what tenacity's two classes are told, besides how to sleep."""
    return {
        "retry": _retry,
        "wait": wait_as_planned(plan),
        "stop": stop_when_plan_is_finished(plan),
        "before_sleep": None if waiting is None else _before_sleep(waiting),
        "reraise": True,
    }


def _before_sleep(waiting: Callable[[float, BaseException | None], None]) -> Callable[[RetryCallState], None]:
    """Return what tenacity calls before it sleeps."""

    def before_sleep(state: RetryCallState) -> None:
        if state.upcoming_sleep:
            waiting(state.upcoming_sleep, state.outcome.exception() if state.outcome is not None else None)

    return before_sleep


def resume(plan: Plan, error: ProviderError, attempt: Callable[[], T], waiting: Waiting = None) -> T:
    """
    Go on with a call after its first attempt has failed, until an attempt succeeds or the plan is finished.

    Args:
        error: the first failure: tenacity sees it as the outcome of its first attempt.
        attempt: makes the next attempt.
        waiting: see `Waiting`.

    Raises:
        ProviderError: the last failure.
    """
    failures = [error]
    del error  # its traceback holds this frame: an answered call must leave no cycle

    def next_attempt() -> T:
        if failures:
            raise failures.pop()
        return attempt()

    retrying = Retrying(sleep=partial(sleep, plan, waiting), **_settings(plan, waiting))
    try:
        return retrying(next_attempt)
    finally:
        retrying.iter_state.reset()  # its last actions refer to `retrying`: a cycle


async def resume_async(
    plan: Plan, error: ProviderError, attempt: Callable[[], Awaitable[T]], waiting: Waiting = None
) -> T:
    """As `resume`, for coroutines."""
    failures = [error]
    del error

    async def next_attempt() -> T:
        if failures:
            raise failures.pop()
        return await attempt()

    retrying = AsyncRetrying(sleep=partial(sleep_async, plan, waiting), **_settings(plan, waiting))
    try:
        return await retrying(next_attempt)
    finally:
        retrying.iter_state.reset()
