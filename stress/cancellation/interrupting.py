"""
Interrupts calls of `Client` at each point at which Python may run a signal's handler, or at any moment; and closes
their streams and their client from another thread at such points.

Python looks for signals when a function is entered, after a call of a C function, at the jump back of a loop, and in
calls of the system that wait. A profile function sees the first two: it sends a real signal there.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

import g4f_lite
from g4f_lite import Client

from . import aftermath, asking
from .aftermath import check
from .asking import Held, ask, close_shared, new_prompt, next_params, settings_of
from .forms import Form
from .world import Observer, World


class AlarmError(Exception):
    """What the program's handler raises: as the soft time limit of a task queue."""


def raise_alarm(number: int, frame: FrameType | None) -> None:
    raise AlarmError


SIGNALS: dict[str, tuple[signal.Signals, type[BaseException]]] = {
    "Ctrl-C": (signal.SIGINT, KeyboardInterrupt),
    "alarm": (signal.SIGALRM, AlarmError),
}
CLOSERS = ("stream closed by another thread", "client closed by another thread")
EVERY_MODE = (*SIGNALS, *CLOSERS)
UNCLOSED = {
    "unclosed <s": "a socket inside urllib3 is closed by its finalizer",
    "unclosed file": "a file that has just been opened is closed by its finalizer",
}
"""Of complaints, which window it was."""
_LIBRARY = str(Path(g4f_lite.__file__).parent)
_ASKS = (ask.__code__, asking._ask.__code__)


class Windows:
    """What a signal can do that no code in Python prevents, and how often it was seen."""

    seen: dict[str, int] = {
        "swallowed by a finalizer or C code": 0,
        **dict.fromkeys(UNCLOSED.values(), 0),
        "an observer's own code is interrupted": 0,
        "the finalizer of a stream is interrupted": 0,
    }


class Points:
    """
    Counts the points at which a signal may be handled, and does something at one of them, once.

    Args:
        own: count only points in the code of this library.
    """

    def __init__(self, at: int, action: Callable[[], object], *, own: bool) -> None:
        self.count = 0
        self.where = ""
        self.in_library = False
        self._at, self._action, self._own = at, action, own

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if (event != "call" and event != "c_return") or code in _ASKS:
            return
        in_library = code.co_filename.startswith(_LIBRARY)
        if self._own and not in_library:
            return
        self.count += 1
        if self.count > self._at and not self.where:
            name = code.co_qualname if event == "call" else getattr(argument, "__qualname__", "?")
            self.where = f"{event} .{name} in {code.co_qualname}, {Path(code.co_filename).name}:{frame.f_lineno}"
            self.in_library = in_library
            sys.setprofile(None)
            self._action()


def interrupt(world: World, form: Form, mode: str, at: int, *, own: bool = False, after: float = 0.0) -> bool:
    """
    Interrupt a call, and check what must hold.

    Args:
        at: the number of the point.
        own: see `Points`.
        after: seconds after which the signal comes, instead of at a point.

    Returns:
        False if the call ended before.
    """
    if mode == CLOSERS[0] and not form.reads:
        return False
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, raise_alarm)
    observer, before_files, before_threads = Observer(), aftermath.files(), aftermath.threads()
    world.reset(form.answers)
    with aftermath.noise() as lines:
        client, held = Client(**settings_of(form, world, observer)), Held()
        if form.prepare is not None:
            form.prepare(client)
        if mode in SIGNALS:
            number, kind = SIGNALS[mode]
            points = Points(at, lambda: signal.raise_signal(number), own=own)
            _run(client, form, held, points, kind, lines, after=after, number=number)
        else:
            kind = KeyboardInterrupt  # never comes
            points = Points(at, lambda: _close_beside(mode, client, held), own=own)
            _run(client, form, held, points, None, lines)
        held.stream = None
        try:
            _check(client, form, world, observer, lines, kind, points)
            aftermath.check_closed(world, before_files)
            aftermath.check_threads(before_threads)
        except AssertionError as error:
            raise type(error)(f"{error} ({points.where})") from error
        finally:
            client.close()
    return bool(points.where) or bool(after)


def _run(
    client: Any,
    form: Form,
    held: Held,
    points: Points,
    kind: type[BaseException] | None,
    lines: list[str],
    *,
    after: float = 0.0,
    number: signal.Signals = signal.SIGALRM,
) -> None:
    """Make the call; the exception `kind` alone may end it."""
    timer: threading.Timer | None = None
    try:
        try:
            if after:
                timer = _send_after(after, number)
            else:
                sys.setprofile(points)
            ask(client, form, held)
        finally:
            sys.setprofile(None)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            if timer is not None:
                timer.cancel()
                timer.join()
            close_shared()  # where no signal comes
    except BaseException as error:
        check("the interruption itself arrives", kind is not None and type(error) is kind, f"{error!r}")
        if after:
            points.where = "signal in" + "".join(
                f" .{frame.f_code.co_qualname}" for frame, _ in walk_tb(error.__traceback__)
            )
    else:
        if points.where and kind is not None:
            printed = any(line.startswith(f"unraisable: {kind.__name__}(") for line in lines)  # by a finalizer
            check("the interruption is not swallowed", printed or not points.in_library, points.where)
            Windows.seen["swallowed by a finalizer or C code"] += 1


def _send_after(seconds: float, number: signal.Signals) -> threading.Timer | None:
    """Return what sends the signal, if it is not the system."""
    if number == signal.SIGALRM:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return None
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, number))
    timer.name, timer.daemon = "watchdog", True
    timer.start()
    return timer


def _close_beside(mode: str, client: Any, held: Held) -> None:
    """Close the stream, if there is one, or the client; in another thread, while this one stands still."""
    held.cut = mode == CLOSERS[0]
    close = (held.stream and held.stream.close) if held.cut else client.close
    if close is not None:
        thread = threading.Thread(target=close, name="watchdog")
        thread.start()
        thread.join(0.05)  # longer only if it waits for a lock that this thread holds


def _check(
    client: Any, form: Form, world: World, observer: Observer, lines: list[str], kind: type[BaseException], points: Any
) -> None:
    swallowed = f"unraisable: {kind.__name__}("
    allowed = (*UNCLOSED, swallowed)
    aftermath.check_noise(lines, allowed)
    in_finalizer = ".Call.abandon" in points.where or "BaseStream.__del__" in points.where
    if in_finalizer and not points.where.startswith("signal"):  # Python runs no finalizer twice
        Windows.seen["the finalizer of a stream is interrupted"] += 1
        client.close()
        return
    client._calls.close_abandoned()
    aftermath.check_memory(client)
    aftermath.check_breakers(client, open_before=form.prepare is not None)
    if ".Observer." in points.where:
        Windows.seen["an observer's own code is interrupted"] += 1
    else:
        aftermath.check_attempts(observer, form, (kind.__name__, "StreamClosed"))
    world.reset({})
    prompt = new_prompt()
    answer = client.chat.completions.create(**next_params(form, prompt))
    check("the next call gets its own answer", answer.text.strip() == prompt, answer.text)
    aftermath.check_memory(client)
    aftermath.check_breakers(client, open_before=False)
    check("no connection is forgotten", world.open_connections <= 1 + idle(client), world.open_connections)
    client.close()
    aftermath.check_noise(lines, allowed)
    for what, window in UNCLOSED.items():
        Windows.seen[window] += any(line.startswith(f"warned: ResourceWarning: {what}") for line in lines)


def idle(client: Any) -> int:
    """Return how many connections the pools of a client keep."""
    return sum(len(pool.pool.queue) for pool, _ in client._driver.http._pools.values() if pool.pool is not None)
