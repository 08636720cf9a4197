"""
Asks a key's function for the key, for asyncio.

A coroutine function is awaited. Any other may block, so it is called in a thread of its own.
"""

from __future__ import annotations

import asyncio
from inspect import isawaitable, iscoroutinefunction

from ..provider.base import KeyFunction
from ..provider.keys import Key
from ..types.time_limit import TimeLimit
from .async_threads import call_in_thread


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
                value, error = await call_in_thread(key.function, "g4f_lite-key")
            if error is not None:
                raise error
            if isawaitable(value):
                value = await value
    except Exception as error:
        raise limit.error() if timer.expired() else key.failure(error) from None
    return key.checked(value)


def _is_async(function: KeyFunction) -> bool:
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
