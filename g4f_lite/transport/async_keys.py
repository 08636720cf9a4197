"""
Asks a key's function for the key, for asyncio.

A coroutine function is awaited. Any other may block, so it is called in a thread of its own; nothing can stop a
function that runs, so a thread may outlive a call that no longer waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from inspect import isawaitable, iscoroutinefunction
from typing import Any, TypeAlias

from ..provider.base import KeyFunction
from ..provider.keys import Key
from ..types.time_limit import TimeLimit

_Outcome: TypeAlias = tuple[Any, BaseException | None]


async def get_key(key: Key, limit: TimeLimit) -> str:
    """
    As `Key.get`, without blocking the loop.

    Raises:
        DeadlineExceededError, ProviderTimeoutError: the function took longer than the attempt may.
    """
    assert key.function is not None
    timer = asyncio.timeout(limit.remaining())
    try:
        async with timer:
            value, error = None, None
            if _is_async(key.function):
                value = key.function()
            else:
                value, error = await _call_in_thread(key.function)
            if error is not None:
                raise error
            if isawaitable(value):
                value = await value
    except Exception as error:
        raise limit.error() if timer.expired() else key.failure(error) from None
    return key.checked(value)


def _is_async(function: KeyFunction) -> bool:
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def _call_in_thread(function: KeyFunction) -> asyncio.Future[_Outcome]:
    """Return a future for what the function returned and raised: a StopIteration cannot be raised in a future."""
    loop, context = asyncio.get_running_loop(), copy_context()
    future: asyncio.Future[_Outcome] = loop.create_future()

    def run() -> None:
        try:
            outcome: _Outcome = context.run(function), None
        except BaseException as error:  # raised again in the task that awaits
            outcome = None, error
        try:
            loop.call_soon_threadsafe(settle, outcome)
        except RuntimeError:
            pass  # the loop was closed: nobody is waiting

    def settle(outcome: _Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    threading.Thread(target=run, name="g4f_lite-key", daemon=True).start()
    return future
