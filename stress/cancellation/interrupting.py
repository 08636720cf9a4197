"""
Interrupts calls of `Client` by real signals, at each point at which Python runs a signal's handler, or at any moment.

Python looks for signals when a function is entered, after a call of a C function, at the jump back of a loop, and in
calls of the system that wait. A profile function sees the first two: it sends the signal there.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

from g4f_lite import Client

from . import aftermath
from .aftermath import check
from .forms import Form, Held, ask, new_prompt, next_params, settings_of
from .world import Observer, World


class AlarmError(Exception):
    """What the program's handler raises: as the soft time limit of a task queue."""


def raise_alarm(number: int, frame: FrameType | None) -> None:
    raise AlarmError


SIGNALS: dict[str, tuple[signal.Signals, type[BaseException]]] = {
    "Ctrl-C": (signal.SIGINT, KeyboardInterrupt),
    "alarm": (signal.SIGALRM, AlarmError),
}
OF_THE_CONNECTION = ("unclosed <socket", "unclosed <ssl")
"""
What Python says if a signal comes between the creation of a socket, inside the standard library or urllib3, and the
moment at which anybody has it: its finalizer closes it.
"""


class Points:
    """Counts the points at which a signal may be handled, and sends one at a point."""

    def __init__(self, at: int, number: signal.Signals) -> None:
        self.count = 0
        self.where = ""
        self._at, self._number = at, number

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" and event != "c_return":
            return
        if frame.f_code in _OURS:
            return
        self.count += 1
        if self.count > self._at >= 0:
            self._at = -1
            name = frame.f_code.co_qualname if event == "call" else getattr(argument, "__qualname__", "")
            self.where = f"{event} .{name} at {frame.f_code.co_filename.rsplit('/', 2)[-2:]}:{frame.f_lineno}"
            sys.setprofile(None)
            signal.raise_signal(self._number)


_OURS = {ask.__code__}


def _handle() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, raise_alarm)


def interrupt(world: World, form: Form, mode: str, at: float, *, timed: bool = False) -> tuple[bool, str]:
    """
    Interrupt a call at a point, or after a time, and check what must hold.

    Args:
        at: the number of the point; seconds if `timed`.

    Returns:
        Whether the call was interrupted before it ended, and where.
    """
    _handle()
    number, kind = SIGNALS[mode]
    observer, before_files, before_threads = Observer(), aftermath.files(), aftermath.threads()
    world.reset(form.answers)
    with aftermath.noise() as lines:
        client = Client(**settings_of(form, world, observer))
        if form.prepare is not None:
            form.prepare(client)
        arrived, where = _run(client, form, kind, number, at, timed=timed)
        swallowed = f"unraisable: {kind.__name__}("
        in_finalizer = any(line.startswith(swallowed) for line in lines)
        check("the interruption is not swallowed", arrived or in_finalizer or not where, where)
        allowed = (*OF_THE_CONNECTION, swallowed)
        aftermath.check_noise(lines, allowed)
        client._calls.close_abandoned()
        arrived, where = bool(where), f" ({where})"
        try:
            aftermath.check_memory(client)
            aftermath.check_breakers(client, open_before=form.prepare is not None)
            if ".Observer." not in where:  # else the observer itself was interrupted
                aftermath.check_attempts(observer, form, (kind.__name__,))
            world.reset({})
            prompt = new_prompt()
            answer = client.chat.completions.create(**next_params(form, prompt))
            check("the next call gets its own answer", answer.text.strip() == prompt, answer.text)
            aftermath.check_memory(client)
            aftermath.check_breakers(client, open_before=False)
            client.close()
            aftermath.check_noise(lines, allowed)
            aftermath.check_closed(world, before_files)
            aftermath.check_threads(before_threads)
        except AssertionError as error:
            raise type(error)(f"{error}{where}") from error
        finally:
            client.close()
    return arrived, where


def _run(
    client: Any, form: Form, kind: type[BaseException], number: signal.Signals, at: float, *, timed: bool
) -> tuple[bool, str]:
    held = Held()
    points = Points(int(at), number)
    try:
        try:
            if timed:
                signal.setitimer(signal.ITIMER_REAL, at) if number == signal.SIGALRM else _kill_after(at, number)
            else:
                sys.setprofile(points)
            ask(client, form, held)
        finally:
            sys.setprofile(None)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    except BaseException as error:
        check("the interruption itself arrives", type(error) is kind, f"{error!r} ({points.where})")
        arrived = True
    else:
        arrived = False
    if held.stream is not None:
        held.stream.close()
    return arrived, points.where


def _kill_after(seconds: float, number: signal.Signals) -> None:
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.main_thread().ident, number))
    timer.name, timer.daemon = "watchdog", True
    timer.start()
