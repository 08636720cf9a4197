"""
Calls functions that may block, for asyncio: in a daemon thread of its own, or in one of the loop's.

`call_in_thread` is for what may hang, `off_loop` for what waits for a disk.

Nothing can stop a function that runs: a thread may outlive the call that no longer waits for it. The end of a loop
waits for its own threads, and for ever if one of them hangs; it does not wait for daemon threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeAlias, TypeVar, cast

T = TypeVar("T")
Outcome: TypeAlias = tuple[Any, BaseException | None]
"""What a function returned and what it raised, one of them None."""


def call_in_thread(function: Callable[[], Any], name: str) -> asyncio.Future[Outcome]:
    """
    Return a future for what the function returned and raised: a StopIteration cannot be raised in a future.

    Args:
        name: of the thread.

    Raises:
        RuntimeError: no thread can be started.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    future: asyncio.Future[Outcome] = loop.create_future()

    def run() -> None:
        try:
            outcome: Outcome = context.run(function), None
        except BaseException as error:  # raised again in the task that awaits
            outcome = None, error
        try:
            loop.call_soon_threadsafe(settle, outcome)
        except RuntimeError:
            pass  # the loop was closed: nobody is waiting

    def settle(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


async def off_loop(function: Callable[..., T], *arguments: Any) -> T:
    """
    As `asyncio.to_thread`; if no thread can be started, the function is called here.

    A pool that cannot start a thread raises, but keeps the function until it has one: by then it must do nothing.
    """
    turn = threading.Lock()

    def call() -> T | None:
        return function(*arguments) if turn.acquire(blocking=False) else None

    try:
        return cast("T", await asyncio.to_thread(call))
    except RuntimeError:
        if turn.acquire(blocking=False):
            return function(*arguments)
        raise  # the function's own
