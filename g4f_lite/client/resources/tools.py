"""`client.chat.run_tools`: ask, call the functions that the model asks for, and ask again."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from functools import partial
from typing import Any

from ...errors.exceptions import G4FLiteError
from ...transport.async_threads import call_in_thread
from ...types.checks import flag
from ...types.chunks import ChatCompletionChunk
from ...types.tool_run import ToolResult, ToolRun
from ..tools.loop import PendingCall, ToolLoop, failure_of, result_of
from ..tools.streams import AsyncToolStream, ToolStream

_MOST_THREADS = 32
"""Functions that run at once in threads: a model may ask for hundreds of calls."""


def run_tools(
    create: Callable[..., Any], params: dict[str, Any], max_rounds: int, *, stream: bool
) -> ToolRun | ToolStream:
    """
    Run the loop; see `Chat.run_tools`.

    Args:
        create: `client.chat.completions.create`.
    """
    loop = ToolLoop(params, max_rounds, is_async=False)
    if flag("stream", stream):
        return ToolStream(loop, _chunks(create, loop))
    try:
        while calls := loop.take(create(**loop.request())):
            loop.add([_call(one) for one in calls])
    except G4FLiteError as error:
        raise loop.failed(error) from error.__cause__
    return loop.run()


def _chunks(create: Callable[..., Any], loop: ToolLoop) -> Generator[ChatCompletionChunk]:
    try:
        while not loop.closed:
            with closing(create(stream=True, **loop.request())) as loop.chunks:
                if not loop.closed:
                    yield from loop.chunks
            if loop.closed or not (calls := loop.take(loop.chunks.completion)):
                return
            loop.add([_call(one) for one in calls])
    except G4FLiteError as error:
        raise loop.failed(error) from error.__cause__


def _call(pending: PendingCall | ToolResult) -> ToolResult:
    if isinstance(pending, ToolResult):
        return pending
    began = time.monotonic()
    value, error = _outcome(pending)
    if inspect.iscoroutine(value):
        value.close()
        error = TypeError("it returned a coroutine, which only AsyncClient can await")
    return _tool_result(pending, began, value, error)


def _outcome(pending: PendingCall) -> tuple[Any, BaseException | None]:
    """
    Return what the function returned and raised.

    A CancelledError is a failure of the function's own work, when nobody has cancelled the call.
    """
    try:
        return pending.function(**pending.keywords), None
    except (Exception, asyncio.CancelledError) as error:
        return None, error


def _tool_result(pending: PendingCall, began: float, value: Any, error: BaseException | None) -> ToolResult:
    if error is None:
        try:
            return result_of(pending, began, value)
        except Exception as fault:  # of the value's own __str__
            error = fault
    return failure_of(pending, began, error)


async def run_tools_async(
    create: Callable[..., Any], params: dict[str, Any], max_rounds: int, *, stream: bool
) -> ToolRun | AsyncToolStream:
    """As `run_tools`; the calls of a round run at the same time."""
    loop = ToolLoop(params, max_rounds, is_async=True)
    if flag("stream", stream):
        return AsyncToolStream(loop, _chunks_async(create, loop))
    try:
        while calls := loop.take(await create(**loop.request())):
            loop.add(await _call_all(calls, loop))
    except G4FLiteError as error:
        raise loop.failed(error) from error.__cause__
    return loop.run()


async def _chunks_async(create: Callable[..., Any], loop: ToolLoop) -> AsyncGenerator[ChatCompletionChunk]:
    try:
        while not loop.closed:
            async with aclosing(await create(stream=True, **loop.request())) as loop.chunks:
                if not loop.closed:
                    async for chunk in loop.chunks:
                        yield chunk
            if loop.closed or not (calls := loop.take(loop.chunks.completion)):
                return
            loop.add(await _call_all(calls, loop))
    except G4FLiteError as error:
        raise loop.failed(error) from error.__cause__


async def _call_all(calls: list[PendingCall | ToolResult], loop: ToolLoop) -> list[ToolResult]:
    timer = asyncio.timeout(loop.seconds_left())
    threads = asyncio.Semaphore(_MOST_THREADS)
    try:
        async with timer, asyncio.TaskGroup() as group:
            tasks = [group.create_task(_call_async(one, threads)) for one in calls]
    except TimeoutError:
        if timer.expired():
            raise loop.out_of_time() from None
        raise
    except BaseExceptionGroup as raised:  # an exception that is meant to end the program, as without a group
        raise raised.exceptions[0] from None
    return [task.result() for task in tasks]


async def _call_async(pending: PendingCall | ToolResult, threads: asyncio.Semaphore) -> ToolResult:
    if isinstance(pending, ToolResult):
        return pending
    began = time.monotonic()
    value, error = None, None
    try:
        if inspect.iscoroutinefunction(pending.function):
            value = await pending.function(**pending.keywords)
        else:  # it may wait for a disk or a service: in a thread, it does not stop the event loop
            function = partial(pending.function, **pending.keywords)
            async with threads:
                value, error = await call_in_thread(function, "g4f_lite-tool")
            if error is not None:
                raise error
            if inspect.iscoroutine(value):  # of a decorated coroutine function
                value = await value
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        error = cancelled
    except Exception as raised:
        error = raised
    return _tool_result(pending, began, value, error)
