"""Ctrl-C and SIGTERM while a job runs: calls under way end; a second one ends them, too."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(stop: Callable[[str], None], cancel: Callable[[], object]) -> Iterator[None]:
    """
    Let signals stop a job, if this is the main thread.

    Args:
        stop: called with the reason, at the first one.
        cancel: called at each further one.
    """
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = 0

    def on_signal(number: int) -> None:
        nonlocal received
        received += 1
        if received == 1:
            stop("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)
        else:
            cancel()

    def tell_loop(number: int, _: object) -> None:
        loop.call_soon_threadsafe(on_signal, number)  # which also wakes it

    # Not `loop.add_signal_handler`, which Windows lacks.
    before = {number: signal.signal(number, tell_loop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
