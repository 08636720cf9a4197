"""Cancels calls of `AsyncClient` after each step of the event loop."""

from __future__ import annotations

import asyncio
import gc
from asyncio.events import Handle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

from g4f_lite import AsyncClient, G4FLiteError

from . import aftermath
from .aftermath import check
from .asking import Held, ask_async, new_prompt, next_params, settings_of
from .forms import Form
from .world import Observer, World


class Steps:
    """Counts the callbacks that an event loop runs, and calls something before one of them."""

    def __init__(self) -> None:
        self.count = 0
        self._due: dict[int, Callable[[], object]] = {}

    def before(self, step: int, action: Callable[[], object]) -> None:
        self._due[self.count + step] = action

    def forget(self) -> None:
        self._due.clear()

    @contextmanager
    def counted(self) -> Iterator[None]:
        run = Handle._run

        def counting(handle: Handle) -> None:
            action = self._due.pop(self.count, None)
            self.count += 1
            if action is not None:
                action()
            run(handle)

        with mock.patch.object(Handle, "_run", counting):
            yield


class SiblingError(Exception):
    """Another task of the group fails."""


async def _cancel(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    task = asyncio.ensure_future(ask_async(client, form, held))
    steps.before(step, task.cancel)
    return await _cancelled(task)


async def _cancel_twice(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    task = asyncio.ensure_future(ask_async(client, form, held))
    steps.before(step, task.cancel)
    steps.before(step + 1 + step % 3, task.cancel)
    return await _cancelled(task)


async def _cancel_thrice(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    task = asyncio.ensure_future(ask_async(client, form, held))
    for further in range(3):
        steps.before(step + further, task.cancel)
    return await _cancelled(task)


async def _cancelled(task: asyncio.Task[None]) -> bool:
    """Wait for a task; return whether it was cancelled in time."""
    while not task.done():
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
        return bool(task.cancelling())
    return True


async def _time_out(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as timer:
            steps.before(step, lambda: timer.reschedule(loop.time()))
            await ask_async(client, form, held)
            steps.forget()
    except TimeoutError:
        return True
    return False


async def _fail_beside(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def sibling() -> None:
        await failing

    def settle(outcome: BaseException | None) -> None:
        if not failing.done():
            failing.set_result(None) if outcome is None else failing.set_exception(outcome)

    async def work() -> None:
        steps.before(step, lambda: settle(SiblingError()))
        await ask_async(client, form, held)
        settle(None)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(work())
    except ExceptionGroup as failures:
        check("the failure of the sibling alone arrives", failures.split(SiblingError)[1] is None, failures)
        return True
    return False


async def _close_stream(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    """Close the stream from another task, once there is one."""
    return await _close_beside(steps, step, form, client, held, lambda: held.stream and held.stream.aclose())


async def _close_client(steps: Steps, step: int, form: Form, client: Any, held: Held) -> bool:
    return await _close_beside(steps, step, form, client, held, client.aclose)


async def _close_beside(steps: Steps, step: int, form: Form, client: Any, held: Held, close: Callable[[], Any]) -> bool:
    closing: list[asyncio.Future[None]] = []
    fired = False

    def fire() -> None:
        nonlocal fired
        fired = held.cut = True
        if (work := close()) is not None:
            closing.append(asyncio.ensure_future(work))

    steps.before(step, fire)
    try:
        await ask_async(client, form, held)
    except G4FLiteError as error:
        check("only a call on a closed client fails", "closed" in str(error), repr(error))
    steps.forget()
    for one in closing:
        await one
    return fired


MODES = {
    "cancelled": (_cancel, "CancelledError"),
    "cancelled twice": (_cancel_twice, "CancelledError"),
    "cancelled three times": (_cancel_thrice, "CancelledError"),
    "timed out": (_time_out, "CancelledError"),
    "failure of a sibling": (_fail_beside, "CancelledError"),
    "stream closed by another task": (_close_stream, "StreamClosed"),
    "client closed by another task": (_close_client, ""),
}
ENDS_OF_LOOPS = ("loop stopped", "loop closed")
EVERY_MODE = (*MODES, *ENDS_OF_LOOPS)


def interrupt(world: World, form: Form, mode: str, step: int) -> bool:
    """
    Interrupt a call before a step of the loop, and check what must hold.

    Returns:
        False if the call ended before that step.
    """
    observer, before_files, before_threads = Observer(), aftermath.files(), aftermath.threads()
    world.reset(form.answers)
    if mode == "stream closed by another task" and (not form.reads or form.is_shortcut):
        return False  # Python refuses to close an async generator, as of `astream`, in the middle of a step
    with aftermath.noise() as lines:
        steps = Steps()
        with steps.counted():
            if mode in ENDS_OF_LOOPS:
                again = _end_loop(world, form, step, steps, observer, stopped=mode == "loop stopped")
            else:
                again = asyncio.run(_interrupt(world, form, mode, step, steps, observer))
        if mode != "loop closed":  # Python complains of the task that the program leaves behind
            aftermath.check_noise(lines)
    aftermath.check_closed(world, before_files)
    aftermath.check_threads(before_threads)
    return again


async def _interrupt(world: World, form: Form, mode: str, step: int, steps: Steps, observer: Observer) -> bool:
    act, name = MODES[mode]
    client = AsyncClient(**settings_of(form, world, observer))
    if form.prepare is not None:
        form.prepare(client)
    held = Held()
    interrupted = await act(steps, step, form, client, held)
    steps.forget()
    await aftermath.check_tasks()
    if held.stream is not None:
        call = getattr(held.stream, "_call", None)
        if interrupted and (call is None or call.plan is not None):
            await held.stream.aclose()
        held.stream = None
        gc.collect()
        await asyncio.sleep(0)
    if form.reads == "dropped":
        gc.collect()
        client._calls.close_abandoned()
    aftermath.check_memory(client)
    aftermath.check_breakers(client, open_before=form.prepare is not None)
    aftermath.check_attempts(observer, form, (name,))
    world.reset({})
    await _go_on(client, form)
    return interrupted


def _end_loop(world: World, form: Form, step: int, steps: Steps, observer: Observer, *, stopped: bool) -> bool:
    """Stop the loop of a call, or close it under the call; go on with the client in another one."""
    client, held = AsyncClient(**settings_of(form, world, observer)), Held()
    if form.prepare is not None:
        form.prepare(client)
    interrupted = False
    runner = asyncio.Runner()
    loop = runner.get_loop()
    task = loop.create_task(ask_async(client, form, held))
    steps.before(step, loop.stop)
    try:
        loop.run_until_complete(task)
    except RuntimeError as error:
        check("only the loop has stopped", "stopped" in str(error), repr(error))
        interrupted = True
    steps.forget()
    del task
    if not interrupted:  # it may have been stopped a second time, by what ends `run_until_complete`
        with suppress(RuntimeError):
            loop.run_until_complete(asyncio.sleep(0))
    if stopped:
        runner.close()
    else:
        loop.close()
    held.stream = None
    gc.collect()
    client._calls.close_abandoned()
    if stopped:
        aftermath.check_memory(client)
        aftermath.check_breakers(client, open_before=form.prepare is not None)
        aftermath.check_attempts(observer, form, ("CancelledError",))
    world.reset({})
    asyncio.run(_go_on(client, form, check_memory=stopped))
    if not stopped:  # then the next call has dropped what belonged to the closed loop
        aftermath.check_threads(())
        gc.collect()
        client._calls.close_abandoned()
        aftermath.check_memory(client)
        aftermath.check_attempts(
            observer, form, ("GeneratorExit", "RuntimeError", "ValueError", "CancelledError"), more=1
        )  # and the next; ValueError: Python's collector ends a coroutine from within one that it awaits
    return interrupted


async def _go_on(client: Any, form: Form, *, check_memory: bool = True) -> None:
    await _ask_next(client, form)
    if check_memory:
        aftermath.check_memory(client)
    aftermath.check_breakers(client, open_before=False)
    await client.aclose()
    await aftermath.check_tasks()


async def _ask_next(client: Any, form: Form) -> None:
    prompt = new_prompt()
    answer = await client.chat.completions.create(**next_params(form, prompt))
    check("the next call gets its own answer", answer.text.strip() == prompt, answer.text)
