"""What must hold after an interrupted call, each under a name."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from .forms import OTHERS_PROBE, Form
from .world import Observer, World

PATIENCE_S = 3.0
"""How long the other side of a socket may take to notice that it is closed."""


class InvariantError(AssertionError):
    """One of the invariants is violated: its name, and what was found."""


def check(name: str, holds: bool, found: object = "") -> None:
    if not holds:
        raise InvariantError(f"{name}: {found}")


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.0005)
    return True


def files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def threads() -> set[str]:
    """Return the threads that are neither Python's main thread nor a server's."""
    return {
        one.name
        for one in threading.enumerate()
        if one is not threading.main_thread() and one.name not in ("fault-server", "watchdog")
    }


def check_memory(client: Any) -> None:
    """Check what the client remembers of its legs: `in_flight`, probes, lines, breakers and locks."""
    health = client._calls.health
    check("no lock is held", not health._lock.locked(), "Health")
    if (lock := getattr(client._driver.http, "_lock", None)) is not None:
        check("no lock is held", not lock.locked(), "HTTPTransport")
    for identity, state in health._legs.items():
        check("in_flight is zero", state.in_flight == 0, f"{state.in_flight} on {identity}")
        check("no place is kept in a line", state.line is None or not len(state.line), identity)
    for name, state in [*health._legs.items(), *health._origins.items()]:
        check("no probe is taken", state.breaker.probe in (0, OTHERS_PROBE), f"{state.breaker.probe} on {name}")

    if client._calls.shared is not None:
        check_shared(client)


def check_shared(client: Any) -> None:
    """Check that nothing of the limits and no probe is held, and that nobody stands in line for them."""
    state = client._calls.link._state
    for name, scope in client._calls.shared.quotas.scopes.items():
        free = eventually(lambda: not any(used.reserved for used in state.used(name).values()))  # noqa: B023
        check("nothing of a limit is held", free, f"{state.used(name)} of {name}")
        check("no place is kept in a line", not len(scope.gate), name)
    probes = state._books.notices._probes
    check("no probe of several clients is taken", eventually(lambda: not len(probes)), "notices")


def check_attempts(observer: Observer, form: Form, interruptions: Iterable[str], more: int = 0) -> None:
    """Check that each attempt has ended once, and that no leg is blamed for the interruption."""

    def key(attempt: Any) -> tuple[Any, ...]:
        return (attempt.provider, attempt.number, attempt.started_at)

    begun, ended = Counter(map(key, observer.begun)), Counter(map(key, observer.ended))
    check("each attempt that started has finished", begun == ended, f"{begun} began, {ended} ended")
    innocent = {"ok", "LostRace", *interruptions, *form.failures}
    blamed = [one.outcome for one in observer.ended if one.outcome not in innocent]
    check("no leg is blamed", not blamed, f"{blamed} {[str(one) for one in observer.ended]}")
    check("a call ends once", bool(observer.begun) <= observer.calls <= form.calls + more, f"{observer.calls} times")


def check_breakers(client: Any, *, open_before: bool) -> None:
    for name, state in [*client._calls.health._legs.items(), *client._calls.health._origins.items()]:
        check("no breaker has opened", open_before or not state.breaker.is_open, name)


def check_closed(world: World, before: int) -> None:
    """Check, after the client has been closed, that no socket is left on either side."""
    closed = eventually(lambda: world.open_connections == 0)
    check("no socket is left open at the server", closed, f"{world.open_connections} are open")
    check("no file is left open", eventually(lambda: files() <= before), f"{before} before, {files()} now")


def check_threads(before: Iterable[str]) -> None:
    known = set(before)
    check("no thread is left", eventually(lambda: threads() <= known), threads() - known)


@contextmanager
def noise() -> Iterator[list[str]]:
    """Collect what Python and asyncio complain of: warnings, finalizers that fail, results that nobody retrieves."""
    gc.collect()  # what was left before
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"logged: {record.getMessage()[:500]}")

    def warned(message: Any, *more: Any) -> None:
        lines.append(f"warned: {type(message).__name__}: {message}")

    patch = mock.patch.object
    loggers = [logging.getLogger(name) for name in ("asyncio", "aiohttp", "urllib3", "g4f_lite")]
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        for owner, name, replacement in (
            (warnings, "showwarning", warned),
            (sys, "unraisablehook", lambda hook: lines.append(f"unraisable: {hook.exc_value!r} in {hook.object!r}")),
            (threading, "excepthook", lambda hook: lines.append(f"in a thread: {hook.exc_value!r}")),
            *((logger, "handlers", [Handler(logging.WARNING)]) for logger in loggers),
            *((logger, "propagate", False) for logger in loggers),
        ):
            stack.enter_context(patch(owner, name, replacement))
        yield lines


def check_noise(lines: list[str], allowed: Iterable[str] = ()) -> None:
    gc.collect()
    heard = [line for line in lines if not any(one in line for one in allowed)]
    check("nothing complains", not heard, heard)


async def check_tasks() -> None:
    """Check that this is the only task."""
    for _ in range(3):  # a task that has been cancelled by the end of another one ends a moment later
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    check("no task is left", not left, left)
