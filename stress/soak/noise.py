"""Collect warnings, errors in finalizers and threads, and unwanted log records."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from .providers import SECRET


class Noise:
    """The lines that this process has collected; a forked child clears its copy."""

    of_process: list[str] = []


@contextmanager
def listening() -> Iterator[list[str]]:
    noise = Noise.of_process
    noise.clear()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if (record.levelno >= logging.ERROR and not message.startswith("Unclosed connection")) or SECRET in message:
                cause = record.exc_info[1] if record.exc_info else None
                noise.append(f"logged: {message[:500]}" + (f": {cause!r}" if cause is not None else ""))

    handler = Handler()
    loggers = [logging.getLogger(name) for name in ("asyncio", "aiohttp", "urllib3", "g4f_lite")]
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        # The garbage collector may finalize a socket before the stream that owns it.
        warnings.filterwarnings("ignore", "unclosed <socket|Unclosed connection", ResourceWarning)
        patch = mock.patch.object
        for owner, name, replacement in (
            (warnings, "showwarning", lambda message, *more: noise.append(f"warned: {message}")),
            (sys, "unraisablehook", lambda hook: noise.append(f"unraisable: {hook.exc_value!r} in {hook.object!r}")),
            (threading, "excepthook", lambda hook: noise.append(f"in a thread: {hook.exc_value!r}")),
            *((logger, "handlers", [handler]) for logger in loggers),
            *((logger, "propagate", False) for logger in loggers),
        ):
            stack.enter_context(patch(owner, name, replacement))
        for logger in loggers:
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        yield noise
