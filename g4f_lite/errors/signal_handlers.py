"""
Which exceptions a signal handler of the program raised.

Such an exception ends the program, or a task of its queue. Code that the signal happened to interrupt must not take it
for a failure of its own.
"""

from __future__ import annotations

from _signal import NSIG, getsignal  # type: ignore[import-not-found]  # Python's own, without stubs
from functools import partial
from types import CodeType, MethodType


def is_interruption(error: BaseException) -> bool:
    """Return whether it is Ctrl-C, or was raised by a signal handler."""
    return isinstance(error, KeyboardInterrupt) or raised_by_signal_handler(error) is error


def raise_interruption(error: BaseException) -> None:
    """Raise what a signal handler raised, if that is `error` or one of its causes."""
    if (interruption := raised_by_signal_handler(error)) is not None:
        raise interruption


def raised_by_signal_handler(error: BaseException) -> BaseException | None:
    """Return the exception that a signal handler raised, `error` or one of its causes; None if there is none."""
    # Not the functions of `signal`, which wrap these: those make an enum of each number, which takes 50 times as long.
    handlers = {code for number in range(1, NSIG) if (code := _code_of(getsignal(number))) is not None}
    cause: BaseException | None = error if handlers else None
    while cause is not None:
        trace = cause.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in handlers:
                return cause
            trace = trace.tb_next
        cause = cause.__cause__
    return None


def _code_of(handler: object) -> CodeType | None:
    """Return the code of a handler that is written in Python."""
    while isinstance(handler, (partial, MethodType)):
        handler = handler.func if isinstance(handler, partial) else handler.__func__
    if not callable(handler):
        return None
    code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None
